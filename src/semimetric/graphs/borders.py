"""Where a graph has borders of its own, whatever its rows are labelled: narrow necks between wide parts."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

SMALLEST = 10  # rows of a part
CONDUCTANCE = 0.025  # of a border, at most
NARROWNESS = 0.75  # of a border beside the graph in the midst of either side, at most


def parts_within_borders(graph: sparse.csr_array) -> np.ndarray:
    """Return the number of the part of the graph that each row is in, parts being what no border divides.

    The graph is cut in two where the cut is least (Shi & Malik 2000: along the order of the second eigenvector of the
    normalised graph; where the conductance, the weight of the edges that are cut by that of all edges of the smaller
    side, is lowest), and each side again, as long as the cut is a border: its conductance is at most 0.025, and it is
    at most three quarters of the median cut along the same order, on either side.
    Conductance alone does not tell: a class that is long and thin, as slanted strokes are, is cut in its midst by few
    edges too, but no fewer than elsewhere. Classes meet in a neck. What is so long and thin that chance makes necks in
    it is divided there.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric weights, none negative.

    Returns
    -------
    int64 array of shape (n,)
        Numbers from 0, of the largest part, up. A part has at least 10 rows, or else no edge to any other.

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
    numbers = np.zeros(n, np.int64)
    found: list[np.ndarray] = []
    waiting = _connected(graph, np.arange(n)) if n else []
    while waiting:
        rows = waiting.pop()
        inside = sparse.csr_array(graph[rows][:, rows])
        side = _before_the_border(inside)
        sides = [rows] if side is None else _in_whole(inside, rows, side)
        if len(sides) == 1:
            found += sides
        else:
            waiting += sides
    for number, rows in enumerate(sorted(found, key=lambda rows: (-len(rows), rows[0]))):
        numbers[rows] = number
    return numbers


def _connected(graph: sparse.csr_array, rows: np.ndarray) -> list[np.ndarray]:
    """Return those of the rows (m,) that are connected in their graph (m, m), set by set."""
    _, numbers = connected_components(graph, directed=False)
    return np.split(rows[np.argsort(numbers, kind="stable")], np.cumsum(np.bincount(numbers))[:-1])


def _in_whole(graph: sparse.csr_array, rows: np.ndarray, side: np.ndarray) -> list[np.ndarray]:
    """Return the rows (m,) of the one side (m,) of a border and of the other, each connected set apart.

    A set of fewer than ten rows goes to the other side, which all its edges lead to; if a side has no more than such
    sets, nothing is divided.
    """
    whole = side.copy()
    for here in (np.flatnonzero(side), np.flatnonzero(~side)):
        for crumb in _connected(sparse.csr_array(graph[here][:, here]), here):
            if len(crumb) < SMALLEST:
                whole[crumb] = ~side[crumb]
    sets: list[np.ndarray] = []
    for here in (np.flatnonzero(whole), np.flatnonzero(~whole)):
        if len(here):
            sets += _connected(sparse.csr_array(graph[here][:, here]), here)
    return [rows[each] for each in sets]


def _before_the_border(graph: sparse.csr_array) -> np.ndarray | None:
    """Return which rows (n,) of a connected graph are on the one side of its border; None if it has none."""
    n = graph.shape[0]
    if n < 2 * SMALLEST:
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
        best = SMALLEST - 1 + int(conductance[SMALLEST - 1 : n - SMALLEST].argmin())
        usual = min(np.median(cut[: best + 1]), np.median(cut[best:]))
        if conductance[best] <= lowest and cut[best] <= NARROWNESS * usual:
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
