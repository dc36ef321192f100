"""Borders of a graph: found where parts meet in a neck, not where one of them is long and thin, whatever the order."""

import numpy as np
import pytest
from scipy import sparse

from semimetric.graphs import borders, conductances, nearest_neighbours, neighbour_graph, parts_within_borders


def graph_of(Z, k=10):
    return neighbour_graph(*nearest_neighbours(Z.astype(np.float32), k))


def cliques(sizes, joined):
    """Return cliques of these sizes, with an edge of weight w between the first rows of cliques i and j: (i, j, w)."""
    W = np.kron(np.diag(np.ones(len(sizes))), np.ones((max(sizes), max(sizes)))) - np.eye(len(sizes) * max(sizes))
    for i, j, weight in joined:
        a, b = i * max(sizes), j * max(sizes)
        W[a, b] = W[b, a] = weight
    kept = np.concatenate([i * max(sizes) + np.arange(size) for i, size in enumerate(sizes)])
    return sparse.csr_array(W[np.ix_(kept, kept)])


def same_parts(a, b):
    """Say whether two numberings divide the rows alike."""
    return len(set(zip(a.tolist(), b.tolist(), strict=True))) == len(set(a.tolist())) == len(set(b.tolist()))


def on_the_sphere(clouds, rows, spread, dimensions, seed):
    Z = np.repeat(np.eye(clouds, dimensions), rows, axis=0)
    Z += spread * np.random.default_rng(seed).normal(size=Z.shape)
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


# What is a border -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("clouds", "spread", "dimensions"), [(2, 0.2, 10), (3, 0.2, 10), (3, 0.1, 64), (5, 0.15, 10)])
def test_clouds_on_the_sphere_are_told_apart(clouds, spread, dimensions, seed):
    Z = on_the_sphere(clouds, 200, spread, dimensions, seed)
    parts = parts_within_borders(graph_of(Z))
    whose = np.repeat(np.arange(clouds), 200)
    assert parts.max() == clouds - 1
    assert sum(np.bincount(whose[parts == part]).max() for part in range(clouds)) > 0.99 * len(Z)


@pytest.mark.parametrize(("spread", "dimensions"), [(0.2, 10), (0.1, 64)])
def test_one_cloud_is_one_part(spread, dimensions):
    assert (parts_within_borders(graph_of(on_the_sphere(1, 1000, spread, dimensions, 0))) == 0).all()


def conductance(graph, side):
    dense = graph.toarray()
    return dense[side][:, ~side].sum() / min(dense[side].sum(), dense[~side].sum())


def tube(rows, length, seed=0):
    Z = np.random.default_rng(seed).normal(size=(rows, 5))
    Z[:, 0] = np.linspace(0, length, rows)
    return Z


@pytest.mark.parametrize("seed", range(2))
def test_what_is_long_and_thin_is_one_part_though_few_edges_cut_it(seed):
    Z = tube(8000, 25, seed)
    graph = graph_of(Z)
    assert conductance(graph, Z[:, 0] < 12.5) < borders.CONDUCTANCE / 2
    assert (parts_within_borders(graph) == 0).all()


def test_what_is_long_and_thin_is_divided_at_a_neck():
    Z = tube(8000, 25)
    Z = Z[(np.abs(Z[:, 0] - 10) > 1) | (np.linalg.norm(Z[:, 1:], axis=1) < 1)]
    parts = parts_within_borders(graph_of(Z))
    assert parts.max() == 1
    assert (parts == (Z[:, 0] < 10)).mean() > 0.99  # the longer side is part 0


def test_three_parts_that_are_equally_near_are_three_whatever_the_axes():
    """The second eigenvalue has a plane of eigenvectors."""
    graph = cliques([40, 40, 40], [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0)])
    assert same_parts(parts_within_borders(graph), np.repeat(np.arange(3), 40))


