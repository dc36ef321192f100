"""How the encoder's numbers are read: as points, or as means and log-variances."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from semimetric.networks import POSTERIORS, Encoder, Point

NUMBERS = torch.tensor([[1.0, -2.0, 0.0, math.log(4)], [0.5, 3.0, math.log(9), -2.0]], dtype=torch.float64)


def test_a_point_is_its_own_mean_and_every_sample():
    location = NUMBERS.clone().requires_grad_()
    point = Point(location)
    assert (point.batch_shape, point.event_shape) == ((2,), (4,))
    assert point.mean.equal(location)
    assert point.rsample().equal(location)
    assert point.rsample((3, 5)).equal(location.expand(3, 5, 2, 4))


def test_gradients_flow_through_a_point():
    location = NUMBERS.clone().requires_grad_()
    point = Point(location)
    (point.rsample().sum() + 2 * point.rsample((3,)).sum() + 10 * point.mean.sum()).backward()
    assert (location.grad == 1 + 2 * 3 + 10).all()


def test_the_first_half_are_means_and_the_second_log_variances():
    gaussian = POSTERIORS["gaussian"].read(NUMBERS)
    assert (gaussian.batch_shape, gaussian.event_shape) == ((2,), (2,))
    assert gaussian.mean.tolist() == [[1, -2], [0.5, 3]]
    expected = torch.tensor([[1, 4], [9, math.exp(-2)]], dtype=torch.float64)
    torch.testing.assert_close(gaussian.variance, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_mean_is_the_distributions(name):
    encoder = Encoder(nn.Linear(5, 4), POSTERIORS[name])
    x = torch.randn(3, 5)
    assert torch.equal(encoder.mean(x), encoder(x).mean)


def test_its_density_is_the_diagonal_gaussians():
    gaussian, z = POSTERIORS["gaussian"].read(NUMBERS), torch.ones(2, 2, dtype=torch.float64)
    twin = MultivariateNormal(NUMBERS[:, :2], torch.diag_embed(NUMBERS[:, 2:].exp()))
    torch.testing.assert_close(gaussian.log_prob(z), twin.log_prob(z), rtol=1e-12, atol=0)


def test_its_samples_are_mean_plus_noise_times_deviation():
    """z = μ + ε·exp(½ log σ²), so that ∂z/∂μ = 1 and ∂z/∂log σ² = ½(z − μ)."""
    numbers = NUMBERS.clone().requires_grad_()
    torch.manual_seed(3)
    z = POSTERIORS["gaussian"].read(numbers).rsample()
    torch.manual_seed(3)
    noise = torch.randn(2, 2, dtype=torch.float64)
    mean, log_variance = NUMBERS.chunk(2, dim=1)
    torch.testing.assert_close(z.detach(), mean + noise * (0.5 * log_variance).exp(), rtol=1e-12, atol=0)
    z.sum().backward()
    torch.testing.assert_close(numbers.grad, torch.cat([torch.ones(2, 2).double(), (z.detach() - mean) / 2], dim=1))


@pytest.mark.parametrize("family", POSTERIORS.values(), ids=POSTERIORS)
def test_families_say_how_many_numbers_they_read(family):
    posterior = family.read(torch.zeros(5, 3 * family.parameters_per_dimension))
    assert posterior.rsample().shape == posterior.mean.shape == (5, 3)


@pytest.mark.parametrize("family", POSTERIORS.values(), ids=POSTERIORS)
def test_an_encoder_returns_float32_under_autocast(family):
    encoder = Encoder(nn.Linear(4, 4), family)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert encoder.network(x).dtype == torch.bfloat16
        posterior = encoder(x)
        assert posterior.mean.dtype == posterior.rsample().dtype == torch.float32
    torch.testing.assert_close(posterior.mean, encoder(x).mean, rtol=0.02, atol=0.02)


def test_an_encoder_keeps_float64():
    encoder = Encoder(nn.Linear(4, 4).double(), POSTERIORS["gaussian"])
    assert encoder(torch.zeros(3, 4, dtype=torch.float64)).rsample().dtype == torch.float64


# Points on the sphere ---------------------------------------------------------------------------------


def test_a_point_on_the_sphere_is_the_numbers_direction():
    posterior = POSTERIORS["sphere"].read(NUMBERS)
    z = posterior.rsample()
    assert z.equal(posterior.mean)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2).double(), rtol=1e-12, atol=0)
    torch.testing.assert_close(z * NUMBERS.norm(dim=1, keepdim=True), NUMBERS, rtol=1e-12, atol=0)
    torch.testing.assert_close(POSTERIORS["sphere"].read(NUMBERS * 1e-3).mean, z, rtol=1e-9, atol=0)


def test_no_gradient_leads_off_the_sphere():
    """It is (g − (g·z) z) / ‖x‖ for a gradient g at z."""
    numbers = NUMBERS.clone().requires_grad_()
    z, g = POSTERIORS["sphere"].read(numbers).mean, torch.tensor([[1.0, 2.0, -3.0, 0.5]]).double().expand(2, 4)
    (slope,) = torch.autograd.grad(z, numbers, g)
    z = z.detach()
    torch.testing.assert_close((slope * z).sum(1), torch.zeros(2).double(), rtol=0, atol=1e-12)
    tangent = (g - (g * z).sum(1, keepdim=True) * z) / NUMBERS.norm(dim=1, keepdim=True)
    torch.testing.assert_close(slope, tangent, rtol=1e-10, atol=1e-12)


def test_zero_has_no_direction_and_is_no_accident():
    numbers = torch.zeros(1, 3).requires_grad_()
    z = POSTERIORS["sphere"].read(numbers).mean
    assert z.tolist() == [[0, 0, 0]]
    (slope,) = torch.autograd.grad(z.sum(), numbers)
    assert slope.isfinite().all()
