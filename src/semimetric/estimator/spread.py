"""Classes for new rows from the labels that were spread over the training rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from semimetric.graphs import nearness

NEIGHBOURS = 20  # that tell a new row's class, where nothing else tells any row's
BESIDE = 10  # that tell its cluster, the smallest of which has ten rows
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class SpreadLabels:
    """What the training rows were found to be.

    embeddings : float32 array (n, d), where they lie.
    distributions : float32 array (n, c), their probability of each class.
    clusters : int64 array (n,), for rows in a part of the graph of neighbours that no label reaches, which may be of a
        class without any: the number of the part, 0 being the largest; −1 for all others.
    asked : int, how many of them tell a new row's class.
    """

    embeddings: np.ndarray
    distributions: np.ndarray
    clusters: np.ndarray
    asked: int = NEIGHBOURS

    @property
    def reached(self) -> np.ndarray:
        """Which rows (n,) are in a part of the graph that a label reaches."""
        return self.clusters < 0

    def probabilities(self, Z: np.ndarray, n_neighbors: int | None = None) -> np.ndarray:
        """Return the probability of each class (m, c) of embeddings (m, d): the nearest training rows' weighted mean.

        They weigh as in `semimetric.graphs.neighbour_graph`: by `nearness`.
        """
        parts = [np.empty((0, self.distributions.shape[1]))]
        for weights, rows in self._nearest(Z, n_neighbors or self.asked):
            parts.append(np.einsum("mk,mkc->mc", weights, self.distributions[rows].astype(np.float64)))
        return np.concatenate(parts)

    def clusters_of(self, Z: np.ndarray, n_neighbors: int | None = None) -> np.ndarray:
        """Return the cluster (m,) that most of the nearest training rows of embeddings (m, d) are in, else −1.

        They weigh as for `probabilities`.
        """
        if self.reached.all():
            return np.full(len(Z), -1)
        parts = [np.empty(0, np.int64)]
        for weights, rows in self._nearest(Z, n_neighbors or BESIDE):
            theirs = self.clusters[rows]
            shares = np.einsum("mk,mjk->mj", weights, theirs[:, :, None] == theirs[:, None, :])
            likeliest = theirs[np.arange(len(rows)), shares.argmax(axis=1)]
            parts.append(np.where(shares.max(axis=1) > 0.5, likeliest, -1))
        return np.concatenate(parts)

    def _nearest(self, Z: np.ndarray, n_neighbors: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the nearest training rows (part, k) of parts of ``Z``, and weights (part, k) that sum to 1 for each."""
        k = min(n_neighbors, len(self.embeddings))
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self.embeddings)
        for start in range(0, len(Z), ROWS_AT_ONCE):
            distances, rows = search.kneighbors(Z[start : start + ROWS_AT_ONCE])
            weights = nearness(distances)
            yield weights / weights.sum(axis=1, keepdims=True), rows


def asked_beside(share: float) -> int:
    """Return how many neighbours tell a new row's class beside a linear classifier whose word had this share of 1.

    The less neighbours tell of each other, the more of them: 20 over the share that was theirs.

    >>> [asked_beside(share) for share in (0.0, 0.25, 0.5, 0.75)]
    [20, 27, 40, 80]
    """
    return round(NEIGHBOURS / (1 - share))


def outwards(Z: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the rows (m,) of a cluster, out of embeddings (n, d), from its middle outwards.

    >>> outwards(np.array([[0.0], [5.0], [1.0], [3.0]]), np.array([0, 2, 3])).tolist()
    [2, 0, 3]
    """
    gaps = np.linalg.norm(Z[members] - Z[members].mean(axis=0), axis=1)
    return members[np.argsort(gaps, kind="stable")]
