"""The loss over random triplets: what is drawn, how often, and the mean over it."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import RandomTripletLoss, TripletLoss

Y = [2, 0, -1, 0, 5, 2, 0, -1, 7, 2, 2]  # classes 0 and 2 have anchors, 5 and 7 are negatives only


def triplets(y, per_class=16, seed=0):
    torch.manual_seed(seed)
    drawn = RandomTripletLoss(per_class=per_class).draw(torch.tensor(y, dtype=torch.long))
    return list(zip(*(rows.tolist() for rows in drawn), strict=True))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(y=st.lists(st.integers(-1, 4), max_size=10), per_class=st.integers(1, 20), seed=st.integers(0, 100))
def test_every_triplet_is_valid_and_every_anchor_class_has_as_many(y, per_class, seed):
    drawn = triplets(y, per_class, seed)
    assert all(y[a] == y[p] != y[n] and a != p and -1 not in (y[a], y[n]) for a, p, n in drawn)
    classes = set(y) - {-1}
    anchor_classes = {c for c in classes if y.count(c) > 1 and len(classes) > 1}
    assert Counter(y[a] for a, _, _ in drawn) == dict.fromkeys(anchor_classes, per_class)


def test_uniform_over_all_valid_triplets_of_a_class():
    """Each of a class's n(n − 1)m triplets as often as any other, within 4.5 standard errors; and so in chi-square."""
    per_class = 60_000
    drawn = Counter(triplets(Y, per_class))
    for label, possible in ((0, 3 * 2 * 6), (2, 4 * 3 * 5)):
        counts = [count for (a, _, _), count in drawn.items() if Y[a] == label]
        expected = per_class / possible
        assert len(counts) == possible
        assert max(abs(count - expected) for count in counts) < 4.5 * (expected * (1 - 1 / possible)) ** 0.5
        chi_square = sum((count - expected) ** 2 / expected for count in counts)
        assert abs(chi_square - (possible - 1)) < 4 * (2 * (possible - 1)) ** 0.5


def test_a_draw_is_a_function_of_the_global_generator_and_a_new_one_each_time():
    y, loss = torch.tensor(Y), RandomTripletLoss()
    assert triplets(Y, seed=3) == triplets(Y, seed=3)
    torch.manual_seed(3)
    first, second = loss.draw(y), loss.draw(y)
    assert not all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("margin", [0.0, 0.2, 2.0])
def test_is_the_mean_over_the_drawn(weighted, margin, embeddings, value_and_gradients, assert_same):
    z, y = embeddings(len(Y)), torch.tensor(Y)
    w = embeddings(len(Y), 1, seed=1).flatten().abs() if weighted else None
    loss = RandomTripletLoss(margin, per_class=7)
    torch.manual_seed(5)
    kept = [i for i, label in enumerate(Y) if label != -1]
    drawn = [[kept[i] for i in rows] for rows in loss.draw(y[kept])]

    def naive(z):
        total, count = z.sum() * 0, 0.0
        for a, p, n in zip(*drawn, strict=True):
            hinge = (z[a] - z[p]).norm() - (z[a] - z[n]).norm() + margin
            weight = float(w[a] * w[p] * w[n]) if weighted else 1.0
            total, count = total + weight * hinge * (hinge > 0), count + weight
        return total / count

    torch.manual_seed(5)
    found = value_and_gradients(loss, z, y, w)
    assert_same(found, value_and_gradients(naive, z))
    assert found[0] > 0


def test_of_many_draws_it_is_the_mean_over_all_triplets_of_each_class():
    """Balanced classes: the mean over all triplets, within 4 standard errors."""
    torch.manual_seed(0)
    z, y = torch.randn(12, 2), torch.arange(12) % 3
    values = torch.stack([RandomTripletLoss(0.5, per_class=50)(z, y) for _ in range(200)])
    error = values.std() / len(values) ** 0.5
    assert abs(values.mean() - TripletLoss(0.5, reduction="all")(z, y)) < 4 * error


@pytest.mark.parametrize(
    "y", [[-1, -1, -1, -1], [3, 3, 3, 3], [0, 1, 2, 3], [0, 0, -1, -1], [0, -1, 1, -1], [0], [-1], []], ids=str
)
def test_no_valid_triplet_is_zero_with_zero_gradient(y, embeddings, value_and_gradients):
    labels = torch.tensor(y, dtype=torch.long)
    value, gradient = value_and_gradients(RandomTripletLoss(1.0), embeddings(4)[: len(y)], labels)
    assert value == 0
    assert (gradient == 0).all()


def test_a_batch_in_one_point_costs_the_margin_and_has_a_finite_gradient(value_and_gradients):
    z = torch.full((4, 2), 1.5, dtype=torch.float64)
    value, gradient = value_and_gradients(RandomTripletLoss(0.7), z, torch.tensor([0, 0, 1, 1]))
    assert value.item() == pytest.approx(0.7, rel=1e-12)
    assert gradient.isfinite().all()


def test_for_monitoring_is_the_mean_over_all_triplets():
    watched = RandomTripletLoss(0.9, "manhattan").for_monitoring()
    assert type(watched) is TripletLoss
    assert (watched.margin, watched.distance.p, watched.reduction) == (0.9, 1, "all")


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"margin must be at least 0, got -0\.1"):
        RandomTripletLoss(-0.1)
    with pytest.raises(ValueError, match="per_class must be at least 1, got 0"):
        RandomTripletLoss(per_class=0)
