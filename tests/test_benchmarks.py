"""The benchmarks' arithmetic, with contestants whose seconds are known; and one figure, as small as can be."""

import doctest
import json
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import contestants, few_labels, losses, machine, measure, memory, page, run
from benchmarks.measure import Row, Setting, Stopwatch, compare, exponent, repeatedly, take_turns
from semimetric.data import Dataset
from semimetric.evaluation.peers import PEERS, Peer


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
    assert "training (2 runs each" in page.machines({"training": figure})
    assert "rows (1 run each" in page.machines({"rows": figure | {"repeats": 1}})


def test_every_figure_has_its_place_on_the_page():
    marks = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()
    assert set(run.figures()) == set(run.FIGURES)
    for device in ("cpu", "cuda"):
        for name in (*run.FIGURES, "machine"):
            assert marks.count(f"<!-- {device} {name} -->") == marks.count(f"<!-- end {device} {name} -->") == 1


@pytest.mark.slow
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


def test_rows_beyond_the_images_are_copies_of_which_no_two_are_equal():
    images = np.random.default_rng(0).integers(0, 256, (70, 28, 28), np.uint8)
    rows = few_labels.enlarged(images, 240)
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows[:70], images)
    assert len(np.unique(rows.reshape(240, -1), axis=0)) == 240
    np.testing.assert_array_equal(few_labels.enlarged(images, 240), rows)
    np.testing.assert_array_equal(few_labels.enlarged(images, 20), images[:20])


def test_the_same_sixty_rows_have_labels_however_many_there_are(monkeypatch):
    fitted = []

    class Recorder:
        def __init__(self, preset, **options):
            assert (preset, options["epochs"]) == ("best", 3)

        def fit(self, X, y):
            fitted.append((X, y))

    monkeypatch.setattr(few_labels, "MetricEmbedder", Recorder)
    for rows in (100, 400):
        few_labels.fit(rows, 100, None, "cpu")()
    warm_up, (first, few), _, (more, many) = fitted
    assert len(warm_up[0]) == few_labels.WARM_UP
    assert (len(first), len(more)) == (100, 400)
    np.testing.assert_array_equal(more[:100], first)
    np.testing.assert_array_equal(np.flatnonzero(many >= 0), np.flatnonzero(few >= 0))
    assert (few >= 0).sum() == 60


def test_growth_is_told_beside_the_smallest(monkeypatch):
    found = {100: (4.0, 10_000_000), 200: (9.0, 30_000_000), 400: (2000.0, 2_000_000_000)}
    monkeypatch.setattr(few_labels, "once", lambda maker, arguments, *others: found[arguments["rows"]])
    rows = [row.to_json() for row in few_labels.rows(Setting(rows=100))]
    assert page.figure_table("rows", {"rows": rows}).splitlines()[2:] == [
        "| 100 | 4 s | 40 s | 1.00 | 1.00 | 10 MB |",
        "| 200 | 9 s | 45 s | 2.00 | 2.25 | 30 MB |",
        "| 400 | 2,000 s | 5,000 s | 4.00 | 500 | 2 GB |",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's process status")
def test_fits_on_more_and_more_rows_are_measured_in_processes_of_their_own():
    rows = few_labels.rows(Setting(rows=200))
    assert [row.extra["rows"] for row in rows] == [200, 400, 800]
    assert all(row.ours[0] > 0 and row.extra["bytes"] > 0 for row in rows)


def test_few_labels_speed_has_the_seconds_and_the_accuracy_of_both(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(180) % 3 // 2  # two thirds are 0
    X = (rng.integers(0, 60, (180, 28, 28)) + 150 * y[:, None, None]).astype(np.uint8)
    monkeypatch.setattr(
        few_labels, "load_dataset", lambda *a, **b: Dataset("mnist", X[:120], y[:120], X[120:], y[120:])
    )
    always_the_first = Peer("always 0", lambda rows, seed: np.eye(2)[np.zeros(len(rows[2]), int)], package="numpy")
    monkeypatch.setitem(PEERS, "umap", always_the_first)
    speed, accuracy = few_labels.few_labels_speed(Setting(repeats=4, data_dir=tmp_path), epochs=3)
    assert len(speed.ratios) == 1
    assert (accuracy.ours, accuracy.theirs) == ([1.0], [pytest.approx(2 / 3)])
    assert "| 100.00% | always 0 | 66.67% |  |  |" in page.listing([speed.to_json(), accuracy.to_json()])


def test_few_labels_speed_is_left_out_without_the_images_or_the_peer(monkeypatch, tmp_path):
    (row,) = few_labels.few_labels_speed(Setting())
    assert row.note == "needs MNIST's own images (--data-dir)"
    monkeypatch.setattr(few_labels, "version", lambda package: None)
    (row,) = few_labels.few_labels_speed(Setting(data_dir=tmp_path))
    assert row.note == "umap-learn is not installed"