def test_the_conductance_of_a_border_is_at_most_what_it_says():
    """Two cliques of 20 rows with 400 edges between them, 380 + w the volume of each: w = 9.7 is 0.0249 of it."""
    whose = np.repeat([0, 1], 20)
    for weight, n_parts in [(9.7, 2), (9.8, 1)]:
        W = cliques([20, 20], []).toarray()
        W[whose[:, None] != whose] = weight / 400
        graph = sparse.csr_array(W)
        np.testing.assert_allclose(conductance(graph, whose == 0), weight / (380 + weight))
        np.testing.assert_allclose(conductances(graph, whose), weight / (380 + weight))
        assert parts_within_borders(graph).max() == n_parts - 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rows", [500, 1000, 2000, 4000])
def test_in_a_plane_chance_makes_no_border(rows, seed):
    rng = np.random.default_rng(seed)
    for Z in (rng.random((rows, 2)), rng.normal(size=(rows, 2))):
        assert (parts_within_borders(graph_of(Z)) == 0).all()


def test_evenly_spaced_rows_on_a_line_are_one_part():
    assert (parts_within_borders(graph_of(np.arange(3000)[:, None])) == 0).all()


def test_conductances_are_what_counting_every_edge_gives():
    rng = np.random.default_rng(0)
    W = np.triu(rng.random((60, 60)) * (rng.random((60, 60)) < 0.2), 1)
    W += W.T
    parts = np.repeat([0, 1, 2, 4], [30, 10, 15, 5])  # the first has more than half of all edges, the fourth no row
    found = conductances(sparse.csr_array(W), parts)
    wanted = [conductance(sparse.csr_array(W), parts == part) if part != 3 else 0 for part in range(5)]
    np.testing.assert_allclose(found, wanted)
    assert conductances(sparse.csr_array((0, 0)), np.zeros(0, int)).shape == (0,)
    assert conductances(sparse.csr_array((2, 2)), np.array([0, 1])).tolist() == [0, 0]


def by_all_prefixes(graph):
    """Divide a connected graph along the dense eigenvectors, counting every cut anew."""
    W = graph.toarray()
    n, degrees = len(W), W.sum(axis=1)
    axes = (np.linalg.eigh(W / np.sqrt(np.outer(degrees, degrees)))[1] / np.sqrt(degrees)[:, None])[:, [-2, -3]].T
    found = []
    for axis in (axes[0], axes[1], axes[0] + axes[1], axes[0] - axes[1]):
        order = np.argsort(axis)
        sides = [np.isin(np.arange(n), order[:k]) for k in range(1, n)]
        cuts = [W[side][:, ~side].sum() for side in sides]
        k = min(range(9, n - 10), key=lambda k: conductance(graph, sides[k]))
        widest = 0.75 * min(np.median(cuts[: k + 1]), np.median(cuts[k:]))
        by_chance = 6 * np.sqrt((W[sides[k]][:, ~sides[k]] ** 2).sum())
        if conductance(graph, sides[k]) <= 0.025 and cuts[k] + by_chance <= widest:
            found.append((conductance(graph, sides[k]), sides[k]))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def two_clouds(seed):
    rng = np.random.default_rng(seed)
    return graph_of(np.concatenate([rng.normal(size=(60, 2)), rng.normal((4, 0), size=(40, 2))]), 8)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_counting_every_cut_finds(seed):
    graph = two_clouds(seed)
    naive, own = by_all_prefixes(graph), borders._before_the_border(graph, borders.SMALLEST)
    assert (naive is None) == (own is None)
    assert naive is None or (naive == own).all() or (naive != own).all()


def test_of_these_some_have_a_border_and_some_have_none():
    assert len({borders._before_the_border(two_clouds(seed), borders.SMALLEST) is None for seed in range(4)}) == 2


# Whose number is what ---------------------------------------------------------------------------------


def test_numbers_follow_the_sizes():
    parts = parts_within_borders(cliques([15, 40, 25], [(0, 1, 1.0)]))
    assert parts.tolist() == [2] * 15 + [0] * 40 + [1] * 25


def test_the_order_of_rows_and_the_unit_of_weights_change_nothing():
    graph = graph_of(on_the_sphere(4, 150, 0.2, 10, 0))
    parts = parts_within_borders(graph)
    assert np.array_equal(parts_within_borders(graph * 1000), parts)
    order = np.random.default_rng(1).permutation(len(parts))
    shuffled = parts_within_borders(sparse.csr_array(graph[order][:, order]))
    alike = sum(np.bincount(parts[order][shuffled == part]).max() for part in range(4))
    assert alike >= len(parts) - 3  # at the borders, as far as eigenvectors are exact


