"""What inputs tell of classes: how sure they are, what a linear classifier's word counts, and their pool."""

from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from semimetric.graphs import nearest_neighbours, neighbour_graph
from semimetric.training import evidence as module
from semimetric.training.descriptor import Description, Descriptor
from semimetric.training.evidence import Evidence, pool


def weigh(graph, rows, codes):
    """Weigh rows that are their own descriptions."""
    return module.weigh(graph, [Description(each, Descriptor("numbers")) for each in rows], codes)


def every(step, side):
    """The class of every so many rows, −1 for the others."""
    return np.where(np.arange(len(side)) % step == 0, side, -1)


# Too little to tell by --------------------------------------------------------------------------------


@pytest.mark.parametrize("labelled", [[0, 40, 55], [0, 1, 2, 40, 55]], ids=["one of each", "two of one class only"])
def test_too_few_labels_to_tell_go_by_neighbours_alone(clouds, labelled):
    graph, rows, side = clouds()
    codes = np.full(len(side), -1)
    codes[labelled] = side[labelled]
    assert weigh(graph, [rows], codes) == Evidence()


def test_rows_that_no_label_comes_to_leave_it_finite(clouds):
    graph, rows, side = clouds(gap=50.0)  # three components
    evidence = weigh(graph, [rows], np.where(np.arange(len(side)) < 20, np.arange(len(side)) % 2, -1))
    assert evidence.told is None or np.isfinite(evidence.told).all()


# How sure they may be ---------------------------------------------------------------------------------


def test_labels_that_foretell_each_other_are_to_be_surer_than_those_that_do_not(clouds):
    graph, rows, side = clouds(sizes=(100, 100, 100), gap=6.0)
    assert weigh(graph, [rows], every(10, side)).power == 3
    strangers = np.random.default_rng(0).integers(0, 3, 300)
    assert weigh(graph, [rows], every(10, strangers)).power == 1


# A linear classifier ----------------------------------------------------------------------------------


def test_it_counts_where_a_line_parts_what_neighbours_do_not():
    """Of forty directions one tells; near are those alike in the others."""
    rows = np.random.default_rng(0).standard_normal((600, 40))
    side = (rows[:, 0] > 0).astype(int)
    evidence = weigh(neighbour_graph(*nearest_neighbours(rows, 10)), [rows], every(6, side))
    assert evidence.share == 0.75
    assert (evidence.told.argmax(axis=1) == side).mean() > 0.85
    np.testing.assert_allclose(np.exp(evidence.told).sum(axis=1), 1, atol=1e-3)  # none is below 0.001


def test_of_several_descriptions_it_looks_at_the_one_that_tells():
    rows, side = np.random.default_rng(0).standard_normal((600, 40)), np.arange(600) % 2
    told = side[:, None] + 0.1 * rows[:, :1]
    graph = neighbour_graph(*nearest_neighbours(rows, 10))
    for descriptions in ([rows, told], [told, rows]):
        evidence = weigh(graph, descriptions, every(5, side))
        assert evidence.share == 0.75
        assert (evidence.told.argmax(axis=1) == side).mean() > 0.99


def test_it_does_not_where_no_line_parts_the_classes():
    """A disc in a ring."""
    generator = np.random.default_rng(0)
    angle, side = generator.uniform(0, 2 * np.pi, 600), np.arange(600) % 2
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + 3 * side)[:, None]
    rows += 0.2 * generator.standard_normal(rows.shape)
    graph = neighbour_graph(*nearest_neighbours(rows, 10))
    evidence = weigh(graph, [rows], every(9, side))
    assert (evidence.share, evidence.told) == (0.0, None)


def quarters(n=600, seed=0):
    """Rows whose class a curve tells by two of their directions, and no line; near are those alike in other things."""
    rng = np.random.default_rng(seed)
    rows, side = rng.standard_normal((n, 2)), np.arange(n) % 2
    rows[:, 1] = np.abs(rows[:, 1]) * np.sign(rows[:, 0]) * (1 - 2 * side)
    others = rng.standard_normal((n, 10))
    return neighbour_graph(*nearest_neighbours(others, 10)), rows, side


def test_a_curve_counts_where_it_parts_what_a_line_does_not():
    graph, rows, side = quarters()
    evidence = weigh(graph, [rows], np.where(np.arange(600) < 150, side, -1))
    assert evidence.share > 0
    assert evidence.classifier.landmarks is not None
    assert (evidence.told.argmax(axis=1) == side).mean() > 0.85
    np.testing.assert_array_equal(evidence.classifier.of_descriptions(rows), evidence.told)


