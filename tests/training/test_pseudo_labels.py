"""Labels spread from a few rows: whose are kept, how much they count, and how much of each class there is."""

import numpy as np
import pytest
from scipy import sparse

from semimetric.graphs import nearest_neighbours, neighbour_graph, propagate
from semimetric.training.evidence import Evidence
from semimetric.training.pseudo_labels import Spread, pseudo_labels, sharpened, spread_labels


@pytest.fixture
def few_labelled(clouds):
    """Make three clouds' graph, codes of two labels each, and whose rows are whose."""

    def make(**how):
        graph, _, side = clouds(**how)
        codes = np.full(len(side), -1)
        for c in range(3):
            codes[np.flatnonzero(side == c)[:2]] = c
        return graph, codes, side

    return make


def test_classes_may_change_their_numbers_and_rows_their_order(few_labelled):
    graph, codes, _ = few_labelled()
    plain = spread_labels(graph, codes).probabilities
    renamed = np.array([2, 0, 1])  # the new number of each class
    other = spread_labels(graph, np.where(codes >= 0, renamed[codes], -1)).probabilities
    np.testing.assert_allclose(other[:, renamed], plain, atol=1e-6)
    order = np.random.default_rng(1).permutation(len(codes))
    shuffled = spread_labels(sparse.csr_array(graph[order][:, order]), codes[order]).probabilities
    np.testing.assert_allclose(shuffled, plain[order], atol=1e-3)  # the labels are spread to a tolerance


def test_probabilities_are_the_scores_shares(few_labelled):
    graph, codes, _ = few_labelled(sizes=(120, 20, 40), gap=5.0)
    scores = propagate(graph, codes, 3)
    spread = spread_labels(graph, codes)
    assert spread.reached.all()
    np.testing.assert_allclose(spread.probabilities, scores / scores.sum(axis=1, keepdims=True))


def test_in_one_component_each_row_has_a_distribution_without_a_zero(few_labelled):
    graph, codes, side = few_labelled(gap=4.0)
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
    assert spread.clusters.tolist() == [-1] * 6 + [0] * 2
    assert pseudo_labels(spread, codes)[0].tolist() == [0, 0, 0, 0, 1, 1, -1, -1]


def test_a_label_reaches_to_the_border_however_far_it_is():
    """A long tube with a label at its end, and behind an edge at the other end a cloud."""
    Z = np.random.default_rng(0).normal(size=(8300, 5))
    Z[:8000, 0] = np.linspace(0, 25, 8000)
    Z[8000:, 0] += 60
    graph = neighbour_graph(*nearest_neighbours(Z.astype(np.float32), 10)).tolil()
    graph[7999, 8000] = graph[8000, 7999] = 0.01
    graph = sparse.csr_array(graph)
    codes = np.where(np.arange(8300) == 0, 0, -1)
    visits = propagate(graph, codes, 1)[:8000, 0]
    assert visits[-1] < 1e-3 * np.median(visits)
    assert spread_labels(graph, codes).clusters.tolist() == [-1] * 8000 + [0] * 300


def test_a_label_reaches_rows_of_its_part_that_no_visit_comes_to():
    Z = np.random.default_rng(0).normal(size=(5000, 5))
    Z[:, 0] = np.linspace(0, 16, 5000)
    graph = neighbour_graph(*nearest_neighbours(Z.astype(np.float32), 10))
    codes = np.where(np.arange(5000) < 2, np.arange(5000), -1)
    assert not propagate(graph, codes, 2, alpha=0.9).any(axis=1).all()
    assert spread_labels(graph, codes, evidence=Evidence(0.9)).reached.all()


def cliques(*edges):
    """Return three cliques of forty rows, 0 to 39 and so on, with edges of weight 0.5 between these rows."""
    W = np.kron(np.eye(3), np.ones((40, 40)) - np.eye(40))
    for a, b in edges:
        W[a, b] = W[b, a] = 0.5
    return sparse.csr_array(W)


def test_a_class_whose_label_is_a_stray_has_its_home_behind_the_border():
    """Row 39 is among those of class 0, and the only one of them with an edge to the second clique."""
    codes = np.full(120, -1)
    codes[:5], codes[39], codes[80] = 0, 1, 2
    spread = spread_labels(cliques((39, 40), (0, 80)), codes)
    assert spread.reached.all()
    assert np.unique(spread.probabilities[40:80], axis=0).shape == (1, 3)
    y, _ = pseudo_labels(spread, codes)
    assert y.tolist() == [0] * 39 + [1] * 41 + [2] * 40


def test_a_class_that_has_a_home_takes_no_other_however_near():
    """From the third clique only the first can be reached, where class 0 is, which has class 1 on its other side."""
    codes = np.full(120, -1)
    codes[1], codes[41] = 0, 1
    spread = spread_labels(cliques((0, 40), (39, 80)), codes)
    assert spread.probabilities[80:, 0].mean() > spread.probabilities[:40, 0].mean()
    assert spread.clusters.tolist() == [-1] * 80 + [0] * 40


