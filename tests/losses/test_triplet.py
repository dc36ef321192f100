"""The triplet loss: value and gradient against a triple loop, numbers by hand, and what must not matter to it."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.geometry import SquaredEuclidean
from semimetric.losses import TripletLoss

PAIRWISE = {
    "euclidean": lambda a, b: (a - b).square().sum().sqrt(),
    "squared_euclidean": lambda a, b: (a - b).square().sum(),
    "manhattan": lambda a, b: (a - b).abs().sum(),
    "cosine": lambda a, b: 1 - a @ b / (a.norm() * b.norm()),
}
Y = [0, 0, 1, -1, 1, 2, 0, -1, 2]
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0], dtype=torch.float64)
REDUCTIONS = ("active", "all")
pytestmark = pytest.mark.usefixtures("each_way_to_triplets")
MINED = {
    "all": lambda to_positive, to_negative, margin: True,
    "semi-hard": lambda to_positive, to_negative, margin: to_positive < to_negative < to_positive + margin,
    "hard": lambda to_positive, to_negative, margin: to_negative <= to_positive,
}
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def naive(z, y, weights, margin, distance, reduction, mining="all"):
    """The definition, one triplet at a time."""
    total, count = z.sum() * 0, 0.0
    for a, p, n in itertools.product(range(len(y)), repeat=3):
        if -1 in (y[a], y[p], y[n]) or a == p or y[a] != y[p] or y[a] == y[n]:
            continue
        to_positive, to_negative = PAIRWISE[distance](z[a], z[p]), PAIRWISE[distance](z[a], z[n])
        if not MINED[mining](to_positive, to_negative, margin):
            continue
        hinge = to_positive + margin - to_negative
        weight = 1.0 if weights is None else float(weights[a] * weights[p] * weights[n])
        if hinge > 0:
            total = total + weight * hinge
        if hinge > 0 or reduction == "all":
            count += weight
    return total / count if count else total


def embeddings(n, d=3, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def value_and_gradient(function, z, *arguments):
    z = z.clone().requires_grad_()
    value = function(z, *arguments)
    (gradient,) = torch.autograd.grad(value, z)
    return value.detach(), gradient


def assert_same(found, expected, tolerance=1e-12):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("margin", [0.0, 0.2, 2.0])
def test_equals_its_naive_twin(distance, reduction, weighted, margin):
    z, y = embeddings(len(Y)), torch.tensor(Y)
    weights = WEIGHTS if weighted else None
    expected = value_and_gradient(naive, z, Y, weights, margin, distance, reduction)
    assert_same(value_and_gradient(TripletLoss(margin, distance, reduction), z, y, weights), expected)
    assert expected[0] > 0


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("mining", ["semi-hard", "hard"])
def test_mining_equals_its_naive_twin(mining, weights, distance, reduction):
    z, y = embeddings(len(Y)), torch.tensor(Y)
    expected = value_and_gradient(naive, z, Y, weights, 0.8, distance, reduction, mining)
    assert_same(value_and_gradient(TripletLoss(0.8, distance, reduction, mining), z, y, weights), expected)
    assert expected[0] > 0


@each_reduction
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_batch_hard_is_one_triplet_an_anchor(weights, reduction):
    """The farthest positive and the nearest negative of each anchor that has both, row by row."""
    z, y = embeddings(len(Y)), torch.tensor(Y)

    def hardest(z):
        total, count = z.sum() * 0, 0.0
        taking_part = (y != -1) & (torch.ones(len(y)) if weights is None else weights).bool()
        for a in taking_part.nonzero().flatten().tolist():
            d = (z - z[a]).square().sum(1).add(torch.arange(len(y)) == a).sqrt()
            same = taking_part & (y == y[a]) & (torch.arange(len(y)) != a)
            other = taking_part & (y != y[a])
            if not (same.any() and other.any()):
                continue
            p, n = d.where(same, -torch.inf).argmax(), d.where(other, torch.inf).argmin()
            weight = 1.0 if weights is None else float(weights[a] * weights[p] * weights[n])
            hinge = d[p] - d[n] + 0.3
            total = total + weight * hinge.clamp(min=0)
            count += weight * float(hinge > 0 or reduction == "all")
        return total / count

    loss = TripletLoss(0.3, reduction=reduction, mining="batch-hard")
    found = value_and_gradient(loss, z, y, weights)
    assert_same(found, value_and_gradient(hardest, z))
    assert found[0] > 0


@each_reduction
@pytest.mark.parametrize("mining", MINED)
@pytest.mark.parametrize("margin", [0.0, 1.0, 2.0])
def test_equal_distances_are_no_triplet_more_nor_less(mining, margin, reduction):
    """Points on a grid: most distances equal others, many a threshold equals one."""
    z = torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0), torch.arange(2.0)).double()
    y = (torch.arange(len(z)) * 7 % 5 % 3).tolist()
    found = value_and_gradient(TripletLoss(margin, "manhattan", reduction, mining), z, torch.tensor(y))
    assert_same(found, value_and_gradient(naive, z, y, None, margin, "manhattan", reduction, mining))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.integers(-1, 2), max_size=7), st.sampled_from(REDUCTIONS), st.integers(0, 1000))
def test_any_labels_at_all(y, reduction, seed):
    z = embeddings(len(y), 2, seed)
    found = value_and_gradient(TripletLoss(0.3, reduction=reduction), z, torch.tensor(y, dtype=torch.long))
    assert_same(found, value_and_gradient(naive, z, y, None, 0.3, "euclidean", reduction))
    assert (found[1][torch.tensor(y) == -1] == 0).all()


@pytest.mark.parametrize(
    ("distance", "reduction", "expected"),
    # Eight triplets. Euclidean hinges: 0 0 | 2 1 | 0 1 | 0 0; squared: 0 0 | 4 1 | 0 1 | 0 0.
    [
        ("euclidean", "active", 4 / 3),
        ("euclidean", "all", 4 / 8),
        ("squared_euclidean", "active", 6 / 3),
        ("squared_euclidean", "all", 6 / 8),
    ],
)
def test_by_hand(distance, reduction, expected):
    z, y = torch.tensor([[0.0], [2.0], [3.0], [4.0]]), torch.tensor([0, 0, 1, 1])
    assert TripletLoss(1.0, distance, reduction)(z, y).item() == pytest.approx(expected, rel=1e-6)


def test_gradient_by_hand():
    """The mean of d01 − d02 + 1 and d01 − d12 + 1 is d01 − (d02 + d12)/2 + 1, on a line."""
    z = torch.tensor([[0.0], [1.0], [1.5]])
    value, gradient = value_and_gradient(TripletLoss(margin=1.0), z, torch.tensor([0, 0, 1]))
    assert value.item() == 1.0
    assert gradient.flatten().tolist() == [-0.5, 1.5, -1.0]


def test_weights_by_hand():
    """Hinges .5 and 1.5 with the negative at 1.5, 1.5 and 1.5 with the one at .5, which counts three times."""
    z, y = torch.tensor([[0.0], [1.0], [1.5], [0.5]]), torch.tensor([0, 0, 1, 2])
    loss = TripletLoss(margin=1.0)(z, y, torch.tensor([1.0, 1.0, 1.0, 3.0]))
    assert loss.item() == (0.5 + 1.5 + 3 * 1.5 + 3 * 1.5) / 8


@each_reduction
def test_unlabelled_rows_take_no_part(reduction):
    z, y, unlabelled = embeddings(len(Y)), torch.tensor(Y), torch.tensor(Y) == -1
    loss = TripletLoss(0.5, reduction=reduction)
    value, gradient = value_and_gradient(loss, z, y)
    assert (gradient[unlabelled] == 0).all()
    assert (gradient[~unlabelled] != 0).any(dim=1).all()
    moved = z.clone()
    moved[unlabelled] = 1e6
    assert_same(value_and_gradient(loss, moved, y), (value, gradient), 0)
    smaller = value_and_gradient(loss, z[~unlabelled], y[~unlabelled])
    assert_same((value, gradient[~unlabelled]), smaller)


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
@pytest.mark.parametrize(
    "y", [[-1, -1, -1, -1], [3, 3, 3, 3], [0, 1, 2, 3], [0, 0, -1, -1], [0, -1, 1, -1], [0], [-1], []], ids=str
)
def test_no_valid_triplet_is_zero_with_zero_gradient(y, distance, reduction):
    z = embeddings(4)[: len(y)]
    weights = torch.ones(len(y))
    for given_weights in (None, weights):
        loss = TripletLoss(1.0, distance, reduction)
        value, gradient = value_and_gradient(loss, z, torch.tensor(y, dtype=torch.long), given_weights)
        assert value == 0
        assert (gradient == 0).all()


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
def test_all_satisfied_is_zero_with_zero_gradient(reduction, distance):
    z = torch.tensor([[10.0, 0.1], [10.0, -0.1], [-10.0, 0.1], [-10.0, -0.1]])
    value, gradient = value_and_gradient(TripletLoss(0.5, distance, reduction), z, torch.tensor([0, 0, 1, 1]))
    assert value == 0
    assert (gradient == 0).all()


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
def test_a_batch_in_one_point_costs_the_margin_and_has_a_finite_gradient(reduction, distance):
    """Where training may collapse to: every distance is zero, and every hinge the margin."""
    for point in (0.0, 1.5):
        z = torch.full((4, 2), point, dtype=torch.float64)
        value, gradient = value_and_gradient(TripletLoss(0.7, distance, reduction), z, torch.tensor([0, 0, 1, 1]))
        assert value.item() == pytest.approx(0.7, rel=1e-12)
        assert gradient.isfinite().all()


@each_reduction
def test_the_order_of_rows_does_not_matter(reduction):
    z, y, w = embeddings(len(Y)), torch.tensor(Y), embeddings(len(Y), 1, seed=1).abs().flatten()
    loss = TripletLoss(0.5, reduction=reduction)
    value, gradient = value_and_gradient(loss, z, y, w)
    order = torch.randperm(len(Y), generator=torch.Generator().manual_seed(0))
    assert_same(value_and_gradient(loss, z[order], y[order], w[order]), (value, gradient[order]))


@each_reduction
def test_the_names_of_classes_do_not_matter(reduction):
    z, loss = embeddings(len(Y)), TripletLoss(0.5, reduction=reduction)
    renamed = torch.tensor([{-1: -1, 0: 9, 1: 0, 2: 4}[label] for label in Y])
    assert_same(value_and_gradient(loss, z, renamed), value_and_gradient(loss, z, torch.tensor(Y)), 0)


@each_reduction
def test_weights_of_one_are_no_weights_and_their_scale_does_not_matter(reduction):
    z, y, loss = embeddings(len(Y)), torch.tensor(Y), TripletLoss(0.5, reduction=reduction)
    for constant in (1.0, 7.0):
        weights = torch.full((len(Y),), constant, dtype=torch.float64)
        assert_same(value_and_gradient(loss, z, y, weights), value_and_gradient(loss, z, y))


@each_reduction
@pytest.mark.parametrize("row", [0, 2, 5])
def test_a_weight_of_zero_removes_the_row(reduction, row):
    z, y, loss = embeddings(len(Y)), torch.tensor(Y), TripletLoss(0.5, reduction=reduction)
    rest = torch.arange(len(Y)) != row
    value, gradient = value_and_gradient(loss, z, y, rest.double())
    assert (gradient[row] == 0).all()
    assert_same((value, gradient[rest]), value_and_gradient(loss, z[rest], y[rest]))


@each_reduction
def test_a_weight_of_two_is_a_second_copy(reduction):
    """Of a row without positives, the copy being in a class of its own: neither is an anchor."""
    z, y, loss = embeddings(5), torch.tensor([0, 0, 1, 1, 2]), TripletLoss(2.0, reduction=reduction)
    doubled = loss(z, y, torch.tensor([1.0, 1, 1, 1, 2]))
    copied = loss(torch.cat([z, z[4:]]), torch.tensor([0, 0, 1, 1, 2, 3]))
    torch.testing.assert_close(doubled, copied, rtol=1e-12, atol=0)


def test_active_and_all_are_one_sum_over_two_counts():
    z, y = embeddings(len(Y)), torch.tensor(Y)
    d = torch.cdist(z, z)
    triplets = [t for t in itertools.product(range(len(Y)), repeat=3) if Y[t[0]] == Y[t[1]] != Y[t[2]]]
    triplets = [t for t in triplets if t[0] != t[1] and -1 not in (Y[t[0]], Y[t[2]])]
    active = sum(d[a, p] - d[a, n] + 0.2 > 0 for a, p, n in triplets)
    assert 0 < active < len(triplets)
    torch.testing.assert_close(
        TripletLoss(0.2, reduction="active")(z, y) * active,
        TripletLoss(0.2, reduction="all")(z, y) * len(triplets),
        rtol=1e-12,
        atol=0,
    )


@each_reduction
@pytest.mark.parametrize("distance", PAIRWISE)
def test_gradient_by_finite_differences(distance, reduction):
    z, y = embeddings(6).requires_grad_(), torch.tensor([0, 0, 1, 1, -1, 2])
    assert torch.autograd.gradcheck(lambda z: TripletLoss(0.5, distance, reduction)(z, y), z)


def test_autocast_does_not_reach_it():
    z, y, loss = embeddings(len(Y)).float(), torch.tensor(Y), TripletLoss()
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(z, y)
    assert inside.dtype == torch.float32
    assert inside == loss(z, y)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_for_monitoring_is_the_mean_over_all_triplets(reduction):
    z, y, own = embeddings(len(Y)), torch.tensor(Y), SquaredEuclidean()
    watched = TripletLoss(0.9, own, reduction).for_monitoring()
    assert (watched.margin, watched.distance, watched.reduction) == (0.9, own, "all")
    assert watched(z, y) == TripletLoss(0.9, own, "all")(z, y) != TripletLoss(0.9, own, "active")(z, y)


@pytest.mark.parametrize("margin", [-0.1, float("nan")])
def test_a_margin_below_zero_is_refused(margin):
    with pytest.raises(ValueError, match=f"margin must be at least 0, got {margin!r}"):
        TripletLoss(margin)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction must be one of \('active', 'all'\), got 'mean'"):
        TripletLoss(reduction="mean")


def test_a_distance_of_ones_own_gets_embeddings_in_their_precision():
    """Such as one with learned float32 weights, which could not multiply float64."""
    z, y, scale = embeddings(len(Y)).float(), torch.tensor(Y), torch.full((3,), 2.0)
    seen = []
    value = TripletLoss(0.5, lambda a, b: seen.append(a.dtype) or torch.cdist(a * scale, b * scale))(z, y)
    assert seen[0] == value.dtype == torch.float32
    torch.testing.assert_close(value, TripletLoss(0.5)(2 * z, y), rtol=1e-6, atol=0)


def test_a_distance_may_learn():
    z, y = embeddings(len(Y)), torch.tensor(Y)
    scale = torch.ones(3, dtype=torch.float64, requires_grad=True)
    value = TripletLoss(0.5, lambda a, b: torch.cdist(a * scale, b * scale))(z, y)
    expected = torch.autograd.grad(TripletLoss(0.5)(z.requires_grad_(), y), z)[0]
    (found,) = torch.autograd.grad(value, scale)  # of scaled points: the gradient of the points times themselves
    torch.testing.assert_close(found, (expected * z).sum(0), rtol=1e-12, atol=1e-12)


def test_unknown_mining_is_refused():
    with pytest.raises(ValueError, match=r"mining must be one of \('all', 'semi-hard', .*\), got 'easy'"):
        TripletLoss(mining="easy")


def test_an_unknown_distance_gets_the_nearest():
    with pytest.raises(ValueError, match=r"unknown distance 'cosin': did you mean 'cosine'\?"):
        TripletLoss(distance="cosin")
