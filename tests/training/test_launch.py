"""Fits on several devices: one model, and an end that is known whatever happens to a process."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset

EVEN = {"batch_size": 64, "labelled_batch_size": 40, "validation_share": 0.0, "patience": None}
PLAIN = {"network": "dense", "precision": "float32", "augment": "none", "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    data = load_dataset("digits")
    return data.X_train[:1152], hide_labels(data.y_train[:1152], count=100)


def dies(x):
    os._exit(3)


def fails(x):
    raise RuntimeError("a mistake of one's own")


class Locked:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, x):
        return x


def test_two_processes_train_the_model_of_one(digits):
    """Nothing here is random per row, and batches divide: the same steps to rounding, which Adam lets grow slowly."""
    settings = {"preset": "dml-autoencoder", "epochs": 3, **PLAIN, **EVEN}
    one = MetricEmbedder(**settings).fit(*digits)
    two = MetricEmbedder(devices=2, **settings).fit(*digits)
    assert [list(row) for row in one.history_] == [list(row) for row in two.history_]
    for a, b in zip(one.history_, two.history_, strict=True):
        assert list(a.values()) == pytest.approx(list(b.values()), rel=2e-3)
    assert one.history_[0]["train_metric"] > 1.2 * one.history_[-1]["train_metric"]
    Z, other = one.transform(digits[0]), two.transform(digits[0])
    assert np.linalg.norm(Z - other) < 0.02 * np.linalg.norm(Z)


@pytest.mark.slow
def test_two_processes_spread_the_labels_of_one(digits):
    """Pairs are dealt out whole, and each process knows the same neighbours, labels and average."""
    settings = {"preset": "best", "epochs": 2, "averaging": 0.9, **PLAIN, **EVEN}
    one = MetricEmbedder(**settings).fit(*digits)
    two = MetricEmbedder(devices=2, **settings).fit(*digits)
    assert [list(row) for row in one.history_] == [list(row) for row in two.history_]
    for a, b in zip(one.history_, two.history_, strict=True):
        assert list(a.values()) == pytest.approx(list(b.values()), rel=1e-2)
    Z, other = one.transform(digits[0]), two.transform(digits[0])
    assert np.linalg.norm(Z - other) < 0.05 * np.linalg.norm(Z)
    assert (one.predict(digits[0]) == two.predict(digits[0])).mean() > 0.98


@pytest.mark.slow
def test_two_processes_know_the_same_classes_without_labels(digits):
    X, y = digits
    settings = {"preset": "best", "epochs": 4, **PLAIN, **EVEN}
    given = np.where(y < 5, y, -1)
    one, two = (MetricEmbedder(devices=devices, **settings).fit(X, given) for devices in (1, 2))
    found, other = (embedder.spread_labels_.clusters for embedder in (one, two))
    assert found.max() > 0
    assert ((found >= 0) == (other >= 0)).mean() > 0.95


@pytest.mark.slow
def test_a_killed_process_is_an_error_and_leaves_the_estimator_its_data(digits):
    with pytest.raises(RuntimeError, match="one of the 2 training processes was killed"):
        MetricEmbedder(devices=2, **PLAIN | {"augment": dies}).fit(*digits)


def test_what_cannot_be_sent_is_named(digits):
    with pytest.raises(
        ValueError, match=r"devices=2 sends every part to other processes, but: TypeError: cannot pickle '_th"
    ):
        MetricEmbedder(devices=2, **PLAIN | {"augment": Locked()}).fit(*digits)


@pytest.mark.slow
def test_a_mistake_in_a_process_is_the_callers(digits):
    with pytest.raises(RuntimeError, match="a mistake of one's own"):
        MetricEmbedder(devices=2, **PLAIN | {"augment": fails}).fit(*digits)


@pytest.mark.slow
def test_interrupted_fits_keep_their_best_model(digits, tmp_path):
    settings = {"preset": "metric-vae", "devices": 2, "checkpoint_dir": tmp_path, **PLAIN}

    def interrupt():
        while not (tmp_path / "last.pt").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.warns(UserWarning, match=r"training was interrupted in epoch \d+ of 4000: keeping the model of epoch"):
        stopped = MetricEmbedder(epochs=4000, patience=None, **settings).fit(*digits)
    assert stopped.stopped_ == "interrupted"
    assert 0 < len(stopped.history_) < 4000
    assert np.isfinite(stopped.transform(digits[0])).all()


class DiesOnce:
    """An augmentation that kills its process in the third epoch, the first time."""

    def __init__(self, mark):
        self.mark, self.calls = mark, 0

    def __call__(self, x):
        self.calls += 1
        if self.calls == 45 and not self.mark.exists():
            self.mark.touch()
            os._exit(3)
        return x


@pytest.mark.slow
def test_a_killed_fit_is_resumed_as_the_undisturbed_one(digits, tmp_path):
    settings = {"preset": "dml-gmm-prior", "devices": 2, "epochs": 4, **PLAIN, **EVEN}
    settings |= {"augment": DiesOnce(tmp_path / "mark"), "checkpoint_dir": tmp_path / "first"}
    with pytest.raises(RuntimeError, match="resume from a checkpoint_dir"):
        MetricEmbedder(**settings).fit(*digits)
    resumed = MetricEmbedder(**settings, resume=True).fit(*digits)
    whole = MetricEmbedder(**settings | {"checkpoint_dir": tmp_path / "second"}).fit(*digits)
    assert len(resumed.history_) == 4
    assert np.array_equal(resumed.transform(digits[0]), whole.transform(digits[0]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"devices": 0}, "devices must be a whole number of at least 1, got 0"),
        ({"devices": 8, "batch_size": 12}, "batch_size must be a whole number of at least 16, two rows for each of 8"),
        ({"devices": 3, "labelled_batch_size": 5}, "labelled_batch_size must be a whole number of at least 6"),
        ({"chunk_size": 0}, "chunk_size must be a whole number of at least 1, or None, got 0"),
    ],
)
def test_what_cannot_be_right_is_refused(parameters, message, digits):
    with pytest.raises(ValueError, match=message):
        MetricEmbedder(**parameters).fit(*digits)
