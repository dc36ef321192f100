"""The running average of a model: its closed form, what of it is kept, and a fit that has none."""

import math

import pytest
import torch
from torch import nn

from semimetric.model import Model
from semimetric.networks import POSTERIORS, Encoder
from semimetric.priors import VampPrior
from semimetric.training import Joint
from semimetric.training.averaging import Average


def model_with_batch_norm():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    return Model(Encoder(network, POSTERIORS["point"]))


def state(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def trained(model, average, steps):
    """Move everything about the model at random, step by step; return what it was, from the start on."""
    generator = torch.Generator().manual_seed(1)
    seen = [state(model)]
    for _ in range(steps):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
            model.embed(torch.randn(8, 3, generator=generator, dtype=torch.float64))  # moves the running statistics
        average.update()
        seen.append(state(model))
    return seen


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.5, 0.999])
def test_equals_the_weighted_sum_over_all_steps(decay):
    """Σ_s (1 − d_s) Π_{r > s} d_r · θ_s + Π_r d_r · θ_0, d_t = min(d, (1 + t) / (10 + t)); integers are the last."""
    model = model_with_batch_norm()
    average = Average(model, decay)
    seen = trained(model, average, 12)
    decays = [min(decay, (1 + t) / (10 + t)) for t in range(1, 13)]
    shares = [math.prod(decays)] + [(1 - d) * math.prod(decays[t:]) for t, d in enumerate(decays, 1)]
    assert sum(shares) == pytest.approx(1)
    found = state(average.model)
    assert sum("running" in name for name in found) == 2
    for name, tensor in found.items():
        if tensor.is_floating_point():
            expected = sum(share * each[name] for share, each in zip(shares, seen, strict=True))
            torch.testing.assert_close(tensor, expected, rtol=1e-12, atol=1e-12, msg=name)
        else:
            assert tensor.item() == seen[-1][name].item() == 12


def test_of_no_reach_it_is_the_model_bit_for_bit():
    model = model_with_batch_norm()
    average = Average(model, 0.0)
    last = trained(model, average, 3)[-1]
    assert all(tensor.equal(last[name]) for name, tensor in state(average.model).items())


def test_it_leaves_the_model_alone_and_has_no_gradients():
    model = model_with_batch_norm()
    before = state(model)
    average = Average(model, 0.9)
    average.update()
    assert all(tensor.equal(before[name]) for name, tensor in state(model).items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(parameter.requires_grad for parameter in average.model.parameters())


def test_one_that_is_taken_up_again_goes_on_as_the_undisturbed_one():
    model = model_with_batch_norm()
    undisturbed = Average(model, 0.5)
    trained(model, undisturbed, 3)
    kept = undisturbed.state_dict()
    kept = {"model": state(undisturbed.model), "steps": kept["steps"]}
    resumed = Average(model_with_batch_norm(), 0.5)
    resumed.load_state_dict(kept)
    resumed_of = Average(model, 0.5)  # of the model as it is now
    resumed_of.load_state_dict(resumed.state_dict())
    undisturbed.update()
    resumed_of.update()
    assert resumed_of.steps == undisturbed.steps == 4
    found = state(resumed_of.model)
    assert all(tensor.equal(found[name]) for name, tensor in state(undisturbed.model).items())


def test_an_averaged_prior_looks_at_the_averaged_encoder():
    prior = VampPrior(3, (4,))
    trained = Model(Encoder(nn.Linear(4, 4), POSTERIORS["gaussian"]), prior=prior)
    average = Average(trained, 0.5)
    with torch.no_grad():
        trained.encoder.network.weight.add_(1)
        average.update()
        found = average.model.prior.distribution().component_distribution.mean
        expected = average.model.encoder(average.model.prior.pseudo_inputs).mean
        torch.testing.assert_close(found, expected)
        assert not torch.allclose(found, trained.encoder(prior.pseudo_inputs).mean)


# In a fit ---------------------------------------------------------------------------------------------

HELD_OUT = range(4, 60, 2)


def fitted(fit_of, averaging):
    fit = fit_of("autoencoder", HELD_OUT)
    result = fit.train(Joint(fit.weights, 4), averaging=averaging, learning_rate=0.01)
    return state(fit.model), result.history


def test_a_fit_with_an_average_of_no_reach_is_the_fit_without_one(fit_of):
    (plain, history), (averaged, other) = fitted(fit_of, None), fitted(fit_of, 0.0)
    assert history == other
    assert all(tensor.equal(plain[name]) for name, tensor in averaged.items())


def test_the_average_is_looked_at_and_kept_and_does_not_lead(fit_of):
    """Training goes the same way: only held-out losses, and the model at the end, are the average's."""
    (plain, history), (averaged, other) = fitted(fit_of, None), fitted(fit_of, 0.9)
    for row, with_average in zip(history, other, strict=True):
        assert row["train_reconstruction"] == with_average["train_reconstruction"]
        assert row["held_out_reconstruction"] != with_average["held_out_reconstruction"]
    assert not any(tensor.equal(plain[name]) for name, tensor in averaged.items())
