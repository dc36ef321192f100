"""Classes for new rows from the labels that were spread over the training rows."""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from semimetric.graphs import nearness

NEIGHBOURS = 10
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class SpreadLabels:
    """What the training rows were found to be.

    embeddings : float32 array (n, d), where they lie.
    distributions : float32 array (n, c), their probability of each class.
    reached : bool array (n,), False for rows far from all labels, which may be of a class without any.
    """

    embeddings: np.ndarray
    distributions: np.ndarray
    reached: np.ndarray

    def probabilities(self, Z: np.ndarray, n_neighbors: int | None = None) -> np.ndarray:
        """Return the probability of each class (m, c) of embeddings (m, d): the nearest training rows' weighted mean.

        They weigh as in `semimetric.graphs.neighbour_graph`: by `nearness`.
        """
        k = min(n_neighbors or NEIGHBOURS, len(self.embeddings))
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self.embeddings)
        parts = [np.empty((0, self.distributions.shape[1]))]
        for start in range(0, len(Z), ROWS_AT_ONCE):
            distances, rows = search.kneighbors(Z[start : start + ROWS_AT_ONCE])
            mixed = np.einsum("mk,mkc->mc", nearness(distances), self.distributions[rows].astype(np.float64))
            parts.append(mixed / mixed.sum(axis=1, keepdims=True))
        return np.concatenate(parts)