def test_one_class_alone_takes_no_part_without_its_label():
    spread = spread_labels(cliques((0, 40), (39, 80)), np.where(np.arange(120) == 50, 0, -1))
    assert spread.reached.tolist() == [False] * 40 + [True] * 40 + [False] * 40


@pytest.mark.parametrize(("edges", "reached"), [(1, False), (10, True)])
def test_what_is_much_less_apart_than_most_is_a_fragment(monkeypatch, edges, reached):
    """Ten rows of the third clique's forty that are said to be a part, with so many edges to the other thirty."""
    codes = np.full(120, -1)
    codes[[0, 40, 80]] = 0, 1, 2
    W = cliques((0, 40), (1, 80)).toarray()
    W[80:110, 110:] = W[110:, 80:110] = 0
    for row in range(edges):
        W[80 + row, 110 + row] = W[110 + row, 80 + row] = 1
    parts = np.repeat([0, 1, 2, 3], [40, 40, 30, 10])
    monkeypatch.setattr("semimetric.training.pseudo_labels.parts_within_borders", lambda graph: parts)
    spread = spread_labels(sparse.csr_array(W), codes)
    assert spread.reached.tolist() == [True] * 110 + [reached] * 10


def test_of_one_class_everything_is(few_labelled):
    graph, codes, _ = few_labelled()
    np.testing.assert_allclose(spread_labels(graph, np.where(codes == 0, 0, -1)).probabilities, 1)


def test_rows_that_no_label_comes_to_leave_all_finite_whatever_the_evidence(few_labelled):
    graph, _, side = few_labelled(gap=50.0)  # three components
    codes = np.where(np.arange(len(side)) < 20, np.arange(len(side)) % 2, -1)
    told = np.log(np.full((len(side), 2), 0.5))
    for evidence in (Evidence(), Evidence(share=0.75, told=told)):
        P = spread_labels(graph, codes, evidence=evidence).probabilities
        np.testing.assert_allclose(P.sum(axis=1), 1)
        np.testing.assert_allclose(P[side > 0], 0.5)


def test_a_classifier_changes_probabilities_and_not_who_is_reached(few_labelled):
    graph, codes, side = few_labelled(gap=4.0)
    wrong = np.log(np.where(np.arange(3) == (side[:, None] + 1) % 3, 0.98, 0.01))
    plain, pooled = (spread_labels(graph, codes, evidence=Evidence(share=share, told=wrong)) for share in (0.0, 0.75))
    assert (plain.probabilities.argmax(axis=1) == side).mean() > 0.8
    assert (pooled.probabilities.argmax(axis=1) == (side + 1) % 3).mean() > 0.8
    assert np.array_equal(plain.reached, pooled.reached)
    assert np.array_equal(plain.probabilities, spread_labels(graph, codes).probabilities)


# What is trained on -------------------------------------------------------------------------------------


def test_given_labels_are_kept_whatever_was_spread_to_them():
    P = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    y, weights = pseudo_labels(Spread(P, np.array([-1, 0, -1])), np.array([1, 1, 0]))
    assert y.tolist() == [1, 1, 0]
    assert weights.tolist() == [1, 1, 1]
    assert (y.dtype, weights.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("p", [0.5, 0.667, 0.99, 1.0])
def test_the_others_have_the_likeliest_class_and_count_as_it_does_once_squared(p):
    P = np.array([[p, 1 - p], [1 - p, p]])
    y, weights = pseudo_labels(Spread(P, np.array([-1, -1])), np.array([-1, -1]))
    assert y.tolist() == ([0, 0] if p == 0.5 else [0, 1])
    np.testing.assert_allclose(weights, p**2 / (p**2 + (1 - p) ** 2), rtol=1e-6)


def test_rows_that_are_not_reached_have_no_label_however_sure():
    y, weights = pseudo_labels(Spread(np.array([[1.0, 0.0]] * 2), np.array([-1, 3])), np.array([-1, -1]))
    assert (y.tolist(), weights.tolist()) == ([0, -1], [1, 0])


def test_sharpened():
    P = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    np.testing.assert_allclose(sharpened(P, 1.0), P, rtol=1e-12)
    by_hand = [[p**3 / sum(q**3 for q in row) for p in row] for row in P.tolist()]
    np.testing.assert_allclose(sharpened(P, 3.0), by_hand, rtol=1e-12)
    assert (sharpened(P).max(axis=1) >= P.max(axis=1)).all()
    np.testing.assert_array_equal(sharpened(P).argsort(axis=1), P.argsort(axis=1))
    np.testing.assert_allclose(sharpened(np.full((1, 4), 0.25)), 0.25)
