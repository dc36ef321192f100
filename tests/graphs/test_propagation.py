"""Spread labels against a dense inverse, and on graphs whose answer is known."""

import numpy as np
import pytest
from scipy import sparse

from semimetric.graphs import nearest_neighbours, neighbour_graph, propagate


def two_clusters(n=60, gap=4.0, seed=0):
    """A graph over two clouds of points, connected or not by how far apart they are, and which cloud a row is of."""
    generator = np.random.default_rng(seed)
    side = np.arange(n) % 2
    Z = generator.standard_normal((n, 2)) + gap * side[:, None]
    return neighbour_graph(*nearest_neighbours(Z, 8)), side


def labels(n, some, seed=0):
    """Codes of ``some`` rows of three classes, unequally many."""
    generator = np.random.default_rng(seed)
    codes = np.full(n, -1)
    codes[generator.permutation(n)[:some]] = np.minimum(np.arange(some) % 4, 2)
    return codes


def dense(graph, codes, n_classes, alpha):
    W = graph.toarray()
    degrees = W.sum(axis=1)
    S = W / np.sqrt(np.outer(degrees, degrees))
    Y = np.array([[(code == c) / max(1, (codes == c).sum()) for c in range(n_classes)] for code in codes])
    return np.linalg.inv(np.eye(len(W)) - alpha * S) @ Y


@pytest.mark.parametrize("alpha", [0.1, 0.9, 0.99, 0.999])
def test_equals_the_dense_inverse(alpha):
    graph, _ = two_clusters(gap=1.0)
    codes = labels(60, 9)
    F = propagate(graph, codes, 3, alpha=alpha, tolerance=1e-10)
    assert F.dtype == np.float64
    np.testing.assert_allclose(F, dense(graph, codes, 3, alpha), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8, 1e-14])
def test_the_residual_is_as_small_as_asked_for(tolerance):
    graph, _ = two_clusters(gap=1.0)
    codes = labels(60, 9)
    exact = dense(graph, codes, 3, 0.99)
    error = propagate(graph, codes, 3, tolerance=tolerance) - exact
    # The inverse stretches a residual by at most 1 / (1 − alpha), and Y's columns are no longer than 1.
    assert np.linalg.norm(error, axis=0).max() <= max(tolerance, 1e-13) / (1 - 0.99)


def test_two_clusters_by_one_label_each():
    graph, side = two_clusters(gap=6.0)
    codes = np.full(60, -1)
    codes[[0, 1]] = side[[0, 1]]
    np.testing.assert_array_equal(propagate(graph, codes, 2).argmax(axis=1), side)


def test_a_class_with_more_labels_weighs_no_more():
    """On a ring of four, two opposite labels of class 0 and one of class 1: each class has spread the same in all."""
    ring = sparse.csr_array(np.array([[0.0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]))
    F = propagate(ring, np.array([0, 1, 0, -1]), 2, alpha=0.5, tolerance=1e-12)
    np.testing.assert_allclose(F.sum(axis=0), [2, 2])  # 1 / (1 − alpha), for all degrees are equal


def test_rows_in_another_order():
    graph, _ = two_clusters(gap=1.0)
    codes = labels(60, 9)
    order = np.random.default_rng(1).permutation(60)
    shuffled = sparse.csr_array(graph[order][:, order])
    np.testing.assert_allclose(
        propagate(shuffled, codes[order], 3, tolerance=1e-10),
        propagate(graph, codes, 3, tolerance=1e-10)[order],
        rtol=1e-7,
        atol=1e-12,
    )


def test_classes_by_other_numbers_and_units_of_weight():
    graph, _ = two_clusters(gap=1.0)
    codes = labels(60, 9)
    F = propagate(graph, codes, 3, tolerance=1e-10)
    renamed = np.where(codes < 0, -1, (codes + 1) % 3)
    np.testing.assert_allclose(np.roll(F, 1, axis=1), propagate(graph, renamed, 3, tolerance=1e-10), rtol=1e-9)
    np.testing.assert_allclose(F, propagate(sparse.csr_array(1e-9 * graph), codes, 3, tolerance=1e-10), rtol=1e-7)


def test_components_keep_to_themselves():
    """Three copies of a graph: labels of class 0 in the first, of class 1 in the second, none in the third."""
    graph, _ = two_clusters(gap=1.0)
    three = sparse.csr_array(sparse.block_diag([graph, graph, graph]))
    codes = np.full(180, -1)
    codes[[3, 17]], codes[60 + 3] = 0, 1
    F = propagate(three, codes, 2)
    assert (F[:60, 0] > 0).all()
    assert (F[60:, 0] == 0).all()
    assert (F[60:120, 1] > 0).all()
    assert (F[:60, 1] == 0).all()
    assert (F[120:] == 0).all()


def test_rows_without_neighbours_and_classes_without_labels():
    graph = sparse.csr_array(([1.0, 1.0], ([0, 1], [1, 0])), shape=(4, 4))
    F = propagate(graph, np.array([0, -1, 2, -1]), 4, alpha=0.5)
    # Of the pair, (1 − ½ · ½)⁻¹ · (1, ½); of the labelled loner its label alone; of the other nothing.
    np.testing.assert_allclose(F, [[4 / 3, 0, 0, 0], [2 / 3, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], rtol=1e-4)
    assert (propagate(graph, np.full(4, -1), 2) == 0).all()


@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        ([0, 1], {}, r"graph has shape \(3, 3\) and codes \(2,\)"),
        ([0, 1, 2], {}, "from 0 to 2; they must be from 0 to n_classes − 1 = 1"),
        ([0, 1, -2], {}, "from -2 to 1"),
        ([0, 1, -1], {"alpha": 1.0}, "alpha is 1.0"),
        ([0, 1, -1], {"tolerance": 0.0}, "tolerance is 0.0"),
    ],
)
def test_what_is_refused(codes, options, message):
    with pytest.raises(ValueError, match=message):
        propagate(sparse.csr_array(np.ones((3, 3))), np.array(codes), 2, **options)
