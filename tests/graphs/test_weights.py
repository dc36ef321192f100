"""Weights by hand, against a loop, and what they do not depend on."""

import numpy as np
import pytest

from semimetric.graphs import nearest_neighbours, neighbour_graph


def rows_and_neighbours(n=40, d=3, k=5, seed=0):
    Z = np.random.default_rng(seed).standard_normal((n, d))
    return Z, *nearest_neighbours(Z, k)


def test_equals_a_loop():
    _, distances, rows = rows_and_neighbours()
    expected = np.zeros((40, 40))
    for i in range(40):
        for d, j in zip(distances[i].tolist(), rows[i].tolist(), strict=True):
            weight = np.exp(-4 * (d / float(distances[i, -1])) ** 2)
            expected[i, j] += weight / 2
            expected[j, i] += weight / 2
    graph = neighbour_graph(distances, rows)
    assert graph.dtype == np.float64
    np.testing.assert_allclose(graph.toarray(), expected, rtol=1e-12)


def test_symmetric_without_a_diagonal_and_at_most_one():
    graph = neighbour_graph(*rows_and_neighbours()[1:]).toarray()
    np.testing.assert_array_equal(graph, graph.T)
    assert (graph.diagonal() == 0).all()
    assert graph.max() <= 1
    assert graph[graph > 0].min() >= np.exp(-4) / 2 * (1 - 1e-12)


@pytest.mark.parametrize("factor", [1e-30, 3.0, 1e30])
def test_units_do_not_matter(factor):
    _, distances, rows = rows_and_neighbours()
    scaled = (distances.astype(np.float64) * factor).astype(np.float32)
    np.testing.assert_allclose(
        neighbour_graph(scaled, rows).toarray(), neighbour_graph(distances, rows).toarray(), rtol=1e-5
    )


def test_rows_in_another_order():
    Z, distances, rows = rows_and_neighbours()
    order = np.random.default_rng(1).permutation(len(Z))
    shuffled = neighbour_graph(*nearest_neighbours(Z[order], 5)).toarray()
    np.testing.assert_allclose(shuffled, neighbour_graph(distances, rows).toarray()[np.ix_(order, order)], rtol=1e-5)


def test_duplicates_weigh_one():
    """Three rows coincide and have only each other; the fourth is near none, by its own reach as near as exp(−1)."""
    distances, rows = nearest_neighbours([[0.0], [0.0], [0.0], [1.0], [-2.0]], 2)
    graph = neighbour_graph(distances, rows).toarray()
    np.testing.assert_allclose(graph[:3, :3], 1 - np.eye(3))
    np.testing.assert_allclose(graph[3].sum(), 2 * np.exp(-4) / 2)
    assert np.isfinite(graph).all()


@pytest.mark.parametrize(
    ("distances", "rows", "message"),
    [
        (np.ones((3, 1)), np.array([[1], [0]]), r"shape \(3, 1\) and rows \(2, 1\)"),
        (np.ones((3, 0)), np.zeros((3, 0), int), r"\(3, 0\)"),
        (np.ones((2, 1)), np.array([[1], [2]]), "from 1 to 2; with 2 rows they must be from 0 to 1"),
        (np.ones((2, 1)), np.array([[1], [1]]), "row 1 is its own neighbour"),
    ],
)
def test_what_is_refused(distances, rows, message):
    with pytest.raises(ValueError, match=message):
        neighbour_graph(distances, rows)
