"""Triplets: which are drawn, how often, and what they score on a line."""

import math
from collections import Counter

import numpy as np
import pytest

from semimetric.evaluation.triplets import draw_triplets, triplet_scores


def all_triplets(y):
    rows = range(len(y))
    return [(a, p, n) for a in rows for p in rows for n in rows if a != p and y[a] == y[p] and y[a] != y[n]]


def test_every_valid_triplet_is_drawn_as_often_as_the_definition_says():
    y = np.array([1, 0, 1, 2, 0, 1])  # class 2 has one row: never an anchor or positive
    draws = 200_000
    counts = Counter(zip(*(rows.tolist() for rows in draw_triplets(y, draws, seed=3)), strict=True))
    assert set(counts) == set(all_triplets(y))
    sizes = np.bincount(y)
    for (anchor, _, _), count in counts.items():
        size = sizes[y[anchor]]
        expected = draws / 5 / (size - 1) / (len(y) - size)  # five rows can be anchors
        assert abs(count - expected) < 5 * math.sqrt(expected)


def test_accuracies_on_a_line_equal_the_weighted_count_of_all_triplets():
    random = np.random.default_rng(1)
    Z, y = random.normal(size=(12, 1)), np.repeat([0, 1, 2], 4)  # equal sizes: all triplets equally likely
    distance = np.abs(Z - Z.T)
    gaps = np.array([distance[a, n] - distance[a, p] for a, p, n in all_triplets(y)])
    scores = triplet_scores(Z, y, margin=0.5, count=400_000)
    assert scores["triplet_accuracy"] == pytest.approx(np.mean(gaps >= 0.5), abs=4e-3)
    assert scores["triplet_order_accuracy"] == pytest.approx(np.mean(gaps > 0), abs=4e-3)


@pytest.mark.parametrize(("margin", "expected"), [(0.0, 1.0), (1.0, 1.0), (1.01, 0.5), (2.0, 0.5), (2.01, 0.0)])
def test_the_margin_is_in_units_of_distance_and_inclusive(margin, expected):
    # Anchor 0: 1 to its positive, 3 to the negative, a gap of 2. Anchor 1: 1 against 2, a gap of 1.
    Z, y = np.array([[0.0], [1.0], [3.0]]), np.array([0, 0, 1])
    scores = triplet_scores(Z, y, margin=margin, count=10_000)
    assert scores["triplet_accuracy"] == pytest.approx(expected, abs=0.02)
    assert scores["triplet_order_accuracy"] == 1.0


def test_a_tie_is_not_in_order_but_has_no_loss_without_a_margin():
    Z, y = np.array([[0.0], [1.0], [-1.0]]), np.array([0, 0, 1])
    scores = triplet_scores(Z, y, margin=0.0, count=4000)  # anchor 0: 1 against 1; anchor 1: 1 against 2
    assert scores["triplet_accuracy"] == 1.0
    assert scores["triplet_order_accuracy"] == pytest.approx(0.5, abs=0.03)


def test_scale_moves_the_margin_score_and_not_the_order():
    random = np.random.default_rng(0)
    Z, y = random.normal(size=(50, 3)), random.integers(3, size=50)
    near, far = triplet_scores(Z * 1e-9, y), triplet_scores(Z * 1e30, y)
    assert near["triplet_accuracy"] == 0.0
    assert far["triplet_accuracy"] == far["triplet_order_accuracy"] == near["triplet_order_accuracy"]
    assert triplet_scores(Z * 1e250 + 1e250, y)["triplet_order_accuracy"] == far["triplet_order_accuracy"]


def test_a_collapsed_embedding_has_no_triplet_in_order():
    assert set(triplet_scores(np.full((6, 2), 0.1), np.array([0, 0, 0, 1, 1, 1])).values()) == {0.0}


@pytest.mark.parametrize("y", [[0, 0, 0], [0, 1, 2]])
def test_no_valid_triplet_is_undefined(y):
    assert all(map(math.isnan, triplet_scores(np.eye(3), np.array(y)).values()))


def test_the_seed_decides_the_draw():
    y = np.arange(100) % 7
    first, again, other = (draw_triplets(y, 50, seed=seed)[0].tolist() for seed in (0, 0, 1))
    assert first == again != other
