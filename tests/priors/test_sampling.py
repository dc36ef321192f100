"""Draws: every row is its own, components come as often as they weigh, and the moments are the distribution's."""

import math

import pytest
import torch
from torch import nn

from semimetric.networks import POSTERIORS, Encoder
from semimetric.priors import ClassPrior, HypercubePrior, MixturePrior, VampPrior

DRAWS = 40_000
WEIGHTS = [0.1, 0.2, 0.7]
CORNERS = torch.tensor([[-9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])


def separated_vamp():
    """An encoder that puts a pseudo-input's posterior where the pseudo-input is, with σ = e⁻¹."""
    network = nn.Linear(2, 4)
    with torch.no_grad():
        network.weight.copy_(torch.eye(4)[:, :2])
        network.bias.copy_(torch.tensor([0.0, 0.0, -2.0, -2.0]))
    prior = VampPrior(3, (2,))
    prior.initialise(CORNERS)
    encoder = Encoder(network, POSTERIORS["gaussian"])
    prior.attach(encoder)
    return prior


def separated_classes():
    prior = ClassPrior(3, 2, -2.0)
    prior.load_state_dict(prior.state_dict() | {"means": CORNERS, "logits": torch.tensor(WEIGHTS).log()})
    return prior


SEPARATED = {
    "mixture": (lambda: MixturePrior(CORNERS, -2.0, torch.tensor(WEIGHTS).log()), WEIGHTS),
    "equal": (lambda: MixturePrior(CORNERS, -2.0), [1 / 3] * 3),
    "classes": (separated_classes, WEIGHTS),
    "vamp": (separated_vamp, [1 / 3] * 3),
}


def assert_binomial(counts, shares):
    n, shares = counts.sum(), torch.as_tensor(shares)
    assert ((counts / n - shares).abs() <= 4 * (shares * (1 - shares) / n).sqrt()).all(), counts / n


@pytest.mark.parametrize("name", SEPARATED)
def test_each_row_draws_its_own_component(name):
    make, weights = SEPARATED[name]
    drawn = torch.cdist(make().sample(DRAWS), CORNERS).argmin(1)
    assert_binomial(drawn.bincount(minlength=3), weights)
    w = torch.tensor(weights)
    pairs = torch.outer(w, w)  # of a row's component and the next one's
    assert_binomial((3 * drawn[0::2] + drawn[1::2]).bincount(minlength=9), pairs.flatten())


def test_each_row_draws_its_own_vertex():
    """In each dimension by itself: all 2³ patterns of signs come equally often."""
    z = HypercubePrior(3, -4.0).sample(DRAWS)
    assert_binomial(((z > 0).long() @ torch.tensor([1, 2, 4])).bincount(minlength=8), [1 / 8] * 8)


@pytest.mark.parametrize("n", [1, 1000])
def test_shape(prior, n):
    z = prior.sample(n)
    assert z.shape == (n, 3)
    assert not z.requires_grad


def test_moments_are_the_distributions(prior, gaussians, assert_mean_is):
    """Which are Σ w m, and Σ w (v + m m') − (Σ w m)(Σ w m)' of the components."""
    weights, means, variances = (torch.from_numpy(values) for values in gaussians(prior))
    mean = weights @ means
    covariance = torch.einsum("k,ki,kj->ij", weights, means, means) + (weights @ variances).diag() - mean.outer(mean)
    z, p = prior.sample(DRAWS), prior.distribution()
    assert_mean_is(z, mean)
    assert_mean_is((z - mean)[:, :, None] * (z - mean)[:, None, :], covariance)
    torch.testing.assert_close(p.mean.detach(), mean, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(p.variance.detach(), covariance.diag(), rtol=1e-10, atol=1e-10)


def test_density_integrates_to_one_under_its_own_draws(prior, assert_mean_is):
    """E_p[h/p] = 1 for any density h, here N(mean of p, I/4): draws and log-density belong together."""
    z, centre = prior.sample(DRAWS), prior.distribution().mean.detach()
    h = -2 * (z - centre).square().sum(1) + 1.5 * math.log(4) - 1.5 * math.log(2 * math.pi)
    assert_mean_is((h - prior.log_prob(z).detach()).exp()[:, None], 1.0)


def test_a_seed_settles_the_draws(prior):
    first, second, third = (prior.sample(5) for seed in (1, 1, 2) if torch.manual_seed(seed))
    assert first.equal(second)
    assert not first.equal(third)
