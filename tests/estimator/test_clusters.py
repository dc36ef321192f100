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


def test_one_cloud_is_a_whole_cluster(clouds):
    Z, whose = clouds
    assert np.array_equal(clusters_beyond(Z, whose != 0, seed=0), np.where(whose == 0, 0, -1))


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


def test_neighbours_that_a_label_reached_outvote_a_cluster():
    Z = np.array([[0.0], [0.0], [0.0], [0.0], [0.0]], np.float32)
    at = np.zeros((1, 1), np.float32)
    for unreached, said in ((2, -1), (3, 1)):  # of five that weigh the same
        reached = np.arange(5) >= unreached
        assert spread_over(Z, reached, np.where(reached, -1, 1)).clusters_of(at).tolist() == [said]


def test_neighbours_that_stand_apart_are_no_cluster():
    Z = np.repeat(np.array([[0.0], [9.0]], np.float32), 5, axis=0)
    found = spread_over(Z, np.zeros(10, bool), np.repeat([-1, 0], 5)).clusters_of(
        np.array([[0.0], [9.0]], np.float32), n_neighbors=5
    )
    assert found.tolist() == [-1, 0]
    assert spread_over(Z, np.ones(10, bool), np.full(10, -1)).clusters_of(Z).tolist() == [-1] * 10
    assert len(spread_over(Z, np.zeros(10, bool), np.zeros(10, int)).clusters_of(Z[:0])) == 0
