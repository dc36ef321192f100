"""First views, neighbours and the given labels, then rounds of labels spread over the neighbours' graph."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from semimetric.graphs import nearest_neighbours, neighbour_graph
from semimetric.model import CONTRAST, Model, Weights
from semimetric.training.data import LABELLED, InputGraph, TrainingData
from semimetric.training.descriptions import colours, describe, pixels
from semimetric.training.embedding import embed_all
from semimetric.training.evidence import Evidence, weigh
from semimetric.training.pseudo_labels import Spread, means_by, pseudo_labels, sharpened, spread_labels
from semimetric.training.routines.base import MAIN, Routine, Step, all_rows, step_on

FIRST_SHARE = 1 / 3  # of the epochs, before any label is spread
NEIGHBOURS = 10


class SelfTraining(Routine):
    """A third of the epochs learns from neighbours and given labels; before each later one labels are spread anew.

    In the first stage a row is drawn to its neighbours by inputs (images by their gradients: see
    `semimetric.training.descriptions`). Labels are spread over a graph of the inputs and of the neighbours in the
    space, and each row is then trained on its likeliest class with the weight of its confidence: see
    `semimetric.training.pseudo_labels`. Contrast, which needs two views of a row, is of the first stage alone: once
    rows have labels it was not found to add anything.
    Rows in a part of the graph that no label reaches are trained on its number as if it were a class, where the metric
    loss can have it so (`MetricLoss.takes_in`) and no prior wants the classes' number; elsewhere they are left to the
    terms without labels.
    Rows given with a label keep it, and a batch of them stands in every step from the first: a thousand among sixty
    thousand would otherwise be drowned by what is made of them.

    The inputs' graph counts as much as the space's: it has clusters in it which the space may have torn, and does not
    believe what the space was trained on. Where a classifier of the inputs is found to know what their graph
    does not, its word counts throughout: see `semimetric.training.evidence`.

    In the first stage the metric loss counts as much as all that needs no label. Without a metric loss the first stage
    is all. Nothing has to be kept to resume: labels and neighbours follow from the given labels and the model.
    """

    def __init__(self, weights: Weights, epochs: int = 1, separate_optimisers: bool = False) -> None:
        super().__init__(weights, epochs, separate_optimisers)
        self.settled_from = epochs - 1  # losses under labels that change do not compare
        self.first = _first(weights, epochs)
        self._given: Tensor | None = None

    @property
    def kl_from(self) -> int:
        """The first epoch: the KL needs no label."""
        return 0

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield ``length`` steps of the stage that the epoch belongs to."""
        supervised, unsupervised = self.weights.supervised, self.weights.unsupervised
        if epoch < self.first:
            total = sum(self.weights[term] for term in unsupervised)
            free = {term: self.weights[term] / total for term in unsupervised}
            weights = Weights(free | dict.fromkeys(supervised, 1.0))
            step = step_on({all_rows(weights): unsupervised, LABELLED: supervised}, weights, self.phases()[0])
        else:
            weights = self.weights.only(*(term for term in self.weights if term != CONTRAST))
            step = step_on({all_rows(weights): tuple(weights), LABELLED: supervised}, weights, self.phases()[-1])
        return repeat(step, length)

    def phases(self) -> tuple[str, ...]:
        """Return one optimiser, or one per stage."""
        return ("first", "second") if self.separate_optimisers else (MAIN,)

    def before_epoch(self, epoch: int, model: Model, data: TrainingData) -> None:
        """Look for neighbours once, and in the second stage revise the labels."""
        if self._given is None:
            self._given = data.y.clone()
            data.sure = self._given.numpy(force=True) >= 0
        inputs = _of_inputs(data)
        data.neighbours = inputs.neighbours if epoch < self.first else None
        if epoch < self.first:
            return
        Z = embed_all(model, data)
        given = self._given.numpy(force=True)
        evidence = _evidence(data, given)
        spread = spread_labels(inputs.graph + _graph(Z)[1], given, evidence)
        y, weights = pseudo_labels(spread, given)
        if model.metric is not None and model.metric.takes_in and model.prior is None:  # which may be of classes
            inside = ~spread.reached
            data.centres = torch.from_numpy(means_by(spread.clusters[inside], Z[inside], spread.clusters.max() + 1))
            y = np.where(spread.reached, y, data.n_classes + spread.clusters)
            weights = np.where(spread.reached, weights, np.float32(1))
        data.y, data.weights = (torch.from_numpy(each).to(data.y.device) for each in (y, weights))


def _first(weights: Weights, epochs: int) -> int:
    """Return how many epochs spread no label: all of them, or none, where there are terms of one kind only."""
    if not weights.supervised:
        return epochs
    return max(1, round(FIRST_SHARE * epochs)) if weights.unsupervised else 0


def space_and_labels(model: Model, data: TrainingData, given: np.ndarray) -> tuple[np.ndarray, Spread, Evidence]:
    """Return the embeddings (n, d) of all rows, and what the labels given (n,) say of them in the space as it is.

    Probabilities are as sure as the given labels bear out: see `Evidence.power`. With them comes the evidence itself.
    """
    Z, evidence = embed_all(model, data), _evidence(data, given)
    spread = spread_labels(_of_inputs(data).graph + _graph(Z)[1], given, evidence)
    return Z, replace(spread, probabilities=sharpened(spread.probabilities, evidence.power)), evidence


def _of_inputs(data: TrainingData) -> InputGraph:
    if data.input_graph is None:
        description = describe(data)
        data.input_graph = InputGraph(description, *_graph(description.rows))
    return data.input_graph


def _evidence(data: TrainingData, given: np.ndarray) -> Evidence:
    if data.evidence is None:
        inputs = _of_inputs(data)
        data.evidence = weigh(inputs.graph, [inputs.description, *pixels(data), *colours(data)], given)
    return data.evidence


def _graph(Z: np.ndarray) -> tuple[np.ndarray, sparse.csr_array]:
    if len(Z) == 1:  # has itself
        return np.zeros((1, 1), np.int64), sparse.csr_array((1, 1))
    distances, rows = nearest_neighbours(Z, min(NEIGHBOURS, len(Z) - 1))
    return rows, neighbour_graph(distances, rows)
