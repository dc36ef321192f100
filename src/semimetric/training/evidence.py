"""What inputs tell of classes before a space is learned: by their neighbours, and by a linear classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import sparse
from scipy.special import log_softmax, softmax

from semimetric.graphs import propagate

SHARES = (0.0, 0.25, 0.5, 0.75)
STRENGTHS = (1.0, 10.0, 100.0)  # C of the logistic regression, of inputs whose mean square is 1
POWERS = (0.5, 0.7, 1, 1.4, 2, 3, 4, 6)
LEAST_POWER, USUAL_POWER, MOST_POWER = 1.0, 2.0, 3.0
FOLDS = 3
LEAST_PROBABILITY = 1e-3  # that a row's own class is taken to have: one row does not decide
STEPS = 1_000


@dataclass(frozen=True)
class Evidence:
    """What is believed of the inputs.

    share : float, how much a linear classifier's word counts beside the graph's, which has the rest of 1.
    linear : float64 array (n, c), the logarithms of its probabilities; None where its share is 0.
    power : float, to which probabilities are to be raised to be as sure as they may.
    """

    share: float = 0.0
    linear: np.ndarray | None = None
    power: float = USUAL_POWER

    def pooled(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities (n, c) in proportion to ``scores^(1 − share) · exp(linear)^share``.

        The logarithmic opinion pool of the graph and the classifier (Genest & Zidek 1986). Rows whose scores are all 0,
        and all rows where the share is 0, are returned as they came.

        >>> Evidence(share=0.5, linear=np.log([[0.8, 0.2]])).pooled(np.array([[0.2, 0.8]]))
        array([[0.5, 0.5]])
        """
        if self.linear is None or not self.share:
            return scores
        pool = (1 - self.share) * _logarithms(scores) + self.share * self.linear
        return np.where(scores.any(axis=1, keepdims=True), softmax(pool, axis=1), 0.0)


NEIGHBOURS_ALONE = Evidence()


def weigh(graph: sparse.csr_array, descriptions: Sequence[np.ndarray], codes: np.ndarray) -> Evidence:
    """Return how to read labels from inputs: as two thirds of them best foretell the others.

    By three-fold cross-validation of the mean negative log-likelihood: what share a logistic regression has beside the
    neighbours (0 to three quarters), what it looks at and its strength; each under the power of the probabilities that
    suits it best, for labels that go far are seldom sure, and may be right all the same. Where classes are clusters,
    neighbours tell all; where they are grades of something, a line may tell more.

    That power is kept for the end, but none above 3: with a few dozen labels foretold, all of them rightly, there would
    be no end to how sure one may be.

    By the graph alone and squared, if fewer than two classes have two labels.

    Parameters
    ----------
    graph : sparse array (n, n)
        Symmetric weights between neighbours. They must not know the labels, as those of a space trained on them do.
    descriptions : sequence of arrays (n, d)
        What a linear classifier may look at, one of them at a time, in any unit.
    codes : int array (n,)
        Class numbers 0 … c − 1, each of which labels some row; −1 for unlabelled.

    Examples
    --------
    >>> chain = sparse.csr_array(np.eye(8, k=1) + np.eye(8, k=-1))
    >>> weigh(chain, [np.arange(8.0)[:, None] % 2], np.array([0, 0, 0, 0, 1, 1, 1, 1])).share
    0.0
    """
    foretold = _to_foretell(codes)
    if not len(foretold):
        return NEIGHBOURS_ALONE
    own, n_classes = codes[foretold], int(codes.max()) + 1
    descriptions = [_of_unit_size(rows) for rows in descriptions]
    lines = list(product(range(len(descriptions)), STRENGTHS))
    by_graph = np.empty((len(foretold), n_classes))
    by_line = {line: np.empty((len(foretold), n_classes)) for line in lines}
    for fold in range(FOLDS):
        left_out = foretold[fold::FOLDS]
        known = codes.copy()
        known[left_out] = -1
        by_graph[fold::FOLDS] = _logarithms(propagate(graph, known, n_classes)[left_out])
        for (number, strength), scores in by_line.items():
            scores[fold::FOLDS] = _linear(descriptions[number], known, strength, left_out)

    def surprise(share: float, line: tuple[int, float], power: float) -> float:
        return _surprise(power * ((1 - share) * by_graph + share * by_line[line]), own)

    choices = ((share, line, power) for share in SHARES for line in (lines if share else lines[:1]) for power in POWERS)
    share, line, power = min(choices, key=lambda choice: surprise(*choice))  # of those alike, the simplest
    number, strength = line
    linear = _linear(descriptions[number], codes, strength, np.arange(len(codes))) if share else None
    return Evidence(share, linear, float(np.clip(power, LEAST_POWER, MOST_POWER)))


def _to_foretell(codes: np.ndarray) -> np.ndarray:
    """Return the labelled rows whose class has others, so that each fold has its part of every class.

    None if they are of one class.
    """
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.bincount(codes[rows])[codes[rows]] > 1]
    if len(np.unique(codes[rows])) < 2:
        return rows[:0]
    rows = np.random.default_rng(0).permutation(rows)
    return rows[np.argsort(codes[rows], kind="stable")]


def _linear(rows: np.ndarray, codes: np.ndarray, strength: float, asked: np.ndarray) -> np.ndarray:
    """Return the logarithms of the probabilities (m, c) of the rows asked for, by the labels of all."""
    from sklearn.linear_model import LogisticRegression

    labelled = codes >= 0
    classifier = LogisticRegression(C=strength, max_iter=STEPS).fit(rows[labelled], codes[labelled])
    return np.maximum(classifier.predict_log_proba(rows[asked]), np.log(LEAST_PROBABILITY))


def _surprise(logarithms: np.ndarray, own: np.ndarray) -> float:
    likelihoods = log_softmax(logarithms, axis=1)[np.arange(len(own)), own]
    return float(-np.maximum(likelihoods, np.log(LEAST_PROBABILITY)).mean())


def _of_unit_size(rows: np.ndarray) -> np.ndarray:
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    size = np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    return centred / size if size else centred


def _logarithms(scores: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(scores, np.finfo(float).tiny))
