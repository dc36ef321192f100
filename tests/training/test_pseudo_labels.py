"""Labels spread from a few rows: whose are kept, which are trusted, and how much of each class there is."""

import numpy as np
import pytest
from scipy import sparse

from semimetric.graphs import nearest_neighbours, neighbour_graph, propagate
from semimetric.training.pseudo_labels import Spread, choose_alpha, sharpened, spread_labels, trusted


def clouds(sizes=(40, 15, 25), gap=3.0):
    """A graph over three clouds that touch, and codes of two labels each."""
    generator = np.random.default_rng(0)
    side = np.repeat(np.arange(3), sizes)
    Z = generator.standard_normal((len(side), 2)) + gap * np.array([[0, 0], [1, 0], [0, 1]])[side]
    codes = np.full(len(side), -1)
    for c in range(3):
        codes[np.flatnonzero(side == c)[:2]] = c
    return neighbour_graph(*nearest_neighbours(Z, 8)), codes, side


def test_classes_may_change_their_numbers_and_rows_their_order():
    graph, codes, _ = clouds()
    plain = spread_labels(graph, codes).probabilities
    renamed = np.array([2, 0, 1])  # the new number of each class
    other = spread_labels(graph, np.where(codes >= 0, renamed[codes], -1)).probabilities
    np.testing.assert_allclose(other[:, renamed], plain, atol=1e-6)
    order = np.random.default_rng(1).permutation(len(codes))
    shuffled = spread_labels(sparse.csr_array(graph[order][:, order]), codes[order]).probabilities
    np.testing.assert_allclose(shuffled, plain[order], atol=1e-3)  # the labels are spread to a tolerance


@pytest.mark.parametrize("evenness", [0.0, 0.25, 1.0])
def test_shares_are_between_what_was_found_and_even_ones(evenness):
    graph, codes, _ = clouds(sizes=(120, 20, 40), gap=5.0)
    scores = propagate(graph, codes, 3)
    spread = spread_labels(graph, codes, evenness)
    found = (scores / scores.sum(axis=1, keepdims=True))[spread.reached].mean(axis=0)
    shares = spread.probabilities[spread.reached].mean(axis=0)
    np.testing.assert_allclose(shares, evenness / 3 + (1 - evenness) * found, atol=1e-6)
    assert np.abs(found - 1 / 3).max() > 0.1  # else this would say nothing


def test_in_one_component_each_row_has_a_distribution_without_a_zero():
    graph, codes, side = clouds(gap=4.0)
    assert sparse.csgraph.connected_components(graph)[0] == 1
    P = spread_labels(graph, codes).probabilities
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert (P > 0).all()
    assert (P.argmax(axis=1) == side).mean() > 0.8  # chance and the largest cloud are 0.33 and 0.5


def test_a_row_without_a_path_to_a_label_is_not_reached_and_may_be_anything():
    """Rows 6 and 7 have each other only."""
    W = np.zeros((8, 8))
    for a, b in [(0, 1), (0, 2), (0, 3), (4, 5), (6, 7)]:
        W[a, b] = W[b, a] = 1
    codes = np.array([0, -1, -1, -1, 1, -1, -1, -1])
    spread = spread_labels(sparse.csr_array(W), codes)
    np.testing.assert_allclose(spread.probabilities[:6], np.eye(2)[[0, 0, 0, 0, 1, 1]], atol=1e-12)
    np.testing.assert_allclose(spread.probabilities[6:], 0.5)
    assert spread.reached.tolist() == [True] * 6 + [False] * 2
    assert trusted(spread, codes)[0].tolist() == [0, 0, 0, 0, 1, 1, -1, -1]


def test_of_one_class_everything_is():
    graph, codes, _ = clouds()
    np.testing.assert_allclose(spread_labels(graph, np.where(codes == 0, 0, -1)).probabilities, 1)


# Trust ------------------------------------------------------------------------------------------------


