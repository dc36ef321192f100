"""Labels that unlabelled rows get from a few labelled ones, and how far each is to be trusted."""

import numpy as np
from scipy import sparse

from semimetric.graphs import balanced, propagate

EVENNESS = 0.5
TRUSTED = 0.8


def spread_labels(graph: sparse.csr_array, codes: np.ndarray) -> np.ndarray:
    """Return each row's probability of each class, spread over a graph of neighbours from the labelled rows.

    Label spreading (Zhou et al. 2004) with the classes' shares of all rows held half-way between even and what
    spreading alone gives them: an even share is too much of a rare class, and without any a class that holds the
    graph's hubs takes rows of all others.

    Parameters
    ----------
    graph : sparse array (n, n)
        Symmetric weights between neighbours.
    codes : int array (n,)
        Class numbers 0 … c − 1, each of which labels some row; −1 for unlabelled.

    Returns
    -------
    float64 array (n, c)
        Rows sum to 1; of a row without a path to any label, they are the classes' shares.

    >>> chain = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> spread_labels(chain, np.array([0, -1, -1, -1, 1])).argmax(axis=1)[[1, 3]].tolist()
    [0, 1]
    """
    n_classes = int(codes.max()) + 1
    scores = propagate(graph, codes, n_classes)
    total = scores.sum(axis=1, keepdims=True)
    even = np.full(n_classes, 1 / n_classes)
    reached = total[:, 0] > 0
    found = (scores[reached] / total[reached]).mean(axis=0) if reached.any() else even
    return balanced(scores, EVENNESS * even + (1 - EVENNESS) * found)


def trusted(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class number to train each row on, and with what weight.

    It is the likeliest class, weighed by its probability after all of them are squared and made to sum to 1 again;
    where that is under 0.8 the row is left unlabelled. Rows given with a label have it, at weight 1.

    Parameters
    ----------
    probabilities : array (n, c)
    codes : int array (n,)
        The class numbers given, −1 for unlabelled.

    Returns
    -------
    y : int64 array (n,)
    weights : float32 array (n,)

    >>> trusted(np.array([[0.9, 0.1], [0.6, 0.4], [0.9, 0.1]]), np.array([-1, -1, 1]))
    (array([ 0, -1,  1]), array([0.98780489, 0.        , 1.        ], dtype=float32))
    """
    sharp = sharpened(probabilities)
    confidence = sharp.max(axis=1)
    given = codes >= 0
    enough = confidence >= TRUSTED
    y = np.where(given, codes, np.where(enough, sharp.argmax(axis=1), -1))
    return y.astype(np.int64), np.where(given, 1.0, np.where(enough, confidence, 0.0)).astype(np.float32)


def sharpened(probabilities: np.ndarray, power: float = 2.0) -> np.ndarray:
    """Return the probabilities raised to a power, and made to sum to 1 again.

    >>> sharpened(np.array([[0.75, 0.25]])).tolist()
    [[0.9, 0.1]]
    """
    raised = probabilities**power
    return raised / raised.sum(axis=1, keepdims=True)
