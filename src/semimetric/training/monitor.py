"""Watches the held-out rows: which epoch was best, and when to stop."""

import math
from typing import Any

import numpy as np
import torch

from semimetric.model import CONTRAST, METRIC, Model, Objective, Weights
from semimetric.training.data import TrainingData

CHUNK = 1024
LABELLED_CHUNK = 256  # the metric loss looks at all triplets of a chunk


class Monitor:
    """Computes the objective on held-out rows after each epoch, and remembers the best model.

    The unsupervised terms are computed on every held-out row, the metric loss on the held-out labels where there
    are any; the metric loss takes its comparable form (`MetricLoss.for_monitoring`). The contrast is of pairs, which
    rows seen once and as they are do not make: it is left out. With nothing to compute the last epoch counts as the
    best, and training never stops early.

    Parameters
    ----------
    rows : array
        Held-out row numbers.
    weights : Weights
        Join the terms into the one number that decides.
    patience : int or None
        Stop after so many epochs without a new best; None never stops.
    settled_from : int
        Before this epoch, numbered from 0, losses do not tell which model is best: the latest is kept.
    """

    def __init__(
        self,
        objective: Objective,
        data: TrainingData,
        rows: np.ndarray,
        weights: Weights,
        patience: int | None,
        settled_from: int = 0,
    ) -> None:
        self._objective = objective
        self._data = data
        self._weights = weights
        self._patience = patience
        self._settled_from = settled_from
        self._plan = _plan(rows, data.y.numpy(force=True), weights)
        self.best: dict[str, Any] = {"epoch": 0, "value": math.inf, "model": None}

    def look(self, model: Model, epoch: int) -> dict[str, float]:
        """Return the held-out terms of this epoch, and keep the model if it is the best so far."""
        row = self._measure(model) if self._plan else {}
        value = row.get("held_out_total", -float(epoch))  # unwatched, later is better
        if epoch <= self._settled_from:
            value = math.inf
        if value < self.best["value"] or value == math.inf == self.best["value"]:
            state = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
            self.best = {"epoch": epoch, "value": value, "model": state}
        return row

    def should_stop(self, epoch: int) -> bool:
        """Whether patience has run out."""
        return self._patience is not None and bool(self._plan) and epoch - self.best["epoch"] >= self._patience

    @torch.no_grad()
    def _measure(self, model: Model) -> dict[str, float]:
        metric, training = model.metric, model.training
        model.metric = None if metric is None else metric.for_monitoring()
        model.eval()
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        try:
            for rows, terms in self._plan:
                batch = self._data.batch({"held_out": rows}, {"held_out": terms}, augment=False)
                for term, value in self._objective(model, batch).items():
                    sums[term] = sums.get(term, 0.0) + float(value) * len(rows)
                    counts[term] = counts.get(term, 0) + len(rows)
        finally:
            model.metric = metric
            model.train(training)
        means = {term: sums[term] / counts[term] for term in sums}
        total = sum(self._weights[term] * value for term, value in means.items())
        return {**{f"held_out_{term}": value for term, value in means.items()}, "held_out_total": total}


def _plan(rows: np.ndarray, y: np.ndarray, weights: Weights) -> list[tuple[np.ndarray, tuple[str, ...]]]:
    """Return the batches of the held-out pass, and the terms to compute on each."""
    plan: list[tuple[np.ndarray, tuple[str, ...]]] = []
    unsupervised = tuple(term for term in weights.unsupervised if term != CONTRAST)
    if unsupervised and len(rows):
        plan += [(part, unsupervised) for part in np.array_split(rows, -(-len(rows) // CHUNK))]
    labelled = rows[y[rows] >= 0]
    if METRIC in weights and len(np.unique(y[labelled])) > 1:
        shuffled = np.random.default_rng(0).permutation(labelled)
        plan += [(part, (METRIC,)) for part in np.array_split(shuffled, -(-len(labelled) // LABELLED_CHUNK))]
    return plan
