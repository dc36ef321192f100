"""A small fit, its parts within reach: sixty rows of four numbers, four of them labelled; and three clouds."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from semimetric import MetricEmbedder
from semimetric.data.arrays import recognise
from semimetric.data.normalisation import Normaliser
from semimetric.estimator.networks import compose
from semimetric.estimator.parameters import resolve
from semimetric.graphs import nearest_neighbours, neighbour_graph
from semimetric.model import Model, Objective, Weights
from semimetric.presets import get_preset
from semimetric.training import HoldOut, TrainingData, TrainingSettings, train


@dataclass
class Fit:
    """What `train` takes; ``X`` and ``y`` are the arrays that the data were made of."""

    X: np.ndarray
    y: np.ndarray
    data: TrainingData
    model: Model
    objective: Objective
    weights: Weights
    split: HoldOut
    settings: TrainingSettings

    def train(self, routine, checkpoint=None, resume=False, **settings):
        """Train by this routine, with some of the settings changed."""
        changed = replace(self.settings, **settings)
        return train(self.model, self.objective, routine, self.data, self.split, changed, checkpoint, resume)


SETTINGS = TrainingSettings(
    epochs=4,
    batch_size=20,
    labelled_batch_size=8,
    learning_rate=1e-3,
    weight_decay=0.0,
    patience=None,
    device=torch.device("cpu"),
    precision="float32",
    seed=0,
)


def _fit_of(preset, held_out=(), augmentation=None, **parameters):
    X, y = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), np.full(60, -1)
    y[:4] = [0, 0, 1, 1]
    form = recognise(X)
    parameters = resolve(MetricEmbedder(preset, latent_dim=2, **parameters).get_params())
    composition = compose(get_preset(preset), form.shape, parameters, n_classes=2, seed=0)
    data = TrainingData(X, y, Normaliser(form.shape).fit(X, form), augmentation)
    held = np.array(held_out, np.int64)
    split = HoldOut(np.setdiff1d(np.arange(60), held), held)
    return Fit(X, y, data, composition.model, composition.objective, composition.weights, split, SETTINGS)


@pytest.fixture(scope="session")
def fit_of():
    """(preset, held-out rows, augmentation, parameters of `MetricEmbedder`) → a `Fit`: three steps per epoch."""
    return _fit_of


@pytest.fixture
def clouds():
    """Make three clouds that touch: their graph, their rows, and whose rows are whose."""

    def make(sizes=(40, 15, 25), gap=3.0):
        generator = np.random.default_rng(0)
        side = np.repeat(np.arange(3), sizes)
        Z = generator.standard_normal((len(side), 2)) + gap * np.array([[0, 0], [1, 0], [0, 1]])[side]
        return neighbour_graph(*nearest_neighbours(Z, 8)), Z, side

    return make
