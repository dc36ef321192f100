"""Classes for new rows from the labels that were spread over the training rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from semimetric.graphs import nearness
from semimetric.training import InputClassifier, pool

NEIGHBOURS = 20  # that tell a new row's class, where nothing else tells any row's
OWN_SHARE = 0.5  # of the classifier's share in training rows' labels, which a new row's neighbours bring with them
BESIDE = 10  # that tell its cluster, the smallest of which has ten rows
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class SpreadLabels:
    """What the training rows were found to be.

    embeddings : float32 array (n, d), where they lie.
    distributions : float32 array (n, c), their probability of each class.
    clusters : int64 array (n,), for rows in a part of the graph of neighbours that no label reaches, which may be of a
        class without any: the number of the part, 0 being the largest; −1 for all others.
    share : float, from 0 to below 1, how much a classifier of the inputs counted in the distributions.
    classifier : InputClassifier, that one; None where its share is 0.
    """

    embeddings: np.ndarray
    distributions: np.ndarray
    clusters: np.ndarray
    share: float = 0.0
    classifier: InputClassifier | None = None

    @property
    def asked(self) -> int:
        """How many training rows tell a new row's class: 20 over the share that was the neighbours' own.

        The less neighbours tell of each other, the more of them: 27, 40 and 80 beside shares of 0.25, 0.5 and 0.75.
        """
        return round(NEIGHBOURS / (1 - self.share))

    @property
    def reached(self) -> np.ndarray:
        """Which rows (n,) are in a part of the graph that a label reaches."""
        return self.clusters < 0

    def probabilities(
        self, Z: np.ndarray, n_neighbors: int | None = None, told: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the probability of each class (m, c) of embeddings (m, d): the nearest training rows' weighted mean.

        They weigh as in `semimetric.graphs.neighbour_graph`: by `nearness`. What the classifier tells of the rows' own
        inputs, logarithms (m, c), counts beside them by half of its share, for theirs is in their labels already.
        """
        parts = [np.empty((0, self.distributions.shape[1]))]
        for weights, rows in self._nearest(Z, n_neighbors or self.asked):
            parts.append(np.einsum("mk,mkc->mc", weights, self.distributions[rows].astype(np.float64)))
        found = np.concatenate(parts)
        return found if told is None else pool(found, told, OWN_SHARE * self.share)

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


def outwards(Z: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the rows (m,) of a cluster, out of embeddings (n, d), from its middle outwards.

    >>> outwards(np.array([[0.0], [5.0], [1.0], [3.0]]), np.array([0, 2, 3])).tolist()
    [2, 0, 3]
    """
    gaps = np.linalg.norm(Z[members] - Z[members].mean(axis=0), axis=1)
    return members[np.argsort(gaps, kind="stable")]
