"""Clustering scores: k-means in the embedding, compared with the classes."""

import warnings

import numpy as np

from semimetric.evaluation.inputs import Array

STARTS = 10
"""k-means++ starts; the one of lowest inertia is scored."""


def clustering_scores(Z: Array, codes: Array, *, seed: int = 0) -> dict[str, float]:
    """Cluster ``Z`` of shape (n, d) into as many k-means clusters as ``codes`` has classes, and compare.

    Returns ``cluster_accuracy`` (best one-to-one matching of clusters to classes), ``cluster_nmi``
    (arithmetic normalisation) and ``cluster_ami``, all NaN with fewer than two classes.

    >>> Z = np.array([[0.0], [0.1], [9.0], [9.1]])
    >>> clustering_scores(Z, np.array([0, 0, 1, 1]))["cluster_accuracy"]
    1.0
    """
    n_classes = len(np.unique(codes))
    if n_classes < 2:
        return dict.fromkeys(("cluster_accuracy", "cluster_nmi", "cluster_ami"), float("nan"))
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

    with warnings.catch_warnings():
        # Fewer distinct points than classes is a collapsed embedding; the low scores say so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = KMeans(n_clusters=n_classes, n_init=STARTS, random_state=seed).fit_predict(Z)
    return {
        "cluster_accuracy": matched_accuracy(codes, clusters),
        "cluster_nmi": float(normalized_mutual_info_score(codes, clusters)),
        "cluster_ami": float(adjusted_mutual_info_score(codes, clusters)),
    }


def matched_accuracy(codes: Array, clusters: Array) -> float:
    """Accuracy under the one-to-one matching of clusters to classes that makes it highest.

    Both are arrays of shape (n,) of whole numbers from 0; they need not have equally many values.

    >>> matched_accuracy(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 2]))
    0.75
    """
    from scipy.optimize import linear_sum_assignment

    together = np.zeros((int(codes.max()) + 1, int(clusters.max()) + 1), dtype=np.int64)
    np.add.at(together, (codes, clusters), 1)
    return float(together[linear_sum_assignment(together, maximize=True)].sum() / len(codes))
