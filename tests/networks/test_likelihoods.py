"""Likelihoods against torch's own distributions."""

import math

import pytest
import torch
from torch import distributions, nn

from semimetric.networks import LIKELIHOODS, Bernoulli, Decoder, Gaussian

SHAPES = [(5, 4), (5, 3, 8, 9)]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def summed(log_prob):
    return log_prob.flatten(1).sum(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_is_a_normal_of_variance_one_half(shape):
    output, x = torch.randn(2, *shape)
    twin = distributions.Normal(output, math.sqrt(0.5))
    torch.testing.assert_close(Gaussian().log_prob(output, x), summed(twin.log_prob(x)), rtol=1e-5, atol=1e-5)
    assert Gaussian().mean(output).equal(output)


@pytest.mark.parametrize("shape", SHAPES)
def test_bernoulli_is_torchs_own(shape):
    output, x = 3 * torch.randn(shape), torch.randint(0, 2, shape).float()
    twin = distributions.Bernoulli(logits=output)
    torch.testing.assert_close(Bernoulli().log_prob(output, x), summed(twin.log_prob(x)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(Bernoulli().mean(output), twin.mean)


def test_bernoulli_between_zero_and_one_is_the_cross_entropy():
    output, x = 3 * torch.randn(5, 4), torch.rand(5, 4)
    p = output.sigmoid()
    expected = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    torch.testing.assert_close(Bernoulli().log_prob(output, x), expected, rtol=1e-5, atol=1e-5)


def test_bernoulli_stays_finite_where_a_probability_would_round_to_one():
    output = torch.tensor([[200.0, -200.0]], requires_grad=True)
    log_prob = Bernoulli().log_prob(output, torch.tensor([[0.0, 1.0]]))
    log_prob.sum().backward()
    assert log_prob.item() == -400
    assert output.grad.tolist() == [[-1, 1]]


@pytest.mark.parametrize(("name", "constant"), [("gaussian", 0.5 * math.log(math.pi)), ("bernoulli", 0.0)])
@pytest.mark.parametrize("shape", SHAPES)
def test_distortion_is_the_negative_log_probability_up_to_a_constant_per_element(name, constant, shape):
    likelihood = LIKELIHOODS[name]()
    output, x = torch.randn(shape), torch.rand(shape)
    distortion = likelihood.distortion(output, x)
    assert distortion.shape == shape
    torch.testing.assert_close(-likelihood.log_prob(output, x), summed(distortion + constant), rtol=1e-5, atol=1e-5)


def test_distortions_by_hand():
    x = torch.tensor([[0.0, 1.0]])
    torch.testing.assert_close(Gaussian().distortion(torch.tensor([[2.0, 0.5]]), x), torch.tensor([[4.0, 0.25]]))
    logits = torch.tensor([[math.log(3), math.log(3)]])  # probability ¾
    expected = torch.tensor([[math.log(4), math.log(4 / 3)]])
    torch.testing.assert_close(Bernoulli().distortion(logits, x), expected)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_half_precision_outputs_are_compared_in_float32(name):
    likelihood = LIKELIHOODS[name]()
    output, x = torch.randn(5, 4, dtype=torch.bfloat16), torch.rand(5, 4)
    for function in (likelihood.distortion, likelihood.log_prob):
        assert function(output, x).dtype == torch.float32
        assert function(output, x).equal(function(output.float(), x))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_decoder_passes_its_networks_output_on(name):
    likelihood = LIKELIHOODS[name]()
    decoder = Decoder(nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (3, 2, 2))), likelihood)
    z, x = torch.randn(5, 2), torch.rand(5, 3, 2, 2)
    output = decoder.network(z)
    assert decoder.mean(z).equal(likelihood.mean(output))
    assert decoder.log_prob(x, z).equal(likelihood.log_prob(output, x))
    assert decoder.distortion(x, z).equal(likelihood.distortion(output, x).reshape(5, 12))
