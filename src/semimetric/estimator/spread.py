"""Classes for new rows from the labels that were spread over the training rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.neighbors import NearestNeighbors

from semimetric.graphs import nearness

NEIGHBOURS = 20  # that tell a new row's class
BESIDE = 10  # that tell its cluster, the smallest of which has ten rows
ROWS_AT_ONCE = 4096
CLUSTERED = 5_000  # rows that clusters are looked for in
SMALLEST_CLUSTER = 0.03  # of these
FEWEST = 10


@dataclass(frozen=True)
class SpreadLabels:
    """What the training rows were found to be.

    embeddings : float32 array (n, d), where they lie.
    distributions : float32 array (n, c), their probability of each class.
    reached : bool array (n,), False for rows far from all labels, which may be of a class without any.
    clusters : int64 array (n,), the number of the cluster that such a row is in; −1 for rows that are reached, or stand
        apart.
    """

    embeddings: np.ndarray
    distributions: np.ndarray
    reached: np.ndarray
    clusters: np.ndarray

    def probabilities(self, Z: np.ndarray, n_neighbors: int | None = None) -> np.ndarray:
        """Return the probability of each class (m, c) of embeddings (m, d): the nearest training rows' weighted mean.

        They weigh as in `semimetric.graphs.neighbour_graph`: by `nearness`.
        """
        parts = [np.empty((0, self.distributions.shape[1]))]
        for weights, rows in self._nearest(Z, n_neighbors or NEIGHBOURS):
            parts.append(np.einsum("mk,mkc->mc", weights, self.distributions[rows].astype(np.float64)))
        return np.concatenate(parts)

    def clusters_of(self, Z: np.ndarray, n_neighbors: int | None = None) -> np.ndarray:
        """Return the cluster (m,) that most of the nearest training rows of embeddings (m, d) are in, else −1.

        They weigh as for `probabilities`.
        """
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


def clusters_beyond(Z: np.ndarray, reached: np.ndarray, seed: int) -> np.ndarray:
    """Return the numbers (n,) of the clusters that the rows without a label in reach fall into, the largest being 0.

    Clusters by density (HDBSCAN, Campello et al. 2013) among at most 5,000 such rows, of at least 3 % of them and ten
    rows; of more rows, the others are given what the nearest of these has. HDBSCAN finds several clusters or none.
    Where it finds none, DBSCAN (Ester et al. 1996) takes those with nine others within twice the median distance of a
    row's ninth, and what lies as near to them. −1 for the reached, and for rows in no cluster.

    Parameters
    ----------
    Z : array (n, d)
        Embeddings.
    reached : bool array (n,)
    seed : int
        Of the rows that are drawn where there are more.

    Examples
    --------
    >>> Z = np.repeat(np.array([[0.0], [5.0], [9.0]]), [10, 20, 30], axis=0) + np.random.default_rng(0).random((60, 1))
    >>> np.unique(clusters_beyond(Z, np.arange(60) < 10, seed=0), return_counts=True)
    (array([-1,  0,  1]), array([10, 30, 20]))
    """
    clusters = np.full(len(Z), -1)
    beyond = np.flatnonzero(~reached)
    if len(beyond) < FEWEST:
        return clusters
    drawn = np.sort(np.random.default_rng(seed).permutation(beyond)[:CLUSTERED])
    least = max(FEWEST, round(SMALLEST_CLUSTER * len(drawn)))
    found = HDBSCAN(min_cluster_size=least, min_samples=FEWEST, copy=True).fit_predict(Z[drawn])
    if found.max() < 0:
        distances, _ = NearestNeighbors(n_neighbors=FEWEST).fit(Z[drawn]).kneighbors(Z[drawn])  # one is the row itself
        near = max(2 * float(np.median(distances[:, -1])), np.finfo(np.float32).tiny)
        found = DBSCAN(eps=near, min_samples=FEWEST).fit_predict(Z[drawn])
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(Z[drawn])
    for part in np.array_split(beyond, -(-len(beyond) // ROWS_AT_ONCE)):
        clusters[part] = found[nearest.kneighbors(Z[part], return_distance=False)[:, 0]]
    sizes = np.bincount(clusters[clusters >= 0], minlength=found.max() + 1)
    return np.append(np.argsort(np.argsort(-sizes, kind="stable")), -1)[clusters]
