"""Which epoch counts as the best, and when patience runs out, for losses that are given."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from semimetric.model import RECONSTRUCTION, Model, Weights
from semimetric.networks import POSTERIORS, Encoder
from semimetric.training.monitor import Monitor


def watched(losses, fit, rows=range(40, 60), patience=None, settled_from=0):
    """Look at a model, whose one weight is the epoch's number, while these are its losses."""
    values = iter(losses)
    objective = lambda model, batch: {RECONSTRUCTION: torch.tensor(next(values))}  # noqa: E731
    weights = Weights({RECONSTRUCTION: 2.0})
    monitor = Monitor(objective, fit.data, np.array(rows, np.int64), weights, patience, settled_from)
    model = Model(Encoder(nn.Linear(1, 1, bias=False), POSTERIORS["point"]))
    best, stop, seen = [], [], []
    for epoch in range(1, len(losses) + 1):
        model.encoder.network.weight.data.fill_(epoch)
        seen.append(monitor.look(model, epoch))
        best.append(monitor.best["epoch"])
        stop.append(monitor.should_stop(epoch))
        assert monitor.best["model"]["encoder.network.weight"].item() == best[-1]
    return best, stop, seen


LOSSES = [1.0, 9.0, 5.0, 4.0, 6.0, 7.0, 3.0]


@pytest.mark.parametrize(
    ("settled_from", "best"),
    [
        (0, [1, 1, 1, 1, 1, 1, 1]),
        (1, [1, 2, 3, 4, 4, 4, 7]),
        (2, [1, 2, 3, 4, 4, 4, 7]),
        (5, [1, 2, 3, 4, 5, 6, 7]),
        (6, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_before_losses_are_settled_the_latest_epoch_is_kept(fit_of, settled_from, best):
    """Epoch 1 has the least loss of all; where it does not count, epoch 4 is the best until the seventh."""
    assert watched(LOSSES, fit_of("autoencoder"), settled_from=settled_from)[0] == best


def test_a_settled_epoch_replaces_an_unsettled_one_however_bad_it_is(fit_of):
    assert watched([1.0, 1e30, 2e30], fit_of("autoencoder"), settled_from=1)[0] == [1, 2, 2]


@pytest.mark.parametrize(
    ("patience", "settled_from", "stops_after"),
    [(1, 0, 2), (2, 0, 3), (1, 2, 5), (2, 2, 6), (1, 5, None), (3, 2, None)],
)
def test_patience_runs_out_only_after_losses_are_settled(fit_of, patience, settled_from, stops_after):
    _, stop, _ = watched(LOSSES, fit_of("autoencoder"), patience=patience, settled_from=settled_from)
    assert (stop.index(True) + 1 if True in stop else None) == stops_after


def test_what_it_looked_at_is_told_settled_or_not(fit_of):
    _, _, seen = watched(LOSSES, fit_of("autoencoder"), settled_from=3)
    assert seen == [{"held_out_reconstruction": value, "held_out_total": 2 * value} for value in LOSSES]


@pytest.mark.parametrize("settled_from", [0, 2])
def test_without_held_out_rows_the_last_epoch_is_the_best_and_nothing_stops(fit_of, settled_from):
    best, stop, seen = watched(LOSSES, fit_of("autoencoder"), rows=(), patience=1, settled_from=settled_from)
    assert best == [1, 2, 3, 4, 5, 6, 7]
    assert not any(stop)
    assert seen == [{}] * 7


def test_a_loss_that_is_infinite_is_never_the_best(fit_of):
    assert watched([3.0, math.inf, 2.0], fit_of("autoencoder"))[0] == [1, 1, 3]
