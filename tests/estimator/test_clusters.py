"""New rows beside rows that no label reaches: whose cluster they are in."""

import numpy as np
import pytest

from semimetric.estimator import spread
from semimetric.estimator.spread import SpreadLabels

SIZES = (200, 120, 60)


@pytest.fixture
def clouds():
    """Three clouds in 5 dimensions that no label reaches, beside one of 100 rows that is reached; and whose each is."""
    rng = np.random.default_rng(0)
    whose = np.repeat([-1, 0, 1, 2], (100, *SIZES))
    Z = 20 * np.eye(5)[whose + 1] + rng.normal(size=(len(whose), 5))
    order = rng.permutation(len(Z))
    return Z[order].astype(np.float32), whose[order]


def spread_over(Z, clusters):
    return SpreadLabels(Z, np.ones((len(Z), 1), np.float32), clusters)


def test_a_new_row_is_in_the_cluster_of_its_neighbours(clouds, monkeypatch):
    monkeypatch.setattr(spread, "ROWS_AT_ONCE", 7)
    Z, whose = clouds
    found = spread_over(Z, whose).clusters_of(Z[::3] + np.float32(0.1))
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
    assert spread_over(Z, np.array(clusters)).clusters_of(Z[:1]).tolist() == [said]


def test_without_clusters_or_rows_there_is_nothing_to_be_in():
    Z = np.zeros((5, 1), np.float32)
    assert spread_over(Z, np.full(5, -1)).clusters_of(Z).tolist() == [-1] * 5
    assert spread_over(Z, np.zeros(5, int)).clusters_of(Z[:0]).shape == (0,)
