"""How good the predicted classes and their probabilities are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.evaluation.inputs import Array, check_labels, check_labels_of

BINS = 15
"""Of the expected calibration error, as in Guo et al. 2017."""
FLOOR = 1e-7
"""The smallest probability in the negative log-likelihood: one that is 0 costs 16.1 nats, and not infinitely many."""
SUM_TOLERANCE = 1e-3
"""By how much a row of probabilities may miss 1."""

PREDICTION_METRICS = ("accuracy", "balanced_accuracy", "auc", "ece", "nll")


def evaluate_prediction(
    probabilities: npt.ArrayLike, classes: npt.ArrayLike | Sequence[Any], y: npt.ArrayLike | Sequence[Any]
) -> dict[str, float]:
    """Score predicted probabilities of classes; the predicted class of a row is its most probable one.

    * ``accuracy``: share of rows whose class is the predicted one.
    * ``balanced_accuracy``: the same within each class of ``y``, averaged over these classes.
    * ``auc``: area under the ROC curve of each class of ``y`` against all others, ties counting half, averaged over
      the classes (Hand and Till 2001, one against the rest).
    * ``ece``: expected calibration error, the mean distance of a row's highest probability and the share of right
      predictions among its like, in 15 bins of equal width, (0, 1/15] to (14/15, 1] (Guo et al. 2017, equation 3).
    * ``nll``: mean negative log-probability of the true class, in nats; probabilities below 1e-7 count as 1e-7.

    A class of ``y`` that is not in ``classes`` has the probability 0 for all rows: its rows are predicted wrongly and
    cost 16.1 nats each, its AUC is 0.5. A class of ``classes`` that is not in ``y`` has no part in the averages.

    Parameters
    ----------
    probabilities : array of shape (n, c)
        From 0 to 1, a row's sum is 1. Of several that are highest the first is the prediction.
    classes : array of shape (c,)
        What the columns stand for, whole numbers or strings, each once.
    y : array of shape (n,)
        The true classes. Rows labelled −1 or None are left out.

    Returns
    -------
    dict of str to float
        ``auc`` is NaN where ``y`` has one class only; no other score is ever undefined.

    Raises
    ------
    ValueError
        If the shapes do not agree, a row is no distribution (the first such row is named), ``classes`` holds one
        twice or of another kind than ``y``, or no row of ``y`` has a label.

    Examples
    --------
    >>> scores = evaluate_prediction([[0.75, 0.25], [0.75, 0.25], [0.5, 0.5]], ["cat", "dog"], ["cat", "dog", None])
    >>> scores["accuracy"], scores["auc"], scores["ece"]
    (0.5, 0.5, 0.25)
    """
    table, names = _check_probabilities(probabilities), _check_classes(classes)
    if table.shape[1] != len(names):
        raise ValueError(
            f"probabilities has {table.shape[1]} columns and classes {len(names)}; there must be one column per class"
        )
    labels, known = check_labels_of(table, y, Z_name="probabilities", y_name="y")
    if not known.any():
        raise ValueError("y has no known class (all −1 or None); predictions need the classes of some rows")
    table, labels = table[known], labels[known]
    if labels.dtype.kind != names.dtype.kind:
        raise ValueError("classes and y must name the classes in the same way, both by strings or both by numbers")

    present, true = np.unique(labels, return_inverse=True)
    column = _columns(present, names)
    truth = column[true]  # −1 where the class has no column
    right = table.argmax(axis=1) == truth
    of_the_truth = np.where(truth >= 0, table[np.arange(len(table)), truth], 0.0)
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float((np.bincount(true, weights=right) / np.bincount(true)).mean()),
        "auc": _macro_auc(table, true, column),
        "ece": _expected_calibration_error(table.max(axis=1), right),
        "nll": float(-np.log(np.clip(of_the_truth, FLOOR, 1)).mean()),
    }


def _macro_auc(table: Array, true: Array, column: Array) -> float:
    """Mann and Whitney's statistic of each class, averaged; a class without a column has ties alone."""
    from scipy.stats import rankdata

    if len(column) < 2:
        return float("nan")
    areas = []
    for code, place in enumerate(column):
        if place < 0:
            areas.append(0.5)
            continue
        of_the_class = true == code
        size = int(of_the_class.sum())
        ranks = rankdata(table[:, place])
        areas.append((ranks[of_the_class].sum() - size * (size + 1) / 2) / (size * (len(true) - size)))
    return float(np.mean(areas))


def _expected_calibration_error(confidence: Array, right: Array) -> float:
    edges = np.arange(1, BINS) / BINS
    places = np.searchsorted(edges, confidence, side="left")  # an edge belongs to the bin below it
    gaps = np.bincount(places, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _columns(present: Array, names: Array) -> Array:
    """Return the column of each class, −1 for one that has none."""
    order = np.argsort(names)
    places = np.minimum(np.searchsorted(names, present, sorter=order), len(names) - 1)
    return np.where(names[order[places]] == present, order[places], -1)


def _check_probabilities(probabilities: npt.ArrayLike) -> Array:
    table = np.asarray(probabilities)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"probabilities has shape {table.shape}; it must be (rows, classes) with at least one class")
    if table.dtype.kind not in "fiub":
        raise ValueError(f"probabilities has dtype {table.dtype}; it must hold real numbers")
    table = table.astype(np.float64)
    fine = ((table >= 0) & (table <= 1 + SUM_TOLERANCE)).all(axis=1)
    fine &= np.abs(table.sum(axis=1) - 1) <= SUM_TOLERANCE
    if not fine.all():
        row = int(np.argmin(fine))
        raise ValueError(f"probabilities row {row} is no distribution: numbers from 0 to 1 whose sum is 1")
    return np.minimum(table, 1)


def _check_classes(classes: npt.ArrayLike | Sequence[Any]) -> Array:
    names, known = check_labels(classes, "classes")
    if not known.all():
        raise ValueError("classes holds −1 or None, which mean unlabelled; it must name one class per column")
    values, counts = np.unique(names, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"classes holds {values[np.argmax(counts)].item()!r} twice; each column must be of one class")
    return names
