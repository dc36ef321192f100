"""The loop: what each optimiser keeps, and how a prior starts from the data."""

import numpy as np
import pytest
import torch

from semimetric.training import AlternateEpochs, Checkpoint, Joint, SelfTraining, Staged, WarmUp

HELD_OUT = range(4, 60, 3)


def initialised(fit):
    """What `train` starts the prior from, call after call."""
    calls = []
    own = fit.model.prior.initialise
    fit.model.prior.initialise = lambda inputs: calls.append(inputs.clone()) or own(inputs)
    return calls


def normalised(fit, rows):
    return fit.data.normaliser(torch.from_numpy(fit.X[rows]))


@pytest.mark.parametrize(("components", "rows"), [(7, 7), (41, 41), (100, 41)])
def test_a_prior_starts_once_from_rows_of_the_training_split(fit_of, components, rows):
    """Plain rows, none twice, none that is held out; of 41 rows, 100 pseudo-inputs are given 41."""
    fit = fit_of("vamp-vae", HELD_OUT, augmentation=lambda x: x + 3, n_components=components)
    calls = initialised(fit)
    fit.train(Joint(fit.weights, 2), epochs=2)
    (given,) = calls
    assert given.shape == (rows, 4)
    same = (given[:, None] == normalised(fit, fit.split.train)).all(2)
    assert (same.sum(1) == 1).all()
    assert (same.sum(0) <= 1).all()
    assert len(fit.split.train) == 41


def test_which_rows_depends_on_the_seed(fit_of):
    starts = []
    for seed in (0, 0, 1):
        fit = fit_of("vamp-vae", HELD_OUT, n_components=7)
        calls = initialised(fit)
        fit.train(Joint(fit.weights), epochs=1, seed=seed)
        starts += calls
    assert starts[0].equal(starts[1])
    assert not starts[0].equal(starts[2])


def test_a_resumed_fit_does_not_start_the_prior_anew(fit_of, tmp_path):
    fit = fit_of("vamp-vae", n_components=7)
    fit.train(Joint(fit.weights, 2), Checkpoint(tmp_path, {}), epochs=1)
    left = fit.model.prior.pseudo_inputs.detach().clone()
    again = fit_of("vamp-vae", n_components=7)
    calls = initialised(again)
    result = again.train(Joint(again.weights, 2), Checkpoint(tmp_path, {}), resume=True, epochs=2, learning_rate=1e-12)
    assert calls == []
    assert [row["epoch"] for row in result.history] == [1, 2]
    torch.testing.assert_close(again.model.prior.pseudo_inputs.detach(), left)


@pytest.mark.parametrize("prior", ["unit", "hypercube", "mixture", "classes"])
def test_other_priors_need_no_data_to_start(fit_of, prior):
    fit = fit_of("vamp-vae", prior=prior)
    calls = initialised(fit)
    fit.train(Joint(fit.weights), epochs=1)
    assert calls == []


def test_with_resume_but_without_a_checkpoint_it_starts(fit_of, tmp_path):
    fit = fit_of("vamp-vae", n_components=7)
    calls = initialised(fit)
    fit.train(Joint(fit.weights), Checkpoint(tmp_path, {}), resume=True, epochs=1)
    assert len(calls) == 1


@pytest.mark.parametrize("separate", [False, True])
def test_the_checkpoint_holds_every_optimiser_under_its_name(fit_of, tmp_path, separate):
    fit = fit_of("metric-vae", prior="unit")
    fit.train(AlternateEpochs(fit.weights, 3, separate), Checkpoint(tmp_path, {}), epochs=3)
    found = torch.load(tmp_path / "last.pt", weights_only=True)["optimisers"]
    steps = {name: int(state["state"][0]["step"]) for name, state in found.items()}
    assert steps == ({"unsupervised": 6, "supervised": 3} if separate else {"main": 9})
    if separate:
        one, other = (state["state"][0]["exp_avg"] for state in found.values())
        assert not one.equal(other)


def test_separate_adams_differ_from_one(fit_of):
    ends = []
    for separate in (False, True):
        fit = fit_of("metric-vae", prior="unit")
        fit.train(AlternateEpochs(fit.weights, 3, separate), epochs=3)
        ends.append(next(fit.model.parameters()).detach())
    assert not ends[0].equal(ends[1])


def test_the_total_that_a_step_descends_is_the_warmed_up_one(fit_of):
    """With the whole fit as its rise, the KL's weight is 0 in the first step: its variances do not move."""
    fit = fit_of("vae")
    outputs = fit.model.encoder.network[-1].weight
    given = []
    outputs.register_hook(lambda gradient: given.append(gradient.clone()))
    fit.train(WarmUp(Joint(fit.weights.only("kl"), 1), 1.0), epochs=1)
    assert [bool((gradient != 0).any()) for gradient in given] == [False, True, True]


def test_the_best_epoch_of_a_staged_fit_is_one_of_its_second_stage(fit_of):
    fit = fit_of("dml-unit-prior", HELD_OUT, routine="staged")
    result = fit.train(Staged(fit.weights, 6), epochs=6, patience=1, learning_rate=1e-2)
    assert result.best_epoch > 2
    assert len(result.history) > 2
    kl = [row["held_out_kl"] for row in result.history]
    assert np.isfinite(kl).all()
    assert ["train_kl" in row for row in result.history] == [False] * 2 + [True] * (len(kl) - 2)


def test_held_out_rows_are_nobodys_partners(fit_of):
    fit = fit_of("best", HELD_OUT)
    asked, batch = [], fit.data.batch

    def asking(parts, *rest, **options):
        asked.append(parts.get("paired", np.empty((0, 2), np.int64)))
        return batch(parts, *rest, **options)

    fit.data.batch = asking
    fit.train(SelfTraining(fit.weights, 9), epochs=9)
    pairs = np.concatenate(asked)
    assert set(pairs.flatten()) == set(fit.split.train)
    assert 0.2 < (pairs[:, 0] != pairs[:, 1]).mean() < 0.4  # of half of the rows, two thirds
