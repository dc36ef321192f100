"""Which streams and terms each step of each routine asks for."""

from collections import Counter

import numpy as np
import pytest
import torch

from semimetric.model import KL, METRIC, RECONSTRUCTION, Weights
from semimetric.priors import FittedPrior
from semimetric.training import (
    ROUTINES,
    AlternateBatches,
    AlternateEpochs,
    Joint,
    Staged,
    UncertaintyBalance,
    WarmUp,
    train,
)
from semimetric.training.routines import LABELLED, UNLABELLED

BOTH = Weights({METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.5})
UNSUPERVISED = BOTH.only(RECONSTRUCTION, KL)
SUPERVISED = BOTH.only(METRIC)

TWO_STREAMS = {UNLABELLED: (RECONSTRUCTION, KL), LABELLED: (METRIC,)}
ALL_ON_LABELLED = {LABELLED: (METRIC, RECONSTRUCTION, KL)}
ALL_ROWS = {UNLABELLED: (RECONSTRUCTION, KL)}
LABELLED_ONLY = {LABELLED: (METRIC,)}


@pytest.mark.parametrize(
    ("routine", "weights", "epochs"),
    [
        (Joint, BOTH, [TWO_STREAMS] * 4),
        (Joint, UNSUPERVISED, [ALL_ROWS] * 4),
        (Joint, SUPERVISED, [LABELLED_ONLY] * 4),
        (AlternateEpochs, BOTH, [ALL_ROWS, ALL_ON_LABELLED, ALL_ROWS, ALL_ON_LABELLED]),
        (AlternateEpochs, UNSUPERVISED, [ALL_ROWS] * 4),
        (AlternateEpochs, SUPERVISED, [LABELLED_ONLY] * 4),
        (Staged, UNSUPERVISED, [ALL_ROWS] * 4),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("length", [1, 7])
def test_steps(routine, weights, epochs, length):
    taken = routine(weights)
    for epoch, streams in enumerate(epochs):
        steps = list(taken.steps(epoch, length))
        assert [step.streams for step in steps] == [streams] * length
        assert all(step.weights is weights for step in steps)


@pytest.mark.parametrize("routine", ROUTINES.values(), ids=ROUTINES)
def test_steps_of_an_epoch_do_not_depend_on_those_before(routine):
    """A fit resumed at epoch 3 takes the steps that an undisturbed one takes."""
    undisturbed = routine(BOTH)
    before = [list(undisturbed.steps(epoch, 2)) for epoch in range(4)]
    resumed = routine(BOTH)
    resumed.load_state_dict(undisturbed.state_dict())
    assert list(resumed.steps(3, 2)) == before[3]


class ReviseLabels(Joint):
    """Before the third epoch, gives two more rows the labels that it remembers."""

    def __init__(self, weights):
        super().__init__(weights)
        self.seen = []

    def before_epoch(self, epoch, model, data):
        if epoch == 2:
            data.y[torch.tensor([50, 51])] = torch.tensor([0, 1])
        self.seen.append(((data.y >= 0).sum().item(), model.training))


def test_a_routine_may_revise_labels_between_epochs(fit_of):
    fit = fit_of("dml", labelled=4, epochs=4)
    fit.data.y[4:] = -1
    given = fit.data.y.clone()
    asked = []
    batch = fit.data.batch

    def asking(parts, *rest, **options):
        asked.append(set(parts["labelled"]))
        return batch(parts, *rest, **options)

    fit.data.batch = asking
    routine = ReviseLabels(fit.weights)
    fit.train(routine)
    assert [known for known, _ in routine.seen] == [4, 4, 6, 6]
    assert (given >= 0).sum() == 4
    steps = len(asked) // 4
    assert set().union(*asked[: 2 * steps]) == {0, 1, 2, 3}
    assert set().union(*asked[2 * steps :]) == {0, 1, 2, 3, 50, 51}
