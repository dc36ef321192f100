"""Which streams and terms each step of each routine asks for."""

from collections import Counter

import numpy as np
import pytest
import torch

from semimetric.model import CONTRAST, KL, METRIC, RECONSTRUCTION, Weights
from semimetric.priors import FittedPrior
from semimetric.training import (
    ROUTINES,
    AlternateBatches,
    AlternateEpochs,
    Joint,
    SelfTraining,
    Staged,
    UncertaintyBalance,
    WarmUp,
)
from semimetric.training.routines import LABELLED, PAIRED, UNLABELLED

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


WITH_PAIRS = Weights({METRIC: 0.5, CONTRAST: 0.25, RECONSTRUCTION: 0.25})
PAIRS = {PAIRED: (CONTRAST, RECONSTRUCTION)}


@pytest.mark.parametrize(
    ("routine", "epochs"),
    [
        (Joint, [PAIRS | LABELLED_ONLY] * 3),
        (AlternateEpochs, [PAIRS, {LABELLED: (METRIC, RECONSTRUCTION)}, PAIRS]),
        (Staged, [LABELLED_ONLY, PAIRS | LABELLED_ONLY, PAIRS | LABELLED_ONLY]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_contrast_is_asked_for_of_pairs_only(routine, epochs):
    taken = routine(WITH_PAIRS, 3)
    assert [[step.streams for step in taken.steps(epoch, 2)] for epoch in range(3)] == [[each] * 2 for each in epochs]


@pytest.mark.parametrize("routine", ROUTINES)
def test_any_routine_trains_a_contrast(fit_of, routine):
    """Nineteen held-out rows: neither they nor the batches of the others are even in number."""
    fit = fit_of("best", range(41, 60), routine=routine)
    result = fit.train(ROUTINES[routine](fit.weights, 4), batch_size=15)
    rows = [set(row) for row in result.history]
    assert {"train_contrast", "train_metric"} <= set().union(*rows)
    assert "held_out_contrast" not in set().union(*rows)  # there are no pairs among them


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
    fit = fit_of("dml")
    asked = []
    batch = fit.data.batch

    def asking(parts, *rest, **options):
        asked.append(set(parts["labelled"]))
        return batch(parts, *rest, **options)

    fit.data.batch = asking
    routine = ReviseLabels(fit.weights)
    fit.train(routine, epochs=4)
    assert [known for known, _ in routine.seen] == [4, 4, 6, 6]
    assert (fit.y >= 0).sum() == 4  # the labels that were given are not those that were revised
    steps = len(asked) // 4
    assert set().union(*asked[: 2 * steps]) == {0, 1, 2, 3}
    assert set().union(*asked[2 * steps :]) == {0, 1, 2, 3, 50, 51}


# Alternating batches and stages -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "even", "odd"),
    [
        (BOTH, ALL_ROWS, ALL_ON_LABELLED),
        (UNSUPERVISED, ALL_ROWS, ALL_ROWS),
        (SUPERVISED, LABELLED_ONLY, LABELLED_ONLY),
    ],
)
@pytest.mark.parametrize("length", [1, 2, 7])
def test_batches_alternate_and_begin_anew_in_every_epoch(weights, even, odd, length):
    routine = AlternateBatches(weights, epochs=3)
    for epoch in range(3):
        steps = list(routine.steps(epoch, length))
        assert [step.streams for step in steps] == ([even, odd] * length)[:length]
        assert all(step.weights is weights for step in steps)


@pytest.mark.parametrize(
    ("epochs", "first"), [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (9, 3), (10, 3), (30, 10), (100, 33)]
)
def test_stages(epochs, first):
    """A third of the epochs trains the metric loss alone; at least one does, and at least one trains everything."""
    routine = Staged(BOTH, epochs)
    assert routine.settled_from == first
    taken = [[step.streams for step in routine.steps(epoch, 3)] for epoch in range(epochs)]
    assert taken == [[LABELLED_ONLY] * 3] * first + [[TWO_STREAMS] * 3] * (epochs - first)


@pytest.mark.parametrize("epochs", [1, 2, 9])
def test_without_a_metric_loss_there_is_no_first_stage(epochs):
    routine = Staged(UNSUPERVISED, epochs)
    assert routine.settled_from == 0
    assert [step.streams for epoch in range(epochs) for step in routine.steps(epoch, 2)] == [ALL_ROWS] * 2 * epochs


def test_every_routine_without_stages_is_settled_from_the_start():
    others = {name: kind for name, kind in ROUTINES.items() if kind not in (Staged, SelfTraining)}
    assert {name: kind(BOTH, 9).settled_from for name, kind in others.items()} == dict.fromkeys(others, 0)


def fits_of_the_prior(fit, routine, epochs):
    """Which epochs the prior was fitted before, and to what."""
    found = []
    for epoch in range(epochs):
        fit.model.prior.fit = lambda Z, epoch=epoch: found.append((epoch, Z.copy()))
        routine.before_epoch(epoch, fit.model, fit.data)
    return found


@pytest.mark.parametrize(("epochs", "boundary"), [(1, 0), (2, 1), (6, 2)])
@pytest.mark.parametrize("around", [False, True], ids=["bare", "wrapped"])
def test_the_prior_is_fitted_to_the_embeddings_of_all_rows_at_the_boundary(
    fit_of, monkeypatch, epochs, boundary, around
):
    monkeypatch.setattr("semimetric.training.device.EMBEDDED_AT_ONCE_ON_CPU", 16)  # in four parts
    fit = fit_of("dml-unit-prior", range(40, 60), augmentation=lambda x: x + 1000, routine="staged")
    assert isinstance(fit.model.prior, FittedPrior)
    fit.model.encoder.network.insert(0, torch.nn.BatchNorm1d(4))  # tells training from evaluation
    routine = Staged(fit.weights, epochs)
    fit.model.train()
    ((epoch, Z),) = fits_of_the_prior(fit, UncertaintyBalance(WarmUp(routine, 0.5)) if around else routine, epochs)
    assert epoch == boundary
    assert fit.model.training
    fit.model.eval()
    with torch.no_grad():
        expected = fit.model.embed(fit.data.normaliser(torch.from_numpy(fit.X)))
    np.testing.assert_allclose(Z, expected.numpy(), rtol=1e-5, atol=1e-6)
    assert int(fit.model.encoder.network[0].num_batches_tracked) == 0


def test_a_space_that_is_not_finite_is_no_space_to_fit_a_prior_to(fit_of):
    fit = fit_of("dml-unit-prior", routine="staged")
    with torch.no_grad():
        next(fit.model.encoder.parameters()).fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="no finite embeddings"):
        Staged(fit.weights, 3).before_epoch(1, fit.model, fit.data)


@pytest.mark.parametrize("prior", ["unit", "hypercube", "mixture", "classes", "vamp"])
def test_other_priors_are_not_fitted(fit_of, prior):
    fit = fit_of("dml-unit-prior", routine="staged", prior=prior)
    assert fits_of_the_prior(fit, Staged(fit.weights, 3), 3) == []


def test_a_staged_fit_ends_with_the_mixture_it_was_given_at_the_boundary(fit_of):
    """Nothing trains it from there on, and it is no longer where it started."""
    fit = fit_of("dml-unit-prior", routine="staged", n_components=3)
    start = fit.model.prior.means.clone()
    fitted, mixture = [], fit.model.prior.fit
    fit.model.prior.fit = lambda Z: mixture(Z) and fitted.append(fit.model.prior.means.clone())
    fit.train(Staged(fit.weights, 3), epochs=3)
    assert len(fitted) == 1
    assert fit.model.prior.means.equal(fitted[0])
    assert not fit.model.prior.means.equal(start)


# Optimisers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routine", "weights", "names"),
    [
        (Joint, BOTH, [["main"] * 3] * 3),
        (AlternateEpochs, BOTH, [["unsupervised"] * 3, ["supervised"] * 3, ["unsupervised"] * 3]),
        (AlternateEpochs, SUPERVISED, [["supervised"] * 3] * 3),
        (AlternateEpochs, UNSUPERVISED, [["unsupervised"] * 3] * 3),
        (AlternateBatches, BOTH, [["unsupervised", "supervised", "unsupervised"]] * 3),
        (AlternateBatches, SUPERVISED, [["supervised"] * 3] * 3),
        (Staged, BOTH, [["first"] * 3, ["second"] * 3, ["second"] * 3]),
        (Staged, UNSUPERVISED, [["second"] * 3] * 3),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_which_optimiser_takes_which_step(fit_of, routine, weights, names):
    apart, together = (routine(weights, 3, separate_optimisers=separate) for separate in (True, False))
    assert [[step.optimiser for step in apart.steps(epoch, 3)] for epoch in range(3)] == names
    assert {step.optimiser for epoch in range(3) for step in together.steps(epoch, 3)} == {"main"}
    model = fit_of("dml-autoencoder").model
    for each in (apart, UncertaintyBalance(WarmUp(apart, 0.5))):
        assert set(each.optimised(model)) == set(each.phases()) >= {name for epoch in names for name in epoch}
    for parameters in apart.optimised(model).values():
        assert [id(parameter) for parameter in parameters] == [id(parameter) for parameter in model.parameters()]
    assert set(together.optimised(model)) == {"main"}


@pytest.mark.parametrize(
    ("routine", "steps"),
    [
        (AlternateBatches(BOTH, 2, True), {"unsupervised": 4, "supervised": 2}),
        (AlternateBatches(BOTH, 2, False), {"main": 6}),
        (AlternateEpochs(BOTH, 3, True), {"unsupervised": 6, "supervised": 3}),
        (Staged(BOTH, 3, True), {"first": 3, "second": 6}),
        (WarmUp(Staged(BOTH, 3, True), 0.5), {"first": 3, "second": 6}),
    ],
    ids=["batches", "one optimiser", "epochs", "stages", "wrapped"],
)
def test_each_optimiser_counts_its_own_steps(fit_of, monkeypatch, routine, steps):
    """Three steps an epoch; Adam's state of the encoder's first layer says how many each optimiser took."""
    made = []
    adam = torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda *rest, **options: made.append(adam(*rest, **options)) or made[-1])
    fit = fit_of("metric-vae", prior="unit")
    fit.train(routine, epochs=routine.epochs)
    first = next(fit.model.encoder.parameters())
    assert [int(optimiser.state[first]["step"]) for optimiser in made] == list(steps.values())
    moments = [optimiser.state[first]["exp_avg"] for optimiser in made]
    assert len({moment.data_ptr() for moment in moments}) == len(moments)
    decoder = next(fit.model.decoder.parameters())
    unmoved = Counter(decoder not in optimiser.state for optimiser in made)
    assert unmoved[True] == ("first" in steps)  # the metric loss alone gives the decoder nothing
