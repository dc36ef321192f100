"""Rows held out for early stopping: enough to be worth it, and never a precious label."""

import numpy as np
import pytest

from semimetric.training import hold_out


def labels(unlabelled, *counts):
    """So many unlabelled rows, then so many of class 0, 1, …, shuffled."""
    y = np.repeat(np.arange(-1, len(counts)), [unlabelled, *counts])
    return np.random.default_rng(0).permutation(y)


def drawn(y, share, seed=0):
    """How many unlabelled rows, and of each class, are held out."""
    return np.bincount(y[hold_out(y, share, seed).held_out] + 1, minlength=y.max() + 2).tolist()


@pytest.mark.parametrize("y", [labels(400, 50, 9), labels(0, 300, 300), labels(1000), labels(10, 3)], ids=len)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_two_parts_are_a_partition(y, share):
    split = hold_out(y, share, seed=0)
    assert np.sort(np.concatenate([split.train, split.held_out])).tolist() == list(range(len(y)))
    assert (np.diff(split.train) > 0).all()
    assert (np.diff(split.held_out) > 0).all()


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ((400, 50, 10, 9, 1), 0.1, [40, 5, 1, 0, 0]),
        ((400, 50, 10, 9, 1), 0.5, [200, 25, 5, 0, 0]),
        ((0, 300, 100), 0.1, [0, 30, 10]),
        ((500, 9, 9, 9), 0.2, [100, 0, 0, 0]),
        ((0, 9, 9, 9), 0.5, [0, 0, 0, 0]),
        ((200,), 0.1, [20]),
        ((199, 40), 0.0, [0, 0]),
    ],
)
def test_the_share_is_kept_in_every_class_with_ten_labels(counts, share, expected):
    assert drawn(labels(*counts), share) == expected


@pytest.mark.parametrize(("rows", "expected"), [(190, [0]), (200, [20])])
def test_fewer_than_twenty_rows_are_not_worth_it(rows, expected):
    assert drawn(labels(rows), 0.1) == expected


def test_drawn_by_the_seed_alone():
    y = labels(400, 50)
    first, again, other = (hold_out(y, 0.1, seed).held_out.tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_no_rows():
    split = hold_out(np.empty(0, np.int64), 0.1, 0)
    assert len(split.train) == len(split.held_out) == 0


@pytest.mark.parametrize(("y", "share"), [(labels(0, 10, 100), 0.96), (labels(60), 0.999)], ids=["class", "all"])
def test_something_is_always_left_to_train_on(y, share):
    assert set(y[hold_out(y, share, 0).train]) == set(y)
