"""Labels that unlabelled rows get from a few labelled ones, and how much each counts."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from semimetric.graphs import balanced, propagate
from semimetric.training.evidence import FARTHEST, NEIGHBOURS_ALONE, Evidence

REACHED = 0.4


@dataclass(frozen=True)
class Spread:
    """What labels say of each row of a graph.

    probabilities : float64 array (n, c), whose rows sum to 1.
    reached : bool array (n,), False for rows so far from all labels that they may be of a class without any.
    """

    probabilities: np.ndarray
    reached: np.ndarray


def spread_labels(
    graph: sparse.csr_array, codes: np.ndarray, evenness: float = 0.0, evidence: Evidence = NEIGHBOURS_ALONE
) -> Spread:
    """Return each row's probability of each class, spread over a graph of neighbours from the labelled rows.

    Label spreading (Zhou et al. 2004), pooled with what else there is of evidence, with the classes' shares of the rows
    reached drawn from what this alone gives them towards even ones: an even share is too much of a rare class, and
    without any a class that holds the graph's hubs takes rows of all others, while classes are not yet apart.

    A row is reached if spreading visits it at least two fifths as often as is usual for the rows of its class, its
    degree being allowed for. Where a class has no label, few edges lead to its rows, and all of them are visited less.

    Parameters
    ----------
    graph : sparse array (n, n)
        Symmetric weights between neighbours.
    codes : int array (n,)
        Class numbers 0 … c − 1, each of which labels some row; −1 for unlabelled.
    evenness : float
        From 0, the shares as they are found, to 1, even ones.
    evidence : Evidence
        How far labels reach, and a linear classifier's word.

    Examples
    --------
    >>> chain = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> spread_labels(chain, np.array([0, -1, -1, -1, 1])).probabilities.argmax(axis=1)[[1, 3]].tolist()
    [0, 1]
    """
    n_classes = int(codes.max()) + 1
    scores = propagate(graph, codes, n_classes)
    visits = scores.sum(axis=1) / np.sqrt(np.maximum(graph.sum(axis=1), np.finfo(float).tiny))
    likeliest = scores.argmax(axis=1)
    usual = np.array([_usual(visits[likeliest == c]) for c in range(n_classes)])
    reached = (visits > 0) & ((visits >= REACHED * usual[likeliest]) | (codes >= 0))

    if evidence.alpha != FARTHEST:  # who is reached is asked of all paths
        scores = propagate(graph, codes, n_classes, alpha=evidence.alpha)
    scores = evidence.pooled(scores)
    even = np.full(n_classes, 1 / n_classes)
    probabilities = np.tile(even, (len(scores), 1))
    touched = scores.any(axis=1)
    probabilities[touched] = scores[touched] / scores[touched].sum(axis=1, keepdims=True)
    shares = evenness * even + (1 - evenness) * probabilities[reached].mean(axis=0)
    probabilities[reached] = balanced(scores[reached], shares)
    return Spread(probabilities, reached)


def _usual(visits: np.ndarray) -> float:
    """Return the median of visits (m,) where each counts with its cube, the highest tenth alike.

    So it is of the rows of the class itself, though it may have taken in many more of a class without labels; and not
    of those beside a label.
    """
    if not len(visits):
        return 0.0
    ascending = np.sort(visits)
    largest = ascending[-1] or 1.0
    weights = np.cumsum((np.minimum(ascending, np.quantile(ascending, 0.9)) / largest) ** 3)
    return float(ascending[np.searchsorted(weights, weights[-1] / 2)])


def pseudo_labels(spread: Spread, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class number to train each row on, and with what weight.

    It is the likeliest class, weighed by its probability after all of them are squared and made to sum to 1 again. Rows
    that no label reaches are left unlabelled; rows given with a label have it, at weight 1.

    Parameters
    ----------
    spread : Spread
    codes : int array (n,)
        The class numbers given, −1 for unlabelled.

    Returns
    -------
    y : int64 array (n,)
    weights : float32 array (n,)

    Examples
    --------
    >>> spread = Spread(np.array([[0.9, 0.1], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]]), np.array([True, True, True, False]))
    >>> pseudo_labels(spread, np.array([-1, -1, 1, -1]))
    (array([ 0,  0,  1, -1]), array([0.9878049, 0.6923077, 1.       , 0.       ], dtype=float32))
    """
    sharp = sharpened(spread.probabilities)
    given = codes >= 0
    y = np.where(given, codes, np.where(spread.reached, sharp.argmax(axis=1), -1))
    weights = np.where(given, 1.0, np.where(spread.reached, sharp.max(axis=1), 0.0))
    return y.astype(np.int64), weights.astype(np.float32)


def sharpened(probabilities: np.ndarray, power: float = 2.0) -> np.ndarray:
    """Return the probabilities raised to a power, and made to sum to 1 again.

    >>> sharpened(np.array([[0.75, 0.25]])).tolist()
    [[0.9, 0.1]]
    """
    raised = probabilities**power
    return raised / raised.sum(axis=1, keepdims=True)
