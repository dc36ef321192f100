"""Triplet scores: how often a row of one's own class is nearer than a row of another."""

import numpy as np

from semimetric.evaluation.inputs import Array, standard_position

BLOCK_VALUES = 2**22
"""Coordinates gathered at once for each of a triplet's three rows."""


def draw_triplets(codes: Array, count: int, *, seed: int = 0) -> tuple[Array, Array, Array]:
    """Draw ``count`` valid triplets with replacement; returns the anchors', positives' and negatives' rows.

    The anchor is uniform over the rows that have another row of their class; given it, the positive is
    uniform over those other rows and the negative uniform over all rows of the other classes. All three
    arrays are empty where no valid triplet exists.

    The row of class 1 has no positive, so it is never an anchor.

    >>> anchors, positives, negatives = draw_triplets(np.array([0, 0, 1]), 100)
    >>> sorted(set(zip(anchors.tolist(), positives.tolist(), negatives.tolist())))
    [(0, 1, 2), (1, 0, 2)]
    """
    rows = len(codes)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    size, start = sizes[codes[order]], starts[codes[order]]
    # Positions in `order`, where each class is one run: "any but me" and "any but my class" are gaps.
    eligible = np.flatnonzero((size > 1) & (size < rows))
    if len(eligible) == 0:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    random = np.random.default_rng(seed)
    anchor = eligible[random.integers(len(eligible), size=count)]
    positive = start[anchor] + random.integers(size[anchor] - 1)
    positive += positive >= anchor
    negative = random.integers(rows - size[anchor])
    negative += np.where(negative >= start[anchor], size[anchor], 0)
    return order[anchor], order[positive], order[negative]


def triplet_scores(
    Z: Array, codes: Array, *, margin: float = 0.2, count: int = 100_000, seed: int = 0
) -> dict[str, float]:
    """Score ``count`` random triplets (:func:`draw_triplets`) of ``Z``, shape (n, d), as it stands.

    Returns ``triplet_accuracy``, the share with ``d(a, p) + margin <= d(a, n)`` (a triplet loss of zero;
    it depends on the embedding's scale), and ``triplet_order_accuracy``, the share with
    ``d(a, p) < d(a, n)`` (it does not); Euclidean distances; NaN where no valid triplet exists.

    References
    ----------
    Ishfaq and Liu, "TVAE: Triplet-Based Variational Autoencoder using Metric Learning", 2018, section 4.

    Examples
    --------
    >>> triplet_scores(np.array([[0.0], [1.0], [1.1]]), np.array([0, 0, 1]))["triplet_accuracy"]
    0.0
    """
    anchors, positives, negatives = draw_triplets(codes, count, seed=seed)
    if len(anchors) == 0:
        return {"triplet_accuracy": float("nan"), "triplet_order_accuracy": float("nan")}
    unit, exponent = standard_position(Z)
    satisfied = ordered = 0
    step = max(1, BLOCK_VALUES // Z.shape[1])
    for begin in range(0, count, step):
        block = slice(begin, begin + step)
        anchor = unit[anchors[block]]
        near = np.ldexp(np.linalg.norm(anchor - unit[positives[block]], axis=1), exponent)
        far = np.ldexp(np.linalg.norm(anchor - unit[negatives[block]], axis=1), exponent)
        satisfied += int((near + margin <= far).sum())
        ordered += int((near < far).sum())
    return {"triplet_accuracy": satisfied / count, "triplet_order_accuracy": ordered / count}
