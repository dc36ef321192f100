"""``--track``: a run reported to trackers, and what is said where that cannot be."""

import sys

import pytest

from semimetric.runs.trackers import TRACKERS


def test_a_run_is_reported_to_the_trackers_that_are_named(semimetric, vector_file, tmp_path, no_report):
    pytest.importorskip("tensorboard")
    path = tmp_path / "run"
    arguments = ("fit", vector_file, "--labels", 30, "--epochs", 1, "--latent-dim", 2, "--out", path, "--quiet")
    done = semimetric(*arguments, "--track", "tensorboard")
    assert (done.code, done.err) == (0, "")
    (events,) = (path / "tracking" / "tensorboard" / "run").iterdir()
    assert events.name.startswith("events.out.tfevents.")


@pytest.mark.parametrize("command", ["fit", "study"])
def test_a_tracker_that_cannot_be_had_is_said_before_anything_is_written(
    semimetric, vector_file, tmp_path, monkeypatch, command
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    (tmp_path / "mine.yaml").write_text(f"name: mine\ndataset: {vector_file}\nlabels: 30\n")
    what = vector_file if command == "fit" else tmp_path / "mine.yaml"
    out = tmp_path / "out"
    done = semimetric(command, what, "--out", out, "--track", "tensorbord")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: unknown tracker 'tensorbord': did you mean 'tensorboard'? Known: ")
    done = semimetric(command, what, "--out", out, "--track", "tensorboard")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: the tracker 'tensorboard' needs tensorboard, which is not installed: "
        "pip install 'semimetric[tensorboard]'\n"
    )
    assert not out.exists()


@pytest.mark.parametrize("command", ["fit", "study"])
def test_help_names_every_tracker(semimetric, command):
    words = " ".join(semimetric(command, "--help").out.replace("│", " ").split())
    told = words.partition("--track ")[2]
    assert all(name in told[:200] for name in TRACKERS)
