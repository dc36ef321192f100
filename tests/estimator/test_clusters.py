"""Rows that no label reaches: which clusters they fall into, whatever their number and order."""

import numpy as np
import pytest

from semimetric.estimator import spread
from semimetric.estimator.spread import SpreadLabels, clusters_beyond

SIZES = (200, 120, 60)


@pytest.fixture
def clouds():
    """Three clouds in 5 dimensions that no label reaches, beside one of 100 rows that is reached; and whose each is."""
    rng = np.random.default_rng(0)
    whose = np.repeat([-1, 0, 1, 2], (100, *SIZES))
    Z = 20 * np.eye(5)[whose + 1] + rng.normal(size=(len(whose), 5))
    order = rng.permutation(len(Z))
    return Z[order].astype(np.float32), whose[order]


def test_each_cloud_is_a_cluster_the_largest_first(clouds):
    Z, whose = clouds
    found = clusters_beyond(Z, whose < 0, seed=0)
    assert (found[whose < 0] == -1).all()
    told = found >= 0
    assert told[whose >= 0].mean() > 0.85  # those at the edge of a cloud stand apart
    assert (found[told] == whose[told]).all()


def test_of_many_rows_some_are_looked_at_and_the_others_follow(clouds, monkeypatch):
    Z, whose = clouds
    monkeypatch.setattr(spread, "CLUSTERED", 100)
    monkeypatch.setattr(spread, "ROWS_AT_ONCE", 7)
    found = clusters_beyond(Z, whose < 0, seed=0)
    told = found >= 0
    assert told[whose >= 0].mean() > 0.7
    assert (found[told] == whose[told]).mean() > 0.99


def test_numbers_of_rows_and_their_order_change_nothing(clouds):
    Z, whose = clouds
    order = np.random.default_rng(1).permutation(len(Z))
    assert np.array_equal(clusters_beyond(Z[order], whose[order] < 0, 0), clusters_beyond(Z, whose < 0, 0)[order])


def on_the_sphere(clouds, rows, spread, dimensions, seed):
    Z = np.repeat(np.eye(clouds, dimensions), rows, axis=0)
    Z += spread * np.random.default_rng(seed).normal(size=Z.shape)
    return (Z / np.linalg.norm(Z, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("clouds", "spread", "dimensions"), [(2, 0.2, 10), (3, 0.2, 10), (3, 0.1, 64), (5, 0.15, 10)])
def test_clouds_on_the_sphere_are_told_apart(clouds, spread, dimensions, seed):
    Z = on_the_sphere(clouds, 100, spread, dimensions, seed)
    assert clusters_beyond(Z, np.zeros(len(Z), bool), seed=0).max() == clouds - 1


@pytest.mark.parametrize(("spread", "dimensions"), [(0.2, 10), (0.1, 64)])
def test_one_cloud_is_one_cluster(spread, dimensions):
    Z = on_the_sphere(1, 300, spread, dimensions, 0)
    assert (clusters_beyond(Z, np.zeros(len(Z), bool), seed=0) == 0).mean() > 0.95


def test_a_few_rows_far_from_the_only_cloud_stand_apart():
    Z = np.concatenate([on_the_sphere(1, 300, 0.1, 10, 0), -on_the_sphere(1, 8, 0.1, 10, 1)])
    found = clusters_beyond(Z, np.zeros(len(Z), bool), seed=0)
    assert (found[:300] == 0).mean() > 0.95
    assert (found[300:] == -1).all()


def test_numbers_follow_the_sizes_among_all_rows_not_among_those_looked_at(monkeypatch):
    monkeypatch.setattr(spread, "CLUSTERED", 60)
    whose = np.repeat([0, 1], [1010, 1000])
    Z = 20 * np.eye(3)[whose] + np.random.default_rng(0).normal(size=(len(whose), 3))
    for seed in range(4):  # the smaller one is drawn more often by some
        sizes = np.bincount(clusters_beyond(Z.astype(np.float32), np.zeros(len(Z), bool), seed) + 1)[1:]
        assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("beyond", [0, 1, 9])
def test_fewer_than_ten_rows_are_no_cluster(beyond):
    reached = np.arange(30) >= beyond
    assert (clusters_beyond(np.random.default_rng(0).random((30, 2)), reached, 0) == -1).all()


@pytest.mark.parametrize("n", [10, 11, 30])
def test_copies_of_one_row_are_one_cluster_at_most(n):
    assert set(clusters_beyond(np.ones((n, 3)), np.zeros(n, bool), 0)) <= {-1, 0}


# New rows ---------------------------------------------------------------------------------------------


def spread_over(Z, reached, clusters):
    return SpreadLabels(Z, np.ones((len(Z), 1), np.float32), reached, clusters)


def test_a_new_row_is_in_the_cluster_of_its_neighbours(clouds, monkeypatch):
    monkeypatch.setattr(spread, "ROWS_AT_ONCE", 7)
    Z, whose = clouds
    found = spread_over(Z, whose < 0, whose).clusters_of(Z[::3] + np.float32(0.1))
    assert found.dtype == np.int64
    assert np.array_equal(found, whose[::3])


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ([1, 1, 1, -1, -1], 1),
        ([1, 1, -1, -1, -1], -1),
        ([0, 0, 1, 1, -1], -1),
        ([0, 0, 0, 1, -1], 0),
    ],
)
def test_more_than_half_of_the_neighbours_decide(clusters, said):
    Z = np.zeros((5, 1), np.float32)  # all weigh the same
    clusters = np.array(clusters)
    assert spread_over(Z, clusters < 0, clusters).clusters_of(Z[:1]).tolist() == [said]


def test_without_clusters_or_rows_there_is_nothing_to_be_in():
    Z = np.zeros((5, 1), np.float32)
    assert spread_over(Z, np.ones(5, bool), np.full(5, -1)).clusters_of(Z).tolist() == [-1] * 5
    assert spread_over(Z, np.zeros(5, bool), np.zeros(5, int)).clusters_of(Z[:0]).shape == (0,)
