"""The N-pair loss: value and gradient against loops, numbers by hand, and nothing that overflows."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import NPairLoss

Y = [0, 0, 1, -1, 1, 2, 0, -1, 2]
W = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0]
pytestmark = pytest.mark.usefixtures("each_way")


def naive(z, y, weights, l2_weight):
    """The definition, one (anchor, positive) at a time."""
    w = [1.0] * len(y) if weights is None else weights.tolist()
    rows = [i for i in range(len(y)) if y[i] != -1]
    total, count, found = z.sum() * 0, 0.0, False
    for a in rows:
        for p in rows:
            if a == p or y[a] != y[p]:
                continue
            negatives = sum(w[n] * (z[a] @ z[n] - z[a] @ z[p]).exp() for n in rows if y[n] != y[a])
            total, count = total + w[a] * w[p] * torch.log(1 + negatives + z.sum() * 0), count + w[a] * w[p]
            found = found or bool(w[a] * w[p] * negatives > 0)
    value = total / count if count else total
    if found:
        value = value + l2_weight * sum(w[i] * z[i] @ z[i] for i in rows) / sum(w[i] for i in rows)
    return value


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2_weight", [0.0, 0.02, 1.0])
def test_equals_its_naive_twin(weighted, l2_weight, embeddings, value_and_gradients, assert_same):
    z, weights = embeddings(len(Y)), torch.tensor(W, dtype=torch.float64) if weighted else None
    expected = value_and_gradients(naive, z, Y, weights, l2_weight)
    assert_same(value_and_gradients(NPairLoss(l2_weight), z, torch.tensor(Y), weights), expected)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(y=st.lists(st.integers(-1, 2), max_size=7), seed=st.integers(0, 1000), scale=st.sampled_from([0.1, 1.0, 3.0]))
def test_any_labels_at_all(y, seed, scale, embeddings, value_and_gradients, assert_same):
    z, labels = scale * embeddings(len(y), 2, seed), torch.tensor(y, dtype=torch.long)
    found = value_and_gradients(NPairLoss(), z, labels)
    assert_same(found, value_and_gradients(naive, z, y, None, 0.02))
    assert (found[1][labels == -1] == 0).all()


def test_by_hand():
    """z = 1, 2 | −1: both pairs have s_p = 2; s_n = −1 and −2. Mean square 2."""
    z, y = torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([0, 0, 1])
    pairs = (math.log1p(math.exp(-3)) + math.log1p(math.exp(-4))) / 2
    assert NPairLoss(l2_weight=0.0)(z, y).item() == pytest.approx(pairs, rel=1e-6)
    assert NPairLoss(l2_weight=0.5)(z, y).item() == pytest.approx(pairs + 1, rel=1e-6)


def test_a_batch_in_one_point():
    """log(1 + the number of negatives): 2 for each of the four anchors."""
    assert NPairLoss()(torch.zeros(4, 3), torch.tensor([0, 0, 1, 1])).item() == pytest.approx(math.log(3))


@pytest.mark.parametrize("y", [[-1, -1, -1, -1], [3, 3, 3, 3], [0, 1, 2, 3], [0, 0, -1, -1], [0, -1, 1, -1]], ids=str)
def test_without_a_positive_and_a_negative_it_is_zero_with_zero_gradient(y, embeddings, value_and_gradients):
    """The regulariser included."""
    value, gradient = value_and_gradients(NPairLoss(1.0), embeddings(4), torch.tensor(y))
    assert value == 0
    assert (gradient == 0).all()


def test_violated_by_far_it_is_linear(value_and_gradients):
    """Where exp would overflow: s_n − s_p = 10⁸ · (1 + 1) for both anchors."""
    z = torch.tensor([[1e4], [-1e4], [1e4], [-1e4]])
    value, gradient = value_and_gradients(NPairLoss(0.0), z, torch.tensor([0, 0, 1, 1]))
    assert value.item() == pytest.approx(2e8)
    assert gradient.isfinite().all()
    assert (gradient != 0).all()


def test_a_weight_of_two_is_a_second_copy(embeddings):
    """Of a row without positives, the copy being in a class of its own: neither is an anchor."""
    z, y, loss = embeddings(5), torch.tensor([0, 0, 1, 1, 2]), NPairLoss()
    doubled = loss(z, y, torch.tensor([1.0, 1, 1, 1, 2]))
    copied = loss(torch.cat([z, z[4:]]), torch.tensor([0, 0, 1, 1, 2, 3]))
    torch.testing.assert_close(doubled, copied, rtol=1e-12, atol=0)


def test_gradient_by_finite_differences(embeddings):
    z, y = embeddings(6).requires_grad_(), torch.tensor([0, 0, 1, 1, -1, 2])
    assert torch.autograd.gradcheck(lambda z: NPairLoss()(z, y), z)


def test_a_negative_l2_weight_is_refused():
    with pytest.raises(ValueError, match=r"l2_weight must be at least 0, got -1"):
        NPairLoss(-1)
