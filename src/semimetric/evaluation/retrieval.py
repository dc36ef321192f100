"""Retrieval scores: is the nearest row of the same class (R@1), and are the nearest R (MAP@R)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.evaluation.inputs import Array, check_labelled_embedding, class_codes, standard_position

BLOCK_ELEMENTS = 2**23
"""Distances held at once; about 20 bytes each, so a block stays below 200 MB however many rows there are."""


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

    The computation is exact up to ties (distances are compared to 23 significant bits), works in blocks of
    bounded memory and takes O(n² d) time.

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
    others = np.bincount(codes)[codes] - 1 if len(codes) else codes
    queries = np.flatnonzero(others > 0)
    if codes.max(initial=0) == 0 or len(queries) == 0:
        return {"recall_at_1": float("nan"), "map_at_r": float("nan")}
    # Queries of one class stand together, so that a block needs no more neighbours than its own class has.
    queries = queries[np.argsort(codes[queries], kind="stable")]
    first_hits, precision_sum = 0, 0.0
    for rows, keys in _neighbour_keys(Z, codes, queries):
        wanted = others[rows]
        depth = int(wanted.max())
        if depth < keys.shape[1]:
            keys.partition(depth - 1, axis=1)
        nearest = np.sort(keys[:, :depth], axis=1)
        relevant = (nearest & 1).astype(np.int32)
        rank = np.arange(1, depth + 1)
        precision = np.cumsum(relevant, axis=1) / rank
        counted = relevant.astype(bool) & (rank <= wanted[:, None])
        precision_sum += float((np.where(counted, precision, 0.0).sum(axis=1) / wanted).sum())
        first_hits += int(relevant[:, 0].sum())
    return {"recall_at_1": first_hits / len(queries), "map_at_r": precision_sum / len(queries)}


def _neighbour_keys(Z: Array, codes: Array, queries: Array) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of queries with, for each, one sortable number per row of ``Z``.

    A non-negative float32's bits, read as an integer, sort like the number. The last bit is given up to
    say whether the row is of the query's class: sorting the keys sorts by distance, puts other classes
    first among ties, and carries the answer along without an index array.
    """
    classes = codes.astype(np.int32)
    norms = np.einsum("ij,ij->i", Z, Z)
    step = max(1, BLOCK_ELEMENTS // len(Z))
    for start in range(0, len(queries), step):
        rows = queries[start : start + step]
        distances = Z[rows] @ Z.T
        distances *= -2.0
        distances += norms[rows, None]
        distances += norms
        # Below the rounding of the expansion |a|² − 2ab + |b|² a distance is zero.
        distances[distances <= 1e-14 * norms[rows, None]] = 0.0
        keys = distances.astype(np.float32).view(np.uint32)
        keys &= np.uint32(0xFFFFFFFE)
        keys |= classes == classes[rows, None]
        keys[np.arange(len(rows)), rows] = np.uint32(0xFFFFFFFF)  # the query itself comes last
        yield rows, keys
