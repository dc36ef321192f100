"""Where a graph has borders of its own, whatever its rows are labelled: narrow necks between wide parts."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

SMALLEST = 10  # rows of a part
SMALLEST_SHARE = 1 / 200  # of the rows
CONDUCTANCE = 0.025  # of a border, at most
NARROWNESS = 0.75  # of a border beside the graph in the midst of either side, at most
BY_CHANCE = 6.0  # standard deviations of a border's weight


def parts_within_borders(graph: sparse.csr_array) -> np.ndarray:
    """Return the number of the part of the graph that each row is in, parts being what no border divides.

    The graph is cut in two where the cut is least (Shi & Malik 2000: along the order of the second eigenvector of the
    normalised graph; where the conductance, the weight of the edges that are cut by that of all edges of the smaller
    side, is lowest), and each side again, as long as the cut is a border: its conductance is at most 0.025, and it is
    at most three quarters of the median cut along the same order, on either side, by more than chance: with six
    standard deviations of its weight added, edges being there or not of their own accord.
    Conductance alone does not tell: a class that is long and thin, as slanted strokes are, is cut in its midst by few
    edges too, but no fewer than elsewhere. Classes meet in a neck. What is as thin as a line has necks everywhere, and
    is divided at some.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric weights, none negative.

    Returns
    -------
    int64 array of shape (n,)
        Numbers from 0, of the largest part, up. A part has at least 10 rows and one in 200 of all, or else no edge to
        any other.

    Raises
    ------
    ValueError
        If the graph is not square.

    References
    ----------
    Shi and Malik, "Normalized Cuts and Image Segmentation", IEEE TPAMI 2000, section 3.

    Examples
    --------
    Three cliques of twenty rows, the first two joined by an edge.

    >>> clique = np.ones((20, 20)) - np.eye(20)
    >>> W = np.kron(np.eye(3), clique)
    >>> W[0, 20] = W[20, 0] = 1.0
    >>> np.bincount(parts_within_borders(sparse.csr_array(W))).tolist()
    [20, 20, 20]
    """
    n = graph.shape[0]
    if graph.shape != (n, n):
        raise ValueError(f"graph has shape {graph.shape}; it must be square")
    graph = sparse.csr_array(graph, dtype=np.float64, copy=True)
    graph.eliminate_zeros()
    smallest = max(SMALLEST, round(SMALLEST_SHARE * n))
    numbers = np.zeros(n, np.int64)
    found: list[np.ndarray] = []
    waiting = _sets(graph, np.ones(n, bool))
    while waiting:
        rows = waiting.pop()
        inside = sparse.csr_array(graph[rows][:, rows])
        side = _before_the_border(inside, smallest)
        sides = [rows] if side is None else _in_whole(inside, rows, side, smallest)
        if len(sides) == 1:
            found += sides
        else:
            waiting += sides
    for number, rows in enumerate(sorted(found, key=lambda rows: (-len(rows), rows[0]))):
        numbers[rows] = number
    return numbers


def conductances(graph: sparse.csr_array, parts: np.ndarray) -> np.ndarray:
    """Return the conductance (k,) of each part 0 … k − 1 of a graph.

    It is the weight of the part's edges to all others, by that of all edges of the part or of all others, whichever is
    less; 0 where there are none.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric weights, none negative.
    parts : int array of shape (n,)
        The number of the part that each row is in.

    Examples
    --------
    >>> chain = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> conductances(chain, np.array([0, 0, 1, 1, 1])).round(3).tolist()
    [0.333, 0.333]
    """
    edges, count = graph.tocoo(), int(parts.max(initial=-1)) + 1
    here, there = parts[edges.coords[0]], parts[edges.coords[1]]
    volume = np.bincount(here, edges.data, count)
    cut = np.bincount(here, np.where(here == there, 0, edges.data), count)
    smaller = np.minimum(volume, volume.sum() - volume)
    return np.divide(cut, smaller, out=np.zeros(count), where=smaller > 0)


def _in_whole(graph: sparse.csr_array, rows: np.ndarray, side: np.ndarray, smallest: int) -> list[np.ndarray]:
    """Return the rows (m,) of the one side (m,) of a border and of the other, each connected set apart.

    A set of fewer rows than the smallest part goes to the other side, which all its edges lead to; if a side has no
    more than such sets, nothing is divided.
    """
    whole = side.copy()
    for here in (True, False):
        for crumb in _sets(graph, whole == here):
            if len(crumb) < smallest:
                whole[crumb] = not here
    return [rows[each] for each in _sets(graph, whole) + _sets(graph, ~whole)]


def _sets(graph: sparse.csr_array, chosen: np.ndarray) -> list[np.ndarray]:
    """Return the chosen rows (m,), each connected set apart."""
    here = np.flatnonzero(chosen)
    if not len(here):
        return []
    _, numbers = connected_components(graph[here][:, here], directed=False)
    return np.split(here[np.argsort(numbers, kind="stable")], np.cumsum(np.bincount(numbers))[:-1])


def _before_the_border(graph: sparse.csr_array, smallest: int) -> np.ndarray | None:
    """Return which rows (n,) of a connected graph are on the one side of its border; None if it has none."""
    n = graph.shape[0]
    if n < 2 * smallest:
        return None
    edges = graph.tocoo()
    degrees = graph.sum(axis=1)
    lowest, side = CONDUCTANCE, None
    for order in _orders(graph):
        place = np.empty(n, np.int64)
        place[order] = np.arange(n)
        here, there = place[edges.coords[0]], place[edges.coords[1]]
        ahead = here < there
        opened = np.bincount(here[ahead], edges.data[ahead], n) - np.bincount(there[ahead], edges.data[ahead], n)
        cut = np.cumsum(opened)[:-1]  # by a border behind the first row of the order, the first two, …
        volume = np.cumsum(degrees[order])
        conductance = cut / np.minimum(volume[:-1], volume[-1] - volume[:-1])
        best = smallest - 1 + int(conductance[smallest - 1 : n - smallest].argmin())
        by_chance = BY_CHANCE * np.linalg.norm(edges.data[ahead & (here <= best) & (there > best)])
        usual = min(np.median(cut[: best + 1]), np.median(cut[best:]))
        if conductance[best] <= lowest and cut[best] + by_chance <= NARROWNESS * usual:
            lowest, side = conductance[best], place <= best
    return side


def _orders(graph: sparse.csr_array) -> list[np.ndarray]:
    """Return orders of the rows (n,) along which to look for a border.

    Along the second eigenvector and the third, their sum and their difference: where three parts are about as near to
    each other, these two can be any two axes of a plane, and one of them may run through the midst of a part.
    """
    roots = np.sqrt(graph.sum(axis=1))
    normalised = sparse.csr_array(graph.multiply(1 / roots[:, None]).multiply(1 / roots))
    start = np.random.default_rng(0).standard_normal(len(roots))
    try:
        values, vectors = eigsh(normalised, k=3, which="LA", v0=start, tol=1e-4)
    except ArpackNoConvergence as stopped:  # the slowest are missing
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
    second_and_third = (vectors / roots[:, None])[:, np.argsort(-values)[1:]].T
    if len(second_and_third) < 2:
        return [np.argsort(axis, kind="stable") for axis in second_and_third]
    second, third = second_and_third
    return [np.argsort(axis, kind="stable") for axis in (second, third, second + third, second - third)]
