"""The benchmarks' arithmetic, with contestants whose seconds are known; and one figure, as small as can be."""

import doctest
import json
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import contestants, losses, machine, measure, memory, page, run
from benchmarks.measure import Row, Setting, Stopwatch, compare, exponent, repeatedly, take_turns


def taking(seconds, log=None, name=""):
    """Return a contestant that says it took these seconds, one after the other."""
    left = iter(seconds)

    def contestant(watch):
        watch.seconds = next(left)
        if log is not None:
            log.append(name)

    return contestant


def test_contestants_take_turns_forwards_and_backwards():
    log = []
    a, b = (taking([1.0] * 4, log, name) for name in "AB")
    take_turns([a, b], Setting(repeats=4))
    assert "".join(log) == "ABBAABBA"


def test_a_ratio_is_of_neighbouring_runs():
    # The machine is ten times slower in the second pair: the ratios do not notice.
    row = compare("x", taking([1.0, 10.0, 1.0]), taking([2.0, 20.0, 3.0]), Setting(repeats=3), bar=(">=", 2.0))
    assert row.ratios == [2.0, 2.0, 3.0]
    content = row.to_json()
    assert content["ratio_quartiles"] == [2.0, 2.0, 2.5]
    assert content["met"] is True
    row.bar = (">=", 2.1)
    assert row.to_json()["met"] is False


def test_a_figure_on_its_own_is_judged_by_its_median():
    row = Row("x", [0.05, 0.09, 0.2], bar=("<=", 0.1))
    assert row.to_json()["met"] is True
    assert row.to_json()["ratio_quartiles"] is None
    assert "met" not in Row("x", note="not installed", bar=("<=", 0.1)).to_json()


@pytest.mark.parametrize("module", [measure, page])
def test_the_examples_are_right(module):
    assert doctest.testmod(module) == (0, doctest.testmod(module).attempted)


def test_the_exponent_of_a_power_law():
    assert exponent([512, 1024, 4096], [3 * size**2.5 for size in (512, 1024, 4096)]) == pytest.approx(2.5)


def test_repeated_steps_are_timed_one_by_one():
    calls = 0

    def step():
        nonlocal calls
        calls += 1

    contestant = repeatedly(step)
    contestant(watch := Stopwatch())
    first = calls
    contestant(Stopwatch())
    assert first > calls - first > 1  # the first run also finds out how many calls make a steady one
    assert watch.seconds < 0.01


def test_the_tables_stand_between_their_marks(tmp_path):
    rows = [
        Row("a", [1.0, 1.0], [2.0, 4.0], "peer", "images", 100, (">=", 1.5)),
        Row("b", peer="peer", note="peer is not installed"),
    ]
    figure = {"machine": machine.describe("cpu", 1), "repeats": 2, "rows": [row.to_json() for row in rows]}
    before = "# Page\n\n<!-- cpu training -->\nold\n<!-- end cpu training -->\n\n<!-- cuda training -->\nkept\n"
    path = tmp_path / "page.md"
    path.write_text(before)
    page.write(path, json.loads(json.dumps({"cpu": {"training": figure}})))
    after = path.read_text()
    assert "old" not in after
    assert after.endswith("<!-- cuda training -->\nkept\n")
    assert "| 100 images/s | peer | 33 images/s | 3.00 (2.50 – 3.50) | ≥ 1.5, met |" in after
    assert "peer is not installed" in after


def test_every_figure_has_its_place_on_the_page():
    marks = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()
    assert set(run.figures()) == set(run.FIGURES)
    for device in ("cpu", "cuda"):
        for name in (*run.FIGURES, "machine"):
            assert marks.count(f"<!-- {device} {name} -->") == marks.count(f"<!-- end {device} {name} -->") == 1


def test_the_peers_losses_agree_and_the_grid_names_the_smallest():
    pytest.importorskip("pytorch_metric_learning")
    rows = losses.triplet_grid(Setting(repeats=1), batches=(8, 12), shares=("2", "B/2"))
    assert [row.extra["classes"] for row in rows] == ["2", "B/2", "2", "B/2"]
    assert all(len(row.ratios) == 1 for row in rows)
    assert page.grid([row.to_json() for row in rows]).count("**") >= 2
    for name in ("n-pair", "supervised-contrastive"):
        losses.check_agreement(name, 12, 3, "cpu")


def test_losses_that_differ_are_not_compared(monkeypatch):
    pytest.importorskip("pytorch_metric_learning")
    ours = losses.our_loss
    monkeypatch.setattr(losses, "our_loss", lambda *about: lambda z, y: 1.01 * ours(*about)(z, y))
    with pytest.raises(RuntimeError, match="triplet losses differ in value"):
        losses.check_agreement("triplet", 12, 3, "cpu")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's process status")
def test_added_memory_is_what_a_call_adds():
    fresh = mmap.mmap(
        -1, 32_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )  # not of an allocator, which may have so much at hand
    added = memory.on_processor(lambda: fresh.write(bytes([1]) * 32_000_000))
    assert 31e6 < added < 80e6  # the bytes written from may be fresh, too


def test_a_fit_is_timed_by_its_routine():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (64, 28, 28), np.uint8), rng.integers(0, 2, 64)
    task = contestants.Task(images, labels, "cpu", batch_size=32, epochs=1)
    for contestant in (contestants.library(task, "autoencoder"), contestants.bare_autoencoder(task)):
        contestant(watch := Stopwatch())
        assert watch.seconds > 0
    assert contestants.rows_per_step(labels, 64) == {"per_class": 32, "rows": 64}
