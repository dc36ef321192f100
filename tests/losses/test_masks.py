"""Which pairs are positive, which negative: against the definition written as a loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import pair_masks

labels = st.lists(st.integers(-1, 4), max_size=12)


def both(y):
    positive, negative = pair_masks(torch.tensor(y, dtype=torch.long))
    return positive.tolist(), negative.tolist()


@settings(derandomize=True, deadline=None)
@given(labels)
def test_equal_their_naive_twins(y):
    n = range(len(y))
    positive = [[i != j and y[i] == y[j] and y[i] != -1 for j in n] for i in n]
    negative = [[y[i] != y[j] and y[i] != -1 and y[j] != -1 for j in n] for i in n]
    assert both(y) == (positive, negative)


@settings(derandomize=True, deadline=None)
@given(labels)
def test_renaming_the_classes_changes_nothing(y):
    names = {-1: -1, 0: 7, 1: 3, 2: 0, 3: 10**12, 4: 1}
    assert both([names[label] for label in y]) == both(y)


def test_by_hand():
    positive, negative = both([0, 0, 1, -1])
    assert positive == [[False, True, False, False], [True, False, False, False], [False] * 4, [False] * 4]
    assert negative == [
        [False, False, True, False],
        [False, False, True, False],
        [True, True, False, False],
        [False] * 4,
    ]


@pytest.mark.parametrize("y", [[], [-1], [-1, -1, -1], [2]])
def test_no_pairs(y):
    assert not any(map(any, both(y)[0] + both(y)[1]))
