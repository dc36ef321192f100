"""Probes: ordinary classifiers that read classes off an embedding."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from semimetric.errors import nearest_names
from semimetric.evaluation.inputs import Array

PROBES = ("knn", "forest", "mlp", "linear")
MLP_ROW_VISITS = 1_000_000
"""The MLP sees at most this many rows in all (and 200 epochs), so that many labels do not make it slow."""
TREE_ROWS = 10_000
"""A tree of the forest is grown on at most this many rows drawn with replacement, for the same reason."""


def check_probes(probes: Sequence[str], name: str = "probes") -> tuple[str, ...]:
    """Return ``probes`` as a tuple if every one is known.

    >>> check_probes(["knn"])
    ('knn',)
    """
    if isinstance(probes, str):
        raise ValueError(f"{name} is {probes!r}; it must be a tuple such as ({probes!r},)")
    for probe in probes:
        if probe not in PROBES:
            raise ValueError(f"{name} holds {probe!r}, which is no probe; {nearest_names(probe, PROBES)}")
    return tuple(probes)


def make_probe(name: str, rows: int, *, n_neighbors: int = 5, seed: int = 0) -> Any:
    """Return an unfitted scikit-learn classifier for ``rows`` training rows.

    ``knn`` (uniform votes), ``forest`` (100 trees), ``mlp`` (one hidden layer of 100) and ``linear``
    (logistic regression, C = 1); the last two standardise their inputs first.

    >>> make_probe("knn", 3).n_neighbors  # no more neighbours than rows
    3
    """
    if name == "knn":
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(n_neighbors=min(n_neighbors, rows))
    if name == "forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(max_samples=TREE_ROWS if rows > TREE_ROWS else None, random_state=seed)

    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "mlp":
        from sklearn.neural_network import MLPClassifier

        epochs = min(200, max(1, MLP_ROW_VISITS // rows))
        return make_pipeline(StandardScaler(), MLPClassifier(max_iter=epochs, random_state=seed))

    from sklearn.linear_model import LogisticRegression

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def probe_scores(
    name: str, train: tuple[Array, Array], test: tuple[Array, Array], *, n_neighbors: int = 5, seed: int = 0
) -> tuple[float, float]:
    """Fit a probe on ``train`` = (Z, codes), predict ``test``; return accuracy and AMI.

    Both are NaN if either part has no rows. One class in ``train`` makes a constant prediction.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_mutual_info_score

    (Z_fit, y_fit), (Z_test, y_test) = train, test
    if len(y_fit) == 0 or len(y_test) == 0:
        return float("nan"), float("nan")
    if (y_fit == y_fit[0]).all():  # which some of the classifiers would refuse
        predicted = np.full_like(y_test, y_fit[0])
    else:
        probe = make_probe(name, len(y_fit), n_neighbors=n_neighbors, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted = probe.fit(Z_fit, y_fit).predict(Z_test)
    accuracy = float(np.mean(predicted == y_test))
    return accuracy, float(adjusted_mutual_info_score(y_test, predicted))


def stratified_halves(codes: Array, *, seed: int = 0) -> tuple[Array, Array]:
    """Split the rows at random into two halves with equal shares of every class.

    Returns the rows to fit on and the rows to score, each sorted. Class and total sizes of the two differ
    by at most one, but for classes of a single row: that row is always one to fit on (were it to be
    scored, no probe could be right).

    >>> fit, score = stratified_halves(np.array([0, 0, 1, 1, 2]))
    >>> len(fit), len(score), 4 in fit
    (3, 2, True)
    """
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    sizes = np.bincount(codes)[codes[by_class]]
    alone, paired = by_class[sizes == 1], by_class[sizes > 1]
    return np.sort(np.concatenate([paired[::2], alone])), np.sort(paired[1::2])