def test_given_labels_are_kept_whatever_was_spread_to_them():
    P = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    y, weights = trusted(Spread(P, np.array([True, False, True])), np.array([1, 1, 0]))
    assert y.tolist() == [1, 1, 0]
    assert weights.tolist() == [1, 1, 1]
    assert (y.dtype, weights.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize(("p", "label"), [(0.5, -1), (0.666, -1), (0.667, 0), (0.99, 0), (1.0, 0)])
def test_the_others_where_they_are_four_times_as_likely_as_not_once_squared(p, label):
    """p² / (p² + q²) = 0.8 where p = 2/3."""
    for probabilities, expected in (([p, 1 - p], label), ([1 - p, p], -1 if label == -1 else 1)):
        (y,), (weight,) = trusted(Spread(np.array([probabilities]), np.array([True])), np.array([-1]))
        assert y == expected
        assert weight == pytest.approx(0 if label == -1 else p**2 / (p**2 + (1 - p) ** 2))


def test_rows_that_are_not_reached_have_no_label_however_sure():
    y, weights = trusted(Spread(np.array([[1.0, 0.0]] * 2), np.array([True, False])), np.array([-1, -1]))
    assert (y.tolist(), weights.tolist()) == ([0, -1], [1, 0])


def test_sharpened():
    P = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    np.testing.assert_allclose(sharpened(P, 1.0), P, rtol=1e-12)
    by_hand = [[p**3 / sum(q**3 for q in row) for p in row] for row in P.tolist()]
    np.testing.assert_allclose(sharpened(P, 3.0), by_hand, rtol=1e-12)
    assert (sharpened(P).max(axis=1) >= P.max(axis=1)).all()
    np.testing.assert_array_equal(sharpened(P).argsort(axis=1), P.argsort(axis=1))
    np.testing.assert_allclose(sharpened(np.full((1, 4), 0.25)), 0.25)


# How far labels reach ---------------------------------------------------------------------------------


def striped(width, n=240):
    """A ring of rows, each beside the two on either side, whose classes change every ``width`` rows."""
    W = sum(np.eye(n, k=k) + np.eye(n, k=k - n) for k in (1, 2))
    return sparse.csr_array(W + W.T), np.arange(n) // width % 2


def test_labels_go_less_far_where_classes_meet_often():
    """Of all rows labelled the next ones tell; of every twentieth, with classes of forty, those far off."""
    graph, side = striped(width=6)
    assert choose_alpha(graph, side) == 0.9
    graph, side = clouds(sizes=(300, 300, 300), gap=6.0)[::2]
    assert choose_alpha(graph, np.where(np.arange(900) % 75 == 0, side, -1)) == 0.99


def test_alpha_is_the_one_a_dense_inverse_would_choose():
    """Written out: every fold, every alpha, every power, each likelihood by itself."""
    graph, _, side = clouds(sizes=(30, 24, 27), gap=2.0)
    codes = np.where(np.arange(len(side)) % 3 == 0, side, -1)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(codes >= 0))
    rows = [row for c in range(3) for row in rows if codes[row] == c]
    W = graph.toarray()
    S = W / np.sqrt(np.outer(W.sum(axis=1), W.sum(axis=1)))
    losses = {}
    for alpha in (0.9, 0.97, 0.99):
        inverse = np.linalg.inv(np.eye(len(W)) - alpha * S)
        for power in (0.5, 0.7, 1, 1.4, 2, 3, 4, 6):
            losses[alpha, power] = 0.0
            for i, row in enumerate(rows):
                known = [other for j, other in enumerate(rows) if j % 3 != i % 3]
                of_class = [[other for other in known if codes[other] == c] for c in range(3)]
                P = np.array([inverse[row, members].mean() for members in of_class]) ** power
                losses[alpha, power] -= np.log(max(P[codes[row]] / P.sum(), 1e-3)) / len(rows)
    best = {alpha: min(loss for (a, _), loss in losses.items() if a == alpha) for alpha in (0.9, 0.97, 0.99)}
    assert choose_alpha(graph, codes) == min(best, key=best.get)


@pytest.mark.parametrize("labelled", [[0, 40, 55], [0, 1, 2, 40, 55]], ids=["one of each", "two of one class only"])
def test_too_few_labels_to_tell_go_furthest(labelled):
    graph, _, side = clouds()
    codes = np.full(len(side), -1)
    codes[labelled] = side[labelled]
    assert choose_alpha(graph, codes) == 0.99


def test_rows_that_no_label_comes_to_leave_alpha_finite():
    graph, _, side = clouds(gap=50.0)  # three components
    codes = np.where(np.arange(len(side)) < 20, np.arange(len(side)) % 2, -1)
    assert choose_alpha(graph, codes) in (0.9, 0.97, 0.99)
    P = spread_labels(graph, codes, alpha=0.9).probabilities
    np.testing.assert_allclose(P.sum(axis=1), 1)