def test_a_few_rows_that_hang_on_by_little_are_no_part_of_their_own():
    """Nine rows behind an edge of weight 0.001; ten would be a part."""
    for few, n_parts in [(9, 1), (10, 2)]:
        assert parts_within_borders(cliques([60, few], [(0, 1, 0.001)])).max() == n_parts - 1


def test_of_many_rows_one_in_two_hundred_is_the_least_part():
    for few, n_parts in [(14, 1), (16, 2)]:
        Z = np.random.default_rng(0).normal(size=(3000 + few, 5))
        Z[3000:] += 9
        graph = graph_of(Z).tolil()
        graph[0, 3000] = graph[3000, 0] = 0.01
        assert parts_within_borders(sparse.csr_array(graph)).max() == n_parts - 1


def test_crumbs_of_a_cut_go_to_the_side_that_they_hang_on():
    """The cut takes clique 1 and a pair of rows that has edges to clique 0 only."""
    graph = cliques([30, 30, 2], [(0, 1, 0.5), (0, 2, 0.1)])
    first = np.arange(62) >= 30
    sets = borders._in_whole(graph, np.arange(62) + 100, first, 10)
    assert sorted(map(len, sets)) == [30, 32]
    assert sorted(np.concatenate(sets).tolist()) == list(range(100, 162))
    assert {160, 161} < set(max(sets, key=len).tolist())


def test_a_crumb_that_hangs_on_a_crumb_goes_where_that_one_goes():
    """Of a chain of two rows on clique 0 the farther one was put on the side of clique 1."""
    graph = cliques([30, 30, 1, 1], [(0, 1, 0.1), (0, 2, 0.1), (2, 3, 0.1)])
    side = np.arange(62) < 30
    for here in (side | (np.arange(62) == 60), ~(side | (np.arange(62) == 60)), side | (np.arange(62) == 61)):
        sets = borders._in_whole(graph, np.arange(62), here, 10)
        assert sorted(map(len, sets)) == [30, 32]


def test_an_edge_of_weight_zero_is_none():
    graph = cliques([20, 20], [])
    stored = sparse.coo_array((np.r_[graph.tocoo().data, 0, 0], np.c_[graph.nonzero(), [[0, 20], [20, 0]]]), (41, 41))
    assert parts_within_borders(sparse.csr_array(stored)).tolist() == [0] * 20 + [1] * 20 + [2]


def test_a_side_of_crumbs_alone_divides_nothing():
    """Two rows here and two there hang on the same twenty."""
    graph = cliques([20, 2, 2], [(0, 1, 0.1), (0, 2, 0.1)])
    assert [len(part) for part in borders._in_whole(graph, np.arange(24), np.arange(24) >= 20, 10)] == [24]
    assert [len(part) for part in borders._in_whole(graph, np.arange(24), np.arange(24) < 20, 10)] == [24]


def test_many_pairs_of_rows_around_one_clique_are_no_border_and_end():
    graph = cliques([20] + [2] * 30, [(0, i, 0.01) for i in range(1, 31)])
    assert (parts_within_borders(graph) == 0).all()


# Limits -----------------------------------------------------------------------------------------------


def test_what_has_no_edge_is_a_part_of_its_own():
    assert parts_within_borders(sparse.csr_array((0, 0))).tolist() == []
    assert parts_within_borders(sparse.csr_array((1, 1))).tolist() == [0]
    assert sorted(parts_within_borders(sparse.csr_array((25, 25))).tolist()) == list(range(25))


@pytest.mark.parametrize("n", [2, 10, 19, 20, 21, 60])
def test_copies_of_one_row_are_one_part(n):
    Z = np.ones((n, 3), np.float32)
    assert (parts_within_borders(graph_of(Z, min(10, n - 1))) == 0).all()


def test_a_graph_has_as_many_rows_as_columns():
    with pytest.raises(ValueError, match=r"graph has shape \(2, 3\); it must be square"):
        parts_within_borders(sparse.csr_array((2, 3)))
