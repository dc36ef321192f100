"""Ctrl-C, SIGKILL and a full disk while ``semimetric fit`` is at work."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from semimetric import MetricEmbedder

PROGRAM = (sys.executable, "-c", "import sys; from semimetric.cli import main; sys.argv[0] = 'semimetric'; main()")


def interrupt(*_, **__):
    raise KeyboardInterrupt


def stop_after_the_first_epoch(run, arguments, with_signal):
    """Start the program in a process of its own, send the signal once there is a checkpoint; return what it said."""
    command = [*PROGRAM, *map(str, arguments)]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (run / "checkpoint" / "last.pt").exists():
            assert program.poll() is None, program.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        program.send_signal(with_signal)
        out, err = program.communicate(timeout=120)
    finally:
        program.kill()
    return program.returncode, out, err


@pytest.mark.slow
def test_a_killed_run_is_resumed_and_equals_an_undisturbed_one(semimetric, vector_file, tmp_path, no_report):
    arguments = ["fit", vector_file, "--labels", 30, "--epochs", 40, "--latent-dim", 2, "--seed", 5, "-q"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    code, _, _ = stop_after_the_first_epoch(killed, [*arguments, "--out", killed], signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert json.loads((killed / "config.json").read_text())["stopped"] == "running"
    assert not (killed / "metrics.json").exists()

    again = semimetric(*arguments, "--out", killed)
    assert (again.code, again.out) == (2, "")
    assert again.err == (
        f"error: {killed} holds an unfinished run already: go on with it by --resume, or start anew by --overwrite\n"
    )
    other = semimetric(*arguments, "--out", killed, "--resume", "--alpha", 0.5)
    assert (other.code, other.out) == (2, "")
    assert other.err == (
        f"error: {killed} holds another run (estimator was {{'latent_dim': 2, 'epochs': 40}}, "
        "now {'latent_dim': 2, 'alpha': 0.5, 'epochs': 40}): resume it with its own arguments\n"
    )
    assert semimetric(*arguments, "--out", killed, "--resume").code == 0
    assert semimetric(*arguments, "--out", whole).code == 0
    for name in ("metrics.json", "history.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    with np.load(killed / "embedding.npz") as resumed, np.load(whole / "embedding.npz") as undisturbed:
        assert all(np.array_equal(resumed[name], undisturbed[name]) for name in undisturbed.files)
    assert not (killed / "checkpoint").exists()

    finished = semimetric(*arguments, "--out", killed, "--resume")
    assert (finished.code, finished.err) == (2, f"error: {killed} is finished: there is nothing to resume\n")


def test_ctrl_c_once_evaluates_and_keeps_the_best_model_and_says_how_to_go_on(vector_file, tmp_path):
    run = tmp_path / "run"
    arguments = ["fit", vector_file, "--epochs", 30_000, "--latent-dim", 2, "--out", run, "--overwrite", "-q"]
    code, out, err = stop_after_the_first_epoch(run, arguments, signal.SIGINT)
    assert code == 1
    config = json.loads((run / "config.json").read_text())
    assert (config["stopped"], config["epochs_planned"]) == ("interrupted", 30_000)
    done = config["epochs"]
    assert err == (
        f"warning: training was interrupted in epoch {done + 1} of 30000: "
        f"keeping the model of epoch {config['best_epoch']}\n"
    )
    *_, report, last = out.splitlines()
    assert report == f"Report: {run / 'report.html'}"
    again = f"semimetric fit {vector_file} --epochs 30000 --latent-dim 2 --out {run} -q --resume"
    assert last == f"Interrupted after {done} of 30,000 epochs. To go on: {again}"
    assert "knn_accuracy" in json.loads((run / "metrics.json").read_text())
    assert (run / "checkpoint" / "last.pt").exists()
    assert MetricEmbedder.load(run / "model").best_epoch_ == config["best_epoch"]


def test_ctrl_c_before_the_fit_leaves_nothing(semimetric, vector_file, tmp_path, monkeypatch):
    monkeypatch.setattr("semimetric.data.catalog.read_user_data", interrupt)
    done = semimetric("fit", vector_file, "--out", tmp_path / "run")
    assert (done.code, done.out, done.err) == (1, "", "interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_after_the_fit_says_how_to_go_on(semimetric, vector_file, tmp_path, monkeypatch, no_report):
    run = tmp_path / "a run"
    for more in ([], ["--resume"], ["--overwrite"]):
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules["semimetric.runs.execution"], "score", interrupt)
            done = semimetric("fit", vector_file, "--labels", 30, "--epochs", 1, "--out", run, "-q", *more)
        assert (done.code, done.out) == (1, "")
        again = f"semimetric fit {vector_file} --labels 30 --epochs 1 --out '{run}' -q --resume"
        assert done.err == f"interrupted. To go on: {again}\n"
    with monkeypatch.context() as patch:  # while another run's data are read
        patch.setattr("semimetric.data.catalog.read_user_data", interrupt)
        assert semimetric("fit", vector_file, "--out", run, "-q", "--overwrite").err == "interrupted\n"
    assert semimetric(*shlex.split(again)[1:]).code == 0


def test_ctrl_c_in_the_report_says_how_to_have_it(semimetric, vector_file, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("semimetric.report.write_report", interrupt)
        done = semimetric("fit", vector_file, "--epochs", 1, "--out", run, "-q")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"interrupted. For the report: semimetric report {run}\n"
    assert semimetric("report", run).code == 0


def test_ctrl_c_in_the_demo_says_how_to_go_on(semimetric, tmp_path, monkeypatch, no_report):
    monkeypatch.setattr("semimetric.estimator.parameters.choose_epochs", lambda *_: 1)
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["semimetric.runs.execution"], "score", interrupt)
        done = semimetric("demo", "--quiet", "--seed", 3)
    again = "semimetric fit digits --labels 50 --seed 3 --out runs/demo --resume"
    assert (done.code, done.err) == (1, f"interrupted. To go on: {again}\n")
    assert semimetric(*again.split()[1:], "-q").code == 0


def test_a_full_disk_ends_the_run_with_a_sentence(semimetric, vector_file, small_disk):
    run = small_disk / "run"
    done = semimetric("fit", vector_file, "--epochs", 1, "--out", run, "-q")
    assert (done.code, done.out) == (1, "")
    warning, error = done.err.splitlines()
    assert warning.startswith(f"warning: could not write the checkpoint {run / 'checkpoint' / 'last.pt'}: ")
    assert error.startswith(f"error: could not write the model to {run / 'model'}: ")
    assert "No space left on device" in error
    assert not run.exists()  # there is nothing in it to go on with


@pytest.mark.parametrize("stopped", ["finished", "interrupted"])
def test_overwriting_and_failing_leaves_the_old_run(semimetric, vector_run, vector_file, tmp_path, stopped):
    run = shutil.copytree(vector_run[0], tmp_path / "run")
    (run / "checkpoint").mkdir()
    (run / "checkpoint" / "last.pt").write_bytes(b"old")
    config = json.loads((run / "config.json").read_text()) | {"stopped": stopped}
    (run / "config.json").write_text(json.dumps(config))
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    for mistake in (["--labels", 1000], ["--preset", "dml-auto"], ["--alpha", 2]):
        done = semimetric("fit", vector_file, "--out", run, "--overwrite", *mistake, "-q")
        assert (done.code, done.out) == (2, "")
        assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
