"""Spread labels against a dense inverse, on graphs whose answer is known, and shares that are met."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from semimetric.graphs import balanced, nearest_neighbours, neighbour_graph, propagate


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


@st.composite
def scores_and_shares(draw):
    n, classes = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    exponents = draw(arrays(np.float64, (n, classes), elements=st.floats(-300, 300)))
    shares = draw(arrays(np.float64, (classes,), elements=st.floats(0.01, 1)))
    return 10**exponents, shares / shares.sum()


@settings(max_examples=200, deadline=None)
@given(scores_and_shares())
def test_every_class_has_its_share_however_far_apart_the_scores_are(drawn):
    scores, shares = drawn
    P = balanced(scores, shares)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(P.mean(axis=0), shares, atol=1e-6)


def test_shares_at_the_kinks_of_an_assignment():
    """Scores 300 orders of magnitude apart, the same for most rows: steps from afar get stuck on such."""
    scores = np.full((16, 6), 10**8.25)
    scores[[0, 1, 2, 4, 15], [3, 4, 2, 0, 0]] = 1e179, 1e292, 1e294, 1e87, 1e81
    scores[[4, 6], 1] = 1.0
    shares = np.array([0.01, 0.6875, 0.02474, 0.01, 0.01, 0.01]) / 0.75224
    np.testing.assert_allclose(balanced(scores, shares).mean(axis=0), shares, atol=1e-6)


@pytest.mark.parametrize("certainty", [0.0, 1.0, 10.0, 100.0])
def test_scores_times_one_factor_a_class(certainty):
    """Between two classes the odds of all rows change by the same factor, so their order stays."""
    generator = np.random.default_rng(0)
    scores = np.exp(certainty * generator.standard_normal((500, 4)) / 2)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    P = balanced(scores, shares)
    np.testing.assert_allclose(P.mean(axis=0), shares, atol=1e-8)
    held = (P > 1e-280).all(axis=1)
    change = np.log(P[held]) - np.log(scores[held])
    change -= change[:, :1]
    np.testing.assert_allclose(change, np.broadcast_to(change[0], change.shape), atol=1e-8)


def test_by_hand():
    """Odds of 4 and 1, to be half and half: by factors 1 and 2 the odds are 2 and ½."""
    np.testing.assert_allclose(balanced(np.array([[4.0, 1], [1, 1]]), [0.5, 0.5]), [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])


def test_what_does_not_matter():
    scores, shares = np.random.default_rng(0).random((50, 3)), np.array([0.2, 0.3, 0.5])
    P = balanced(scores, shares)
    of_rows, of_classes = np.random.default_rng(1).random((50, 1)), np.array([1e-200, 1.0, 1e90])
    np.testing.assert_allclose(balanced(scores * of_rows * of_classes, shares), P, atol=1e-7)
    np.testing.assert_allclose(balanced(scores[::-1], shares), P[::-1], atol=1e-7)
    np.testing.assert_allclose(balanced(scores[:, ::-1], shares[::-1]), P[:, ::-1], atol=1e-7)
    np.testing.assert_allclose(balanced(np.tile(scores, (3, 1)), shares), np.tile(P, (3, 1)), atol=1e-7)
    np.testing.assert_allclose(balanced(P, shares), P, atol=1e-7)


def test_rows_about_which_nothing_is_known_have_the_shares():
    shares = np.array([0.2, 0.8, 0.0])
    P = balanced(np.array([[0.0, 0, 0], [3, 1, 9], [1, 3, 0], [0, 0, 5]]), shares)
    np.testing.assert_allclose(P[[0, 3]], [shares, shares])  # the last is only of a class without a share
    assert (P[:, 2] == 0).all()
    np.testing.assert_allclose(P.mean(axis=0), shares, atol=1e-8)
    np.testing.assert_array_equal(balanced(np.zeros((2, 3)), shares), [shares, shares])
    assert balanced(np.zeros((0, 3)), shares).shape == (0, 3)


def test_zeros_that_forbid_the_shares():
    """Three of four rows can only be of class 0, which is to have half; then the fourth is of class 1."""
    P = balanced(np.array([[1.0, 0, 0], [2, 0, 0], [3, 0, 0], [5, 1, 0]]), [0.5, 0.3, 0.2])
    np.testing.assert_allclose(P[:3], [[1, 0, 0], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(P[3], [0, 1, 0], atol=1e-6)


def test_zeros_that_forbid_the_shares_of_some_leave_the_others_in_order():
    """Three of five rows are of class 0, which was to have half. What the others miss, they miss about alike."""
    scores = np.array([[1.0, 0, 0], [2, 0, 0], [3, 0, 0], [5, 1, 2], [1, 3, 1]])
    P = balanced(scores, [0.5, 0.3, 0.2])
    np.testing.assert_allclose(P.mean(axis=0), [0.6, 0.25, 0.15], atol=5e-3)


@pytest.mark.parametrize(
    ("scores", "shares", "message"),
    [
        (np.ones((2, 3)), [0.5, 0.5], r"\(2, 3\) and shares \(2,\)"),
        (-np.ones((2, 2)), [0.5, 0.5], "a negative number, NaN or infinity"),
        (np.full((2, 2), np.nan), [0.5, 0.5], "a negative number, NaN or infinity"),
        (np.ones((2, 2)), [0.5, 0.6], "must sum to 1"),
        (np.ones((2, 2)), [1.5, -0.5], "must not be negative"),
        (np.ones((2, 2)), [np.nan, 1.0], "must not be negative"),
    ],
)
def test_what_balanced_refuses(scores, shares, message):
    with pytest.raises(ValueError, match=message):
        balanced(scores, shares)