def test_of_very_many_labels_only_lines_are_weighed(monkeypatch):
    graph, rows, side = quarters()
    monkeypatch.setattr(module, "MOST_CURVED", 149)
    evidence = weigh(graph, [rows], np.where(np.arange(600) < 150, side, -1))
    assert evidence.classifier is None or evidence.classifier.landmarks is None


def test_a_line_is_kept_where_a_curve_is_hardly_better():
    """Draws in which a line parts the classes: of some a curve foretells the labels a little better by chance."""
    for seed in range(5):
        rows = np.random.default_rng(seed).standard_normal((600, 3))
        side = (rows[:, 0] + 0.5 * np.random.default_rng(seed + 9).standard_normal(600) > 0).astype(int)
        graph = neighbour_graph(*nearest_neighbours(np.random.default_rng(1).standard_normal((600, 10)), 10))
        evidence = weigh(graph, [rows], every(6, side))
        assert evidence.share > 0
        assert evidence.classifier.landmarks is None


def test_the_inputs_unit_and_origin_do_not_matter(clouds):
    graph, rows, side = clouds(gap=1.5)
    codes = every(2, side)
    here, there = (weigh(graph, [moved], codes) for moved in (rows, 1e4 * rows + 1e5))
    assert here.share == there.share > 0
    np.testing.assert_allclose(there.told, here.told, atol=1e-2)


def test_what_is_chosen_foretells_best_written_out(clouds):
    """Every fold, share, strength and power, with a dense inverse, each likelihood by itself; borders are straight."""
    graph, rows, side = clouds(sizes=(30, 24, 27), gap=2.0)
    codes = every(3, side)
    order = np.random.default_rng(0).permutation(np.flatnonzero(codes >= 0))
    foretold = [row for c in range(3) for row in order if codes[row] == c]
    W = graph.toarray()
    S = W / np.sqrt(np.outer(W.sum(axis=1), W.sum(axis=1)))
    unit = (rows - rows.mean(axis=0)) / np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean())
    known = [[other for j, other in enumerate(foretold) if j % 3 != i % 3] for i in range(len(foretold))]

    def line(i, C):
        return LogisticRegression(C=C, max_iter=1000).fit(unit[known[i]], codes[known[i]]).predict_proba(unit)

    lines = {C: [line(i, C)[row] for i, row in enumerate(foretold)] for C in (1.0, 10.0, 100.0)}
    losses = {}
    inverse = np.linalg.inv(np.eye(len(W)) - 0.99 * S)
    for share, C in product((0.0, 0.25, 0.5, 0.75), lines):
        pools = []
        for i, row in enumerate(foretold):
            of_class = [[other for other in known[i] if codes[other] == c] for c in range(3)]
            near = np.array([inverse[row, members].mean() for members in of_class])
            pools.append(near ** (1 - share) * np.maximum(lines[C][i], 1e-3) ** share)
        for power in (0.5, 0.7, 1, 1.4, 2, 3, 4, 6):
            right = [(P**power)[codes[row]] / (P**power).sum() for P, row in zip(pools, foretold, strict=True)]
            losses[share, C, power] = -np.log(np.maximum(right, 1e-3)).mean()
    share, C, power = min(losses, key=losses.get)
    evidence = weigh(graph, [rows], codes)
    assert (evidence.share, evidence.power) == (share, min(max(power, 1), 3))
    assert share > 0  # else the classifier would not have been looked at
    assert evidence.classifier.landmarks is None
    by_hand = LogisticRegression(C=C, max_iter=1000).fit(unit[codes >= 0], codes[codes >= 0]).predict_proba(unit)
    np.testing.assert_allclose(np.exp(evidence.told), np.maximum(by_hand, 1e-3), atol=1e-6)


# Their pool -------------------------------------------------------------------------------------------


def test_the_pool_is_a_weighted_geometric_mean():
    generator = np.random.default_rng(0)
    scores, P = generator.random((20, 3)), generator.dirichlet(np.ones(3), 20)
    for share in (0.25, 0.75):
        by_hand = scores ** (1 - share) * P**share
        pooled = Evidence(share=share, told=np.log(P)).pooled(scores)
        np.testing.assert_allclose(pooled, by_hand / by_hand.sum(axis=1, keepdims=True), rtol=1e-10)
        np.testing.assert_array_equal(pool(scores, np.log(P), share), pooled)
    assert Evidence().pooled(scores) is scores


def test_rows_and_classes_that_no_path_leads_to_stay_so():
    evidence = Evidence(share=0.5, told=np.log([[0.1, 0.9], [0.1, 0.9]]))
    np.testing.assert_allclose(evidence.pooled(np.array([[0.0, 0.0], [0.3, 0.0]])), [[0, 0], [1, 0]], atol=1e-100)
