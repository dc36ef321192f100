"""N(0, I): its KL in closed form against torch, by hand, and against the base class's sampled one."""

import math

import torch
from torch.distributions import MultivariateNormal, kl_divergence

from semimetric.priors import Prior, UnitPrior

DRAWS = 40_000
MEAN = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
LOG_VARIANCE = torch.tensor([0.0, -1.5, 0.7], dtype=torch.float64)


def unit():
    return UnitPrior(3).double()


def copies(gaussian, n):
    """One posterior, n times, with parameters to take the gradient of."""
    mean, log_variance = (row.repeat(n, 1).requires_grad_() for row in (MEAN, LOG_VARIANCE))
    return mean, log_variance, gaussian(mean, log_variance)


def test_by_hand(gaussian):
    """½ Σ (μ² + σ² − 1 − log σ²): no distance at all; ½(1 + 4); ½(4 − 1 − log 4)."""
    mean = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, 0.0], [0.0, 0.0], [math.log(4), 0.0]])
    kl = UnitPrior(2).kl(gaussian(mean, log_variance), mean)
    torch.testing.assert_close(kl, torch.tensor([0.0, 2.5, 1.5 - math.log(2)]))


def test_closed_form_equals_torch(gaussian):
    mean, log_variance = torch.randn(2, 7, 3, dtype=torch.float64)
    full = MultivariateNormal(mean, torch.diag_embed(log_variance.exp()))
    target = MultivariateNormal(torch.zeros(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64))
    found = unit().kl(gaussian(mean, log_variance), mean)
    assert found.shape == (7,)
    torch.testing.assert_close(found, kl_divergence(full, target), rtol=1e-12, atol=1e-12)


def test_closed_form_gradient(gaussian):
    """∂KL/∂μ = μ and ∂KL/∂log σ² = ½(σ² − 1)."""
    mean, log_variance, posterior = copies(gaussian, 1)
    unit().kl(posterior, posterior.mean).sum().backward()
    torch.testing.assert_close(mean.grad[0], MEAN, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(log_variance.grad[0], (LOG_VARIANCE.exp() - 1) / 2, rtol=1e-12, atol=1e-12)


def test_closed_form_does_not_look_at_the_sample(gaussian):
    _, _, posterior = copies(gaussian, 2)
    assert unit().kl(posterior, posterior.mean).equal(unit().kl(posterior, posterior.mean + 100))


def test_sampled_kl_is_unbiased_and_so_is_its_gradient(gaussian, assert_mean_is):
    mean, log_variance, posterior = copies(gaussian, DRAWS)
    prior = unit()
    sampled = Prior.kl(prior, posterior, posterior.rsample())
    assert sampled.shape == (DRAWS,)
    assert_mean_is(sampled.detach(), prior.kl(posterior, posterior.mean)[0].item())
    sampled.sum().backward()  # a row's own parameters see that row's draw alone
    assert_mean_is(mean.grad, MEAN)
    assert_mean_is(log_variance.grad, (LOG_VARIANCE.exp() - 1) / 2)


def test_samples_are_standard_normal(assert_mean_is):
    z = unit().sample(DRAWS)
    assert z.shape == (DRAWS, 3)
    assert_mean_is(z, 0.0)
    assert_mean_is(z.square(), 1.0)
    assert_mean_is(z.pow(4), 3.0)
    assert_mean_is(z[:, [0, 0, 1]] * z[:, [1, 2, 2]], 0.0)


def test_density_by_hand():
    at = UnitPrior(2).distribution().log_prob(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    torch.testing.assert_close(at, torch.tensor([0.0, -12.5]) - math.log(2 * math.pi))


def test_it_has_nothing_to_learn():
    assert list(UnitPrior(4).parameters()) == []
