"""Grey images made black and white: the same draw every time, and as white as they were grey."""

import numpy as np
import pytest

from semimetric.data import Dataset, load_dataset
from semimetric.data.binarisation import binarised
from semimetric.errors import DataError


def grey(rows=40, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, 8, 8), np.uint8)


def dataset(**splits):
    X = splits.pop("X_train", grey())
    return Dataset("mine", X, np.arange(len(X)) % 2, **splits)


def test_pixels_are_white_as_often_as_they_are_bright():
    """Of 20,000 copies of a ramp over all 256 intensities, each within four standard errors, and 0 and 255 surely."""
    n = 20_000
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(16, 16), (n, 16, 16))
    drawn = binarised(dataset(X_train=ramp)).X_train
    assert drawn.dtype == np.uint8
    assert set(np.unique(drawn)) == {0, 255}
    found, expected = drawn.mean(0).ravel() / 255, np.arange(256) / 255
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / n)).all()
    assert (found[0], found[255]) == (0, 1)


def test_pixels_are_drawn_independently():
    flat = np.full((2_000, 8, 8), 128, np.uint8)
    drawn = binarised(dataset(X_train=flat)).X_train.reshape(2_000, 64) / 255
    between = np.corrcoef(drawn, rowvar=False)[np.triu_indices(64, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(2_000)
    assert drawn.mean(1).std() == pytest.approx(0.5 / np.sqrt(64), rel=0.1)


def test_every_split_is_drawn_and_each_by_itself():
    X = grey()
    data = dataset(X_train=X, X_test=X, y_test=np.zeros(40, int), X_val=X, y_val=np.ones(40, int))
    drawn = binarised(data)
    splits = [drawn.X_train, drawn.X_test, drawn.X_val]
    assert all(set(np.unique(split)) == {0, 255} for split in splits)
    assert all(not np.array_equal(a, b) for number, a in enumerate(splits) for b in splits[:number])
    for name in ("y_train", "y_test", "y_val", "name"):
        assert getattr(drawn, name) is getattr(data, name)
    assert np.array_equal(data.X_train, grey())
    assert binarised(dataset()).X_test is None


def test_the_draw_depends_on_the_seed_alone():
    assert np.array_equal(binarised(dataset()).X_train, binarised(dataset()).X_train)
    assert not np.array_equal(binarised(dataset()).X_train, binarised(dataset(), seed=1).X_train)


def test_large_data_are_drawn_in_parts_that_differ(monkeypatch):
    monkeypatch.setattr("semimetric.data.binarisation.PART", 10)
    drawn = binarised(dataset(X_train=np.full((40, 8, 8), 128, np.uint8))).X_train
    assert not np.array_equal(drawn[:10], drawn[10:20])


@pytest.mark.parametrize(
    ("X", "found"),
    [
        (np.zeros((4, 5), np.float32), "float32 (5,)"),
        (np.zeros((4, 5), np.uint8), "uint8 (5,)"),
        (np.zeros((4, 8, 8), np.float32), "float32 (8, 8)"),
    ],
)
def test_anything_but_images_of_eight_bits_is_refused(X, found):
    with pytest.raises(DataError) as error:
        binarised(dataset(X_train=X))
    assert str(error.value) == f"binarise=True needs images of 8 bits, but mine holds {found}"


# Through load_dataset ---------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "grey.npz", X=grey(60), y=np.arange(60) % 2, X_test=grey(40, 1), y_test=np.arange(40) % 2)
    return tmp_path / "grey.npz"


def test_load_dataset_draws_the_same_whatever_its_seed(file):
    plain, drawn = load_dataset(file), load_dataset(file, binarise=True)
    expected = binarised(plain)
    for seed in (0, 7):
        again = load_dataset(file, binarise=True, seed=seed)
        assert np.array_equal(again.X_train, expected.X_train)
        assert np.array_equal(again.X_test, expected.X_test)
    assert np.array_equal(drawn.y_test, plain.y_test)
    assert set(np.unique(plain.X_test)) > {0, 255}


def test_named_data_are_looked_at_too():
    with pytest.raises(DataError, match=r"binarise=True needs images of 8 bits, but digits holds float32 \(8, 8\)"):
        load_dataset("digits", binarise=True)
