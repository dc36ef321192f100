"""Retrieval scores: is the nearest row of the same class (R@1), and are the nearest R (MAP@R)."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.evaluation.inputs import Array, check_labelled_embedding, class_codes, standard_position

BLOCK_ELEMENTS = 2**25
"""Distances held at once, 4 bytes each: a block is 128 MiB, however many rows and classes there are."""
TILE_ROWS = 4096
"""Rows that a block of queries is compared with in one product: in float64, but small enough for the cache."""


def recall_at_1(Z: npt.ArrayLike, y: npt.ArrayLike | Sequence[Any]) -> float:
    """Share of rows whose nearest other row (Euclidean) is of their own class.

    Parameters
    ----------
    Z : array of shape (n, d)
        Embeddings.
    y : array of shape (n,)
        Class labels, whole numbers or strings; rows labelled −1 or None are left out.

    Returns
    -------
    float
        In [0, 1]; NaN with fewer than two classes or where no class has two rows. Rows that are alone in
        their class are not asked (nothing could be right), but can be found by others. Of several rows at
        the same distance those of another class count as nearer, so a collapsed embedding scores 0.

    Raises
    ------
    ValueError
        If ``Z`` is not a finite (n, d) array or ``y`` does not give one label per row.

    Examples
    --------
    >>> recall_at_1([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
    1.0
    """
    values, labels = check_labelled_embedding(Z, y)
    return retrieval_scores(standard_position(values)[0], class_codes(labels))["recall_at_1"]


def map_at_r(Z: npt.ArrayLike, y: npt.ArrayLike | Sequence[Any]) -> float:
    """Mean average precision at R, R being the number of other rows of the query's class.

    For one query, ``(1/R) · Σ_{i=1..R} P(i) · rel(i)``, where ``rel(i)`` says whether the i-th nearest
    other row is of the query's class and ``P(i)`` is the share of such rows among the i nearest.
    Parameters, ties, rows left out and errors are those of :func:`recall_at_1`.

    The computation is exact up to ties (distances are compared to 23 significant bits). It takes O(n² d) time
    and, beside three copies of ``Z`` in float64, memory that does not grow with the rows or the classes.

    References
    ----------
    Musgrave, Belongie and Lim, "A Metric Learning Reality Check", ECCV 2020, section 3.

    Examples
    --------
    Class a has three rows, so R = 2. The rows at 0 and 3 each find b, then a: (0 + 1/2) / 2. The row at 7
    finds a, then b: (1 + 0) / 2. The row of class b has R = 0 and is left out.

    >>> round(map_at_r([[0.0], [1.0], [3.0], [7.0]], ["a", "b", "a", "a"]), 4)
    0.3333
    """
    values, labels = check_labelled_embedding(Z, y)
    return retrieval_scores(standard_position(values)[0], class_codes(labels))["map_at_r"]


def retrieval_scores(Z: Array, codes: Array) -> dict[str, float]:
    """Both scores from one pass over the distances; ``Z`` in standard position, ``codes`` from 0."""
    asked, first_hits, precision_sum = 0, 0, 0.0
    for others, keys in _neighbour_keys(Z, codes) if codes.max(initial=0) > 0 else ():
        nearest = _smallest(keys, others)
        # The places of the hits among the nearest R; the i-th hit, at rank r, has a precision of i / r.
        ranks = np.flatnonzero(nearest & 1) + 1
        precision_sum += float((np.arange(1, len(ranks) + 1) / ranks).sum()) / others
        first_hits += int(nearest[0] & 1)
        asked += 1
    if asked == 0:
        return {"recall_at_1": float("nan"), "map_at_r": float("nan")}
    return {"recall_at_1": first_hits / asked, "map_at_r": precision_sum / asked}


def _neighbour_keys(Z: Array, codes: Array) -> Iterator[tuple[int, Array]]:
    """Yield, for each row that is not alone in its class, how many others that has, and a sortable number per row.

    A non-negative float32's bits, read as an integer, sort like the number. The last bit is given up to
    say whether the row is of the query's class: sorting the keys sorts by distance, puts other classes
    first among ties, and carries the answer along without an index array. The keys' own order is not that
    of ``Z``, and they may be overwritten.
    """
    # Rows of one class stand together, so that they can be marked as a slice.
    order = np.argsort(codes, kind="stable")
    Z = Z[order]
    sizes = np.bincount(codes)
    ends = np.cumsum(sizes)
    norms = np.einsum("ij,ij->i", Z, Z)
    step = min(len(Z), max(1, BLOCK_ELEMENTS // len(Z)))
    block, tile = np.empty((step, len(Z)), np.float32), np.empty((step, min(TILE_ROWS, len(Z))))
    for start in range(0, len(Z), step):
        queries = np.arange(start, min(start + step, len(Z)))
        _squared_distances(Z, norms, queries, block, tile)
        keys = block.view(np.uint32)
        keys &= np.uint32(0xFFFFFFFE)
        for row, query in zip(keys, queries, strict=False):
            code = codes[order[query]]
            if sizes[code] > 1:
                row[ends[code] - sizes[code] : ends[code]] |= np.uint32(1)
                row[query] = np.uint32(0xFFFFFFFF)  # the query itself comes last
                yield int(sizes[code]) - 1, row


def _squared_distances(Z: Array, norms: Array, queries: Array, out: Array, tile: Array) -> None:
    """Write the squared distances of ``queries`` to all rows into the first rows of ``out``, by way of ``tile``."""
    rows, width = len(queries), tile.shape[1]
    left, own = -2.0 * Z[queries], norms[queries, None]
    # Below the rounding of the expansion |a|² − 2ab + |b|² a distance is as good as zero.
    least = np.maximum(1e-14 * own, np.finfo(np.float32).smallest_subnormal)
    for start in range(0, len(Z), width):
        right = slice(start, start + width)
        part = tile[:rows, : len(norms[right])]
        np.matmul(left, Z[right].T, out=part)
        part += own
        part += norms[right]
        out[:rows, right] = np.maximum(part, least, out=part)


def _smallest(keys: Array, count: int) -> Array:
    """Return the ``count`` smallest of ``keys``, ascending; reorders ``keys``.

    >>> _smallest(np.array([5, 3, 9, 1]), 2)
    array([1, 3])
    """
    if count < len(keys) // 4:
        # A bound guessed from every 32nd key leaves a few more than are wanted, or else is not used.
        sample = keys[::32]
        guess = int(count / 32 + 4 * math.sqrt(count / 32) + 4)
        if guess < len(sample):
            few = keys[keys <= np.partition(sample, guess)[guess]]
            keys = few if len(few) >= count else keys
    if count < len(keys):
        keys.partition(count - 1)
    return np.sort(keys[:count])
