"""What inputs tell of classes before a space is learned: by their neighbours, and by a classifier of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import log_softmax, softmax

from semimetric.graphs import propagate
from semimetric.training.classifier import LEAST_PROBABILITY, InputClassifier, Unfitted
from semimetric.training.descriptor import Description

SHARES = (0.0, 0.25, 0.5, 0.75)
STRAIGHT = (1.0, 10.0, 100.0)  # C of the logistic regression, of inputs whose mean square is 1
CURVED = (10.0, 100.0)  # the same where its borders are curved
MOST_CURVED = 10_000  # labels; more are many, and dear
POWERS = (0.5, 0.7, 1, 1.4, 2, 3, 4, 6)
LEAST_POWER, USUAL_POWER, MOST_POWER = 1.0, 2.0, 3.0
FOLDS = 3


@dataclass(frozen=True)
class Evidence:
    """What is believed of the inputs.

    share : float, how much a classifier's word counts beside the graph's, which has the rest of 1.
    told : float64 array (n, c), the logarithms of its probabilities; None where its share is 0.
    classifier : InputClassifier, that tells the same of new inputs; None where its share is 0.
    power : float, to which probabilities are to be raised to be as sure as they may.
    """

    share: float = 0.0
    told: np.ndarray | None = None
    classifier: InputClassifier | None = None
    power: float = USUAL_POWER

    def pooled(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities (n, c) as `pool` gives them; scores as they came where the share is 0."""
        return scores if self.told is None or not self.share else pool(scores, self.told, self.share)


def pool(scores: np.ndarray, told: np.ndarray, share: float) -> np.ndarray:
    """Return probabilities (n, c) in proportion to ``scores^(1 − share) · exp(told)^share``.

    The logarithmic opinion pool of the graph and the classifier (Genest & Zidek 1986). Rows whose scores are all 0 are
    returned as they came.

    >>> pool(np.array([[0.2, 0.8]]), np.log([[0.8, 0.2]]), 0.5)
    array([[0.5, 0.5]])
    """
    both = (1 - share) * _logarithms(scores) + share * told
    return np.where(scores.any(axis=1, keepdims=True), softmax(both, axis=1), 0.0)


NEIGHBOURS_ALONE = Evidence()


class _Kind(NamedTuple):
    """A kind of classifier: of which description, with straight or curved borders, and with which C."""

    number: int
    curved: bool
    strength: float


class _Choice(NamedTuple):
    share: float
    kind: _Kind
    power: float
    surprise: np.ndarray  # (m,), of each label foretold


def weigh(graph: sparse.csr_array, descriptions: Sequence[Description], codes: np.ndarray) -> Evidence:
    """Return how to read labels from inputs: as two thirds of them best foretell the others.

    By three-fold cross-validation of the mean negative log-likelihood: what share a logistic regression has beside the
    neighbours (0 to three quarters), what it looks at and its strength; each under the power of the probabilities that
    suits it best, for labels that go far are seldom sure, and may be right all the same. Where classes are clusters,
    neighbours tell all; where they are grades of something, a line may tell more. With many labels a curve may tell
    more than a line: it is taken where it is better by more than a standard error, up to 10,000 labels.

    That power is kept for the end, but none above 3: with a few dozen labels foretold, all of them rightly, there would
    be no end to how sure one may be.

    By the graph alone and squared, if fewer than two classes have two labels.

    Parameters
    ----------
    graph : sparse array (n, n)
        Symmetric weights between neighbours. They must not know the labels, as those of a space trained on them do.
    descriptions : sequence of Description, of n rows
        What a classifier may look at, one of them at a time, in any unit.
    codes : int array (n,)
        Class numbers 0 … c − 1, each of which labels some row; −1 for unlabelled.

    Examples
    --------
    >>> from semimetric.training.descriptor import Descriptor
    >>> chain = sparse.csr_array(np.eye(8, k=1) + np.eye(8, k=-1))
    >>> rows = Description(np.arange(8.0)[:, None] % 2, Descriptor("numbers"))
    >>> weigh(chain, [rows], np.array([0, 0, 0, 0, 1, 1, 1, 1])).share
    0.0
    """
    foretold = _to_foretell(codes)
    if not len(foretold):
        return NEIGHBOURS_ALONE
    own, n_classes = codes[foretold], int(codes.max()) + 1
    unfitted = [Unfitted.of(each) for each in descriptions]
    numbers = range(len(descriptions))
    straight = [_Kind(number, False, strength) for number, strength in product(numbers, STRAIGHT)]
    curved = [_Kind(number, True, strength) for number, strength in product(numbers, CURVED)]
    if np.count_nonzero(codes >= 0) > MOST_CURVED:
        curved = []
    by_graph = np.empty((len(foretold), n_classes))
    by_kind = {kind: np.empty((len(foretold), n_classes)) for kind in (*straight, *curved)}
    for fold in range(FOLDS):
        left_out = foretold[fold::FOLDS]
        known = codes.copy()
        known[left_out] = -1
        by_graph[fold::FOLDS] = _logarithms(propagate(graph, known, n_classes)[left_out])
        for kind, told in by_kind.items():
            fitted = unfitted[kind.number].fit(known, kind.strength, kind.curved)
            told[fold::FOLDS] = fitted.of_descriptions(descriptions[kind.number].rows[left_out])

    def best(kinds: Sequence[_Kind], shares: Sequence[float]) -> _Choice:
        choices = (
            _Choice(share, kind, power, _surprise(power * ((1 - share) * by_graph + share * by_kind[kind]), own))
            for share in shares
            for kind in (kinds if share else kinds[:1])
            for power in POWERS
        )
        return min(choices, key=lambda choice: choice.surprise.mean())  # of those alike, the simplest

    chosen = best(straight, SHARES)
    if curved:
        other = best(curved, SHARES[1:])
        gain = chosen.surprise - other.surprise
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = other
    power = float(np.clip(chosen.power, LEAST_POWER, MOST_POWER))
    if not chosen.share:
        return Evidence(power=power)
    number, is_curved, strength = chosen.kind
    classifier = unfitted[number].fit(codes, strength, is_curved)
    return Evidence(chosen.share, classifier.of_descriptions(descriptions[number].rows), classifier, power)


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


def _surprise(logarithms: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return how little (m,) each row's own class was expected, in nats; one row does not decide."""
    likelihoods = log_softmax(logarithms, axis=1)[np.arange(len(own)), own]
    return -np.maximum(likelihoods, np.log(LEAST_PROBABILITY))


def _logarithms(scores: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(scores, np.finfo(float).tiny))
