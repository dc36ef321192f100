"""The NT-Xent loss: value and gradient against loops and against PyTorch Metric Learning, numbers by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import NTXentLoss as Peer

from semimetric.losses import NTXentLoss

Y = [0, 0, 1, -1, 1, 2, 0, -1, 2, 4]
W = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0, 0.7]
pytestmark = pytest.mark.usefixtures("each_way")


def naive(z, y, weights, temperature):
    """The definition, one (anchor, positive) at a time."""
    w = [1.0] * len(y) if weights is None else weights.tolist()
    rows = [i for i in range(len(y)) if y[i] != -1 and w[i] > 0]
    cosine = torch.stack([row / row.norm() for row in z]) if len(y) else z
    total, count = z.sum() * 0, 0.0
    for a in rows:
        negatives = [w[n] * (cosine[a] @ cosine[n] / temperature).exp() for n in rows if y[n] != y[a]]
        for p in rows:
            if a != p and y[a] == y[p] and negatives:
                right = (cosine[a] @ cosine[p] / temperature).exp()
                total = total - w[a] * w[p] * (right / (right + sum(negatives))).log()
                count += w[a] * w[p]
    return total / count if count else total


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("temperature", [0.1, 2.0])
def test_equals_its_naive_twin(weighted, temperature, embeddings, value_and_gradients, assert_same):
    z, weights = embeddings(len(Y)), torch.tensor(W, dtype=torch.float64) if weighted else None
    expected = value_and_gradients(naive, z, Y, weights, temperature)
    assert_same(value_and_gradients(NTXentLoss(temperature), z, torch.tensor(Y), weights), expected)
    assert expected[0] > 0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(y=st.lists(st.integers(-1, 2), max_size=7), seed=st.integers(0, 1000))
def test_any_labels_at_all(y, seed, embeddings, value_and_gradients, assert_same):
    z, labels = embeddings(len(y), 3, seed), torch.tensor(y, dtype=torch.long)
    found = value_and_gradients(NTXentLoss(0.5), z, labels)
    assert_same(found, value_and_gradients(naive, z, y, None, 0.5))
    assert (found[1][labels == -1] == 0).all()


def test_equals_the_peer_where_there_are_many_positives(embeddings, value_and_gradients, assert_same):
    z, y = embeddings(24), torch.arange(24) % 3
    assert_same(value_and_gradients(NTXentLoss(0.2), z, y), value_and_gradients(Peer(0.2), z, y))


def test_by_hand():
    """Two anchors along one axis, the negative along another: exp(1/τ) against exp(1/τ) + 1."""
    z, y = torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0, 1])
    for temperature in (0.5, 1.0):
        assert NTXentLoss(temperature)(z, y).item() == pytest.approx(math.log1p(math.exp(-1 / temperature)), rel=1e-6)


def test_gradient_by_finite_differences(embeddings):
    z, y = embeddings(6).requires_grad_(), torch.tensor([0, 0, 1, 1, -1, 2])
    assert torch.autograd.gradcheck(lambda z: NTXentLoss(0.5)(z, y), z)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_not_positive_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be positive"):
        NTXentLoss(temperature)
