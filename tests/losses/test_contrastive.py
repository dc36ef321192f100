"""The contrastive loss: value and gradient against a double loop, and numbers by hand."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import ContrastiveLoss

PAIRWISE = {
    "euclidean": lambda a, b: (a - b).square().sum().sqrt(),
    "squared_euclidean": lambda a, b: (a - b).square().sum(),
    "manhattan": lambda a, b: (a - b).abs().sum(),
    "cosine": lambda a, b: 1 - a @ b / (a.norm() * b.norm()),
}
Y = [0, 0, 1, -1, 1, 2, 0, -1, 2]
REDUCTIONS = ("active", "all")
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
pytestmark = pytest.mark.usefixtures("each_way")


def naive(z, y, weights, margin, distance, reduction):
    """The definition, one pair at a time."""
    sums, counts = {True: z.sum() * 0, False: z.sum() * 0}, {True: 0.0, False: 0.0}
    for i, j in itertools.combinations(range(len(y)), 2):
        if -1 in (y[i], y[j]):
            continue
        same = y[i] == y[j]
        d = PAIRWISE[distance](z[i], z[j])
        weight = 1.0 if weights is None else float(weights[i] * weights[j])
        if same or d < margin:
            sums[same] = sums[same] + weight * 0.5 * (d if same else margin - d) ** 2
        if same or d < margin or reduction == "all":
            counts[same] += weight
    return sum(sums[same] / counts[same] if counts[same] else sums[same] for same in (True, False))


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("margin", [0.0, 0.4, 2.0])
def test_equals_its_naive_twin(reduction, distance, weighted, margin, embeddings, value_and_gradients, assert_same):
    z, y = embeddings(len(Y)), torch.tensor(Y)
    weights = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0], dtype=torch.float64) if weighted else None
    expected = value_and_gradients(naive, z, Y, weights, margin, distance, reduction)
    assert_same(value_and_gradients(ContrastiveLoss(margin, distance, reduction), z, y, weights), expected)
    assert expected[0] > 0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(y=st.lists(st.integers(-1, 2), max_size=7), seed=st.integers(0, 1000), reduction=st.sampled_from(REDUCTIONS))
def test_any_labels_at_all(y, seed, reduction, embeddings, value_and_gradients, assert_same):
    z, labels = embeddings(len(y), 2, seed), torch.tensor(y, dtype=torch.long)
    found = value_and_gradients(ContrastiveLoss(1.5, reduction=reduction), z, labels)
    assert_same(found, value_and_gradients(naive, z, y, None, 1.5, "euclidean", reduction))
    assert (found[1][labels == -1] == 0).all()


@pytest.mark.parametrize(("reduction", "repulsion"), [("active", 1.25 / 2), ("all", 1.25 / 4)])
def test_by_hand(reduction, repulsion):
    """On a line at 0, 2 | 3, 4: positives ½·2² and ½·1²; of negatives at 3, 4, 1, 2 only ½·(2.5 − 1)² and ½·(.5)²."""
    z, y = torch.tensor([[0.0], [2.0], [3.0], [4.0]]), torch.tensor([0, 0, 1, 1])
    assert ContrastiveLoss(2.5, reduction=reduction)(z, y).item() == (2 + 0.5) / 2 + repulsion


@pytest.mark.parametrize(("reduction", "push"), [("active", 0.5), ("all", 0.25)])
def test_gradient_by_hand(reduction, push, value_and_gradients):
    """At d01 = 1 the positives pull with 1; at d12 = ½ the one active negative of two pushes with 1 − ½."""
    z = torch.tensor([[0.0], [1.0], [1.5]])
    value, gradient = value_and_gradients(ContrastiveLoss(1.0, reduction=reduction), z, torch.tensor([0, 0, 1]))
    assert value.item() == 0.5 + 0.25 * push
    assert gradient.flatten().tolist() == [-1.0, 1.0 + push, -push]


@pytest.mark.parametrize(("reduction", "repulsion"), [("active", 0.125), ("all", 0.125 * 6 / 9)])
def test_weights_by_hand(reduction, repulsion):
    """Positives 0–1 (½) weighing 2; the negatives 0–2 (0) and 1–2 (⅛) weigh 3 and 6."""
    z, y = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
    loss = ContrastiveLoss(1.0, reduction=reduction)(z, y, torch.tensor([1.0, 2.0, 3.0]))
    assert loss.item() == pytest.approx(0.5 + repulsion)


def test_the_number_of_negatives_does_not_change_what_positives_count():
    """With all negatives beyond the margin, the value is that of the positives, however many classes there are."""
    z = torch.tensor([[0.0], [1.0], [10.0], [20.0], [30.0]])
    for n in (2, 3, 5):
        assert ContrastiveLoss(1.0)(z[:n], torch.tensor([0, 0, 1, 2, 3])[:n]).item() == 0.5


@pytest.mark.parametrize(("y", "value"), [([0, 0, 0, 0], 0.0), ([0, 1, 2, 3], 0.5 * 0.7**2), ([0, 0, 1, 1], 0.245)])
def test_a_batch_in_one_point(y, value, embeddings, value_and_gradients):
    """Positives cost nothing, negatives half the squared margin; the direction to part in is unknown."""
    for point in (0.0, 1.5):
        z = torch.full((4, 2), point, dtype=torch.float64)
        found, gradient = value_and_gradients(ContrastiveLoss(0.7), z, torch.tensor(y))
        assert found.item() == pytest.approx(value, rel=1e-12)
        assert (gradient == 0).all()


@each_reduction
def test_gradient_by_finite_differences(reduction, embeddings):
    z, y = embeddings(6).requires_grad_(), torch.tensor([0, 0, 1, 1, -1, 2])
    assert torch.autograd.gradcheck(lambda z: ContrastiveLoss(2.0, reduction=reduction)(z, y), z)


@each_reduction
def test_for_monitoring_is_the_mean_over_all_pairs(reduction):
    watched = ContrastiveLoss(0.9, "manhattan", reduction).for_monitoring()
    assert (watched.margin, watched.distance.p, watched.reduction) == (0.9, 1, "all")


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction must be one of \('active', 'all'\), got 'mean'"):
        ContrastiveLoss(reduction="mean")


@pytest.mark.parametrize("margin", [-0.1, float("nan")])
def test_a_margin_below_zero_is_refused(margin):
    with pytest.raises(ValueError, match=f"margin must be at least 0, got {margin!r}"):
        ContrastiveLoss(margin)


def test_an_unknown_distance_gets_the_nearest():
    with pytest.raises(ValueError, match=r"unknown distance 'cosin': did you mean 'cosine'\?"):
        ContrastiveLoss(distance="cosin")
