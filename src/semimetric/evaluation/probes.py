"""Probes: ordinary classifiers that read classes off an embedding."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from semimetric.errors import nearest_names
from semimetric.evaluation.inputs import Array

PROBES = ("knn", "forest", "mlp", "linear")
MLP_ROW_VISITS = 1_000_000
"""The MLP sees at most this many rows in all (and 200 epochs), so that many labels do not make it slow."""
TREE_ROWS = 10_000
"""A tree of the forest is grown on at most this many rows drawn with replacement, for the same reason."""
CELLS = 2**24
"""Rows times classes in one table of a probe, of which some hold several: predictions are made, and with very many
classes the MLP and the linear probe fitted, on no more rows at once."""
FOREST_BYTES = 2**27
"""What a group of trees may take, where there are so many classes that all of the forest would take four times this:
every node counts every class."""


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
        classes, y_fit = np.unique(y_fit, return_inverse=True)
        if name in ("mlp", "linear"):
            kept = _few_enough(y_fit, len(classes), seed)
            Z_fit, y_fit = Z_fit[kept], y_fit[kept]
        probe = make_probe(name, len(y_fit), n_neighbors=n_neighbors, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if name == "forest":
                predicted = classes[_forest_prediction(probe, (Z_fit, y_fit), Z_test, len(classes))]
            else:
                predicted = classes[predict_in_blocks(probe.fit(Z_fit, y_fit).predict, Z_test, len(classes))]
    accuracy = float(np.mean(predicted == y_test))
    return accuracy, float(adjusted_mutual_info_score(y_test, predicted))


def predict_in_blocks(predict: Callable[[Array], Array], Z: Array, classes: int) -> Array:
    """Return ``predict(Z)``, asked for so few rows at a time that a table of rows by classes stays small.

    >>> predict_in_blocks(lambda rows: rows[:, 0], np.array([[1.0], [2.0]]), classes=2**25)
    array([1., 2.])
    """
    step = max(1, CELLS // classes)
    return np.concatenate([predict(Z[start : start + step]) for start in range(0, max(len(Z), 1), step)])


def _few_enough(codes: Array, classes: int, seed: int) -> Array:
    """Return the rows to fit on: all of them, or where they are too many for so many classes, a half, a quarter …"""
    kept = np.arange(len(codes))
    while len(kept) * classes > CELLS:
        half = kept[stratified_halves(codes[kept], seed=seed)[0]]
        if len(half) == len(kept):  # every class has but one row
            break
        kept = half
    return kept


def _forest_prediction(forest: Any, train: tuple[Array, Array], Z: Array, classes: int) -> Array:
    """Fit the forest on ``train`` and return the codes of ``Z``; what is too large is grown a few trees at a time."""
    trees = forest.n_estimators
    # A bootstrap sample has 0.63 of its rows' number of distinct ones, and a tree fewer than two nodes for each.
    tree_bytes = 1.3 * min(len(train[1]), TREE_ROWS) * classes * 8
    if trees * tree_bytes <= 4 * FOREST_BYTES:
        return predict_in_blocks(forest.fit(*train).predict, Z, classes)
    votes = np.zeros((len(Z), classes), np.float32)
    step = max(1, CELLS // classes)
    group = max(1, int(FOREST_BYTES // tree_bytes))
    seeds = np.random.RandomState(forest.random_state)
    for start in range(0, trees, group):
        size = min(group, trees - start)
        forest.set_params(n_estimators=size, random_state=seeds.randint(2**31 - 1)).fit(*train)
        for row in range(0, len(Z), step):
            votes[row : row + step] += size * forest.predict_proba(Z[row : row + step])
    return votes.argmax(axis=1)


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
