"""The supervised contrastive loss: value and gradient against loops, numbers by hand, lengths that do not matter."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import SupervisedContrastiveLoss

Y = [0, 0, 1, -1, 1, 2, 0, -1, 2, 4]
W = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0, 0.7]
pytestmark = pytest.mark.usefixtures("each_way")


def naive(z, y, weights, temperature):
    """The definition, one anchor at a time."""
    w = [1.0] * len(y) if weights is None else weights.tolist()
    u = [row / row.norm() for row in z]
    rows = [i for i in range(len(y)) if y[i] != -1]
    total, anchors = z.sum() * 0, 0.0
    for a in rows:
        positives = [p for p in rows if p != a and y[p] == y[a] and w[p] > 0]
        if not positives:
            continue
        below = sum(w[k] * (u[a] @ u[k] / temperature).exp() for k in rows if k != a)
        each = [w[p] * -((u[a] @ u[p] / temperature).exp() / below).log() for p in positives]
        total, anchors = total + w[a] * sum(each) / sum(w[p] for p in positives), anchors + w[a]
    return total / anchors if anchors else total


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 0.1, 2.0])
def test_equals_its_naive_twin(weighted, temperature, embeddings, value_and_gradients, assert_same):
    z, weights = embeddings(len(Y)), torch.tensor(W, dtype=torch.float64) if weighted else None
    expected = value_and_gradients(naive, z, Y, weights, temperature)
    assert_same(value_and_gradients(SupervisedContrastiveLoss(temperature), z, torch.tensor(Y), weights), expected)
    assert expected[0] > 0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(y=st.lists(st.integers(-1, 2), max_size=7), seed=st.integers(0, 1000))
def test_any_labels_at_all(y, seed, embeddings, value_and_gradients, assert_same):
    z, labels = embeddings(len(y), 3, seed), torch.tensor(y, dtype=torch.long)
    found = value_and_gradients(SupervisedContrastiveLoss(0.5), z, labels)
    assert_same(found, value_and_gradients(naive, z, y, None, 0.5))
    assert (found[1][labels == -1] == 0).all()


def test_by_hand():
    """Two anchors along one axis, the negative along another: exp(1/τ) against exp(1/τ) + 1."""
    z, y = torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0, 1])
    for temperature in (0.5, 1.0):
        value = SupervisedContrastiveLoss(temperature)(z, y).item()
        assert value == pytest.approx(math.log1p(math.exp(-1 / temperature)), rel=1e-6)


def test_a_batch_in_one_point():
    """One of the n − 1 others, whichever it is; at zero, where there is no direction, too."""
    for point in (0.0, 1.5):
        loss = SupervisedContrastiveLoss()(torch.full((4, 2), point), torch.tensor([0, 0, 1, 1]))
        assert loss.item() == pytest.approx(math.log(3))


@pytest.mark.parametrize("y", [[-1, -1, -1, -1], [0, 1, 2, 3], [0, -1, 1, -1], [0, -1, -1, -1]], ids=str)
def test_without_a_positive_pair_it_is_zero_with_zero_gradient(y, embeddings, value_and_gradients):
    value, gradient = value_and_gradients(SupervisedContrastiveLoss(), embeddings(4), torch.tensor(y))
    assert value == 0
    assert (gradient == 0).all()


def test_lengths_do_not_matter(embeddings):
    z, y, loss = embeddings(len(Y)), torch.tensor(Y), SupervisedContrastiveLoss()
    lengths = embeddings(len(Y), 1, seed=1).exp()
    torch.testing.assert_close(loss(z * lengths, y), loss(z, y), rtol=1e-12, atol=0)


def test_a_weight_of_two_is_a_second_copy(embeddings):
    """Of a row without positives, the copy being in a class of its own: neither is an anchor."""
    z, y, loss = embeddings(5), torch.tensor([0, 0, 1, 1, 2]), SupervisedContrastiveLoss()
    doubled = loss(z, y, torch.tensor([1.0, 1, 1, 1, 2]))
    copied = loss(torch.cat([z, z[4:]]), torch.tensor([0, 0, 1, 1, 2, 3]))
    torch.testing.assert_close(doubled, copied, rtol=1e-12, atol=0)


def test_gradient_by_finite_differences(embeddings):
    z, y = embeddings(6).requires_grad_(), torch.tensor([0, 0, 1, 1, -1, 2])
    assert torch.autograd.gradcheck(lambda z: SupervisedContrastiveLoss(0.5)(z, y), z)


@pytest.mark.parametrize("temperature", [0.0, -0.1, float("nan")])
def test_a_temperature_of_zero_or_less_is_refused(temperature):
    with pytest.raises(ValueError, match=f"temperature must be positive, got {temperature!r}"):
        SupervisedContrastiveLoss(temperature)
