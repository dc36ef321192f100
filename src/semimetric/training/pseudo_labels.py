"""Labels that unlabelled rows get from a few labelled ones, and how much each counts."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from semimetric.graphs import conductances, parts_within_borders, propagate
from semimetric.graphs.borders import CONDUCTANCE
from semimetric.training.evidence import NEIGHBOURS_ALONE, Evidence

FRAGMENT = 2.0  # times the conductance that the parts of most rows have at most
MOST = 0.9
APART = CONDUCTANCE / 2  # so much no part has to be, whatever the others are


@dataclass(frozen=True)
class Spread:
    """What labels say of each row of a graph.

    probabilities : float64 array (n, c), whose rows sum to 1.
    clusters : int64 array (n,), the number of the part of the graph, from 0 for the largest, where no label reaches the
        part: its rows may be of a class without any. −1 elsewhere.
    """

    probabilities: np.ndarray
    clusters: np.ndarray

    @property
    def reached(self) -> np.ndarray:
        """Which rows (n,) are in a part of the graph that a label reaches."""
        return self.clusters < 0


def spread_labels(graph: sparse.csr_array, codes: np.ndarray, evidence: Evidence = NEIGHBOURS_ALONE) -> Spread:
    """Return each row's probability of each class, spread over a graph of neighbours from the labelled rows.

    Label spreading (Zhou et al. 2004), pooled with what else there is of evidence.

    A row is reached if there is a label on its side of all borders that the graph has: see
    `semimetric.graphs.parts_within_borders`. Labels reach two kinds of parts more:

    - A fragment, whose conductance is more than 0.0125 and more than twice what the parts that nine tenths of the rows
      are in have at most. What is so much less apart is a kind of some class that has no label of its own.
    - The home of a class whose labelled rows are strays: it is not the likeliest class of any part with a label, but it
      is of this one, more than of any other. All rows of the part are then given the part's mean probabilities, for
      only those by the border have any edge to a label.

    Parameters
    ----------
    graph : sparse array (n, n)
        Symmetric weights between neighbours.
    codes : int array (n,)
        Class numbers 0 … c − 1, each of which labels some row; −1 for unlabelled.
    evidence : Evidence
        A classifier's word beside the graph's.

    Examples
    --------
    >>> chain = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> spread_labels(chain, np.array([0, -1, -1, -1, 1])).probabilities.argmax(axis=1)[[1, 3]].tolist()
    [0, 1]
    """
    n_classes = int(codes.max()) + 1
    scores = evidence.pooled(propagate(graph, codes, n_classes))
    touched = np.any(scores, axis=1)
    probabilities = np.full(scores.shape, 1 / n_classes)
    probabilities[touched] = scores[touched] / scores[touched].sum(axis=1, keepdims=True)
    parts = parts_within_borders(graph)
    labelled = np.isin(np.arange(parts.max() + 1), parts[codes >= 0])
    homes = _homes(means_by(parts[touched], probabilities[touched], len(labelled)), labelled)
    near = np.isin(np.arange(len(labelled)), parts[touched])
    reached = (labelled | homes | (near & _fragments(graph, parts)))[parts]
    clusters = np.full(len(codes), -1)
    clusters[~reached] = np.unique(parts[~reached], return_inverse=True)[1]
    at_home = homes[parts]
    probabilities[at_home] = means_by(parts, probabilities, len(labelled))[parts[at_home]]
    return Spread(probabilities, clusters)


def means_by(parts: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the mean values (count, d) of the rows of each part 0 … count − 1, of values (n, d).

    Zeros for a part without rows.

    >>> means_by(np.array([0, 0, 2]), np.array([[1.0], [2.0], [5.0]]), 3).tolist()
    [[1.5], [0.0], [5.0]]
    """
    sums = np.zeros((count, values.shape[1]), values.dtype)
    np.add.at(sums, parts, values)
    return sums / np.maximum(np.bincount(parts, minlength=count), 1)[:, None].astype(values.dtype)


def _homes(means: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return which parts (k,) without a label are the home of a class, by the parts' mean probabilities (k, c)."""
    likeliest, best = means.argmax(axis=1), means.argmax(axis=0)
    strays = np.setdiff1d(np.arange(means.shape[1]), likeliest[labelled])
    homes = np.zeros(len(labelled), bool)
    homes[[best[c] for c in strays if likeliest[best[c]] == c]] = True
    return homes & ~labelled


def _fragments(graph: sparse.csr_array, parts: np.ndarray) -> np.ndarray:
    """Return which parts (k,) are much less apart from the others than most are."""
    found = conductances(graph, parts)
    usual = np.quantile(found[parts], MOST, method="inverted_cdf")
    return found > max(FRAGMENT * usual, APART)


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
    >>> spread = Spread(np.array([[0.9, 0.1], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]]), np.array([-1, -1, -1, 0]))
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
