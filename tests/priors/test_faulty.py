"""The two estimators of algorithm 4 (Safir et al. 2022): the paper's numbers by hand, and their two faults."""

import math

import pytest
import torch

from semimetric.networks import POSTERIORS
from semimetric.priors import KL_ESTIMATORS, HypercubePrior, MixturePrior, UnitPrior

DRAWS = 40_000
FAULTY = ("as-printed", "sign-mended")
as_printed, sign_mended = (KL_ESTIMATORS[name] for name in FAULTY)


def values_and_shares(estimates):
    values, counts = estimates.unique(return_counts=True)
    return values.tolist(), counts / len(estimates)


def assert_shares(shares, expected, n):
    expected = torch.as_tensor(expected)
    assert ((shares - expected).abs() <= 4 * (expected * (1 - expected) / n).sqrt()).all(), shares


def test_by_hand(gaussian):
    """μ = (1, 0), σ = (1, 2), z = (3, 4): P = −½(2² + 2²) = −4 and Q = −½(3² + 4²) = −12.5."""
    q = gaussian(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, math.log(4)]]))
    z = torch.tensor([[3.0, 4.0]])
    assert as_printed(UnitPrior(2), q, z, None).item() == pytest.approx(-12.5 + 4, rel=1e-6)
    assert sign_mended(UnitPrior(2), q, z, None).item() == pytest.approx(-4 + 12.5, rel=1e-6)


def test_by_hand_on_the_hypercube(gaussian):
    """From z = (3, 3), P = 0, the vertices are at squared distances 8, 20, 20 and 32: σ² = 4 divides them."""
    q = gaussian(torch.full((DRAWS, 2), 3.0), torch.zeros(DRAWS, 2))
    values, shares = values_and_shares(sign_mended(HypercubePrior(2, math.log(4)).double(), q, q.mean.double(), None))
    assert values == pytest.approx([1.0, 2.5, 4.0], rel=1e-6)
    assert_shares(shares, [0.25, 0.5, 0.25], DRAWS)


def test_by_hand_on_a_mixture(gaussian):
    """One component for each row, drawn uniformly whatever the weights: from z = 1, −½·3² and −½·2²/4."""
    prior = MixturePrior(torch.tensor([[-2.0], [3.0]]), torch.tensor([[0.0], [4.0]]).log1p(), torch.tensor([0.0, 5.0]))
    q = gaussian(torch.ones(DRAWS, 1), torch.zeros(DRAWS, 1))
    values, shares = values_and_shares(sign_mended(prior, q, q.mean, None))
    assert values == pytest.approx([0.4, 4.5], rel=1e-6)
    assert_shares(shares, [0.5, 0.5], DRAWS)


def test_a_vampprior_has_components_too(make_prior, gaussians, gaussian):
    prior = make_prior("vamp")
    q = gaussian(torch.zeros(DRAWS, 3, dtype=torch.float64), torch.zeros(DRAWS, 3, dtype=torch.float64))
    _, means, variances = gaussians(prior)
    values, shares = values_and_shares(sign_mended(prior, q, q.mean, None).detach())
    assert values == pytest.approx(sorted((means**2 / variances).sum(1) / 2), rel=1e-12)
    assert_shares(shares, [0.25] * 4, DRAWS)


def test_they_are_each_other_reversed(prior, posterior):
    z, found = posterior.rsample(), []
    for estimate in (as_printed, sign_mended):
        torch.manual_seed(3)
        found.append(estimate(prior, posterior, z, None))
    assert found[0].equal(-found[1])
    assert (found[0] != 0).all()


def test_as_printed_has_no_bound_below(prior, gaussian):
    """Ever farther from the prior it only falls, as the square of the distance, while the true KL grows."""
    costs, true = [], []
    for far in (1e3, 1e4, 1e5):
        torch.manual_seed(3)  # the same component
        q = gaussian(torch.full((1, 3), far, dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64))
        costs.append(as_printed(prior, q, q.mean, None).item())
        true.append(KL_ESTIMATORS["monte-carlo"](prior, q, q.mean, None).item())
    assert costs[0] < 0
    assert costs[1] / costs[0] == pytest.approx(100, rel=0.1)
    assert costs[2] / costs[1] == pytest.approx(100, rel=0.01)
    assert 0 < true[0] < true[1] < true[2]


def copies(gaussian, n=DRAWS):
    mean = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64).repeat(n, 1).requires_grad_()
    log_variance = torch.tensor([0.0, -1.5, 0.7], dtype=torch.float64).repeat(n, 1).requires_grad_()
    return mean, log_variance, gaussian(mean, log_variance)


def test_as_printed_points_away_from_the_prior(gaussian):
    """With the unit prior ∂/∂μ is −z, draw by draw: descent moves the mean to where z already is, and on."""
    mean, _, q = copies(gaussian)
    z = q.rsample()
    (gradient,) = torch.autograd.grad(as_printed(UnitPrior(3).double(), q, z, None).sum(), mean)
    torch.testing.assert_close(gradient, -z.detach(), rtol=1e-12, atol=1e-12)


def test_sign_mended_points_to_the_prior(gaussian):
    mean, _, q = copies(gaussian)
    z = q.rsample()
    (gradient,) = torch.autograd.grad(sign_mended(UnitPrior(3).double(), q, z, None).sum(), mean)
    torch.testing.assert_close(gradient, z.detach(), rtol=1e-12, atol=1e-12)


def test_on_the_hypercube_as_printed_points_away_from_the_origin(gaussian, assert_mean_is):
    """On average over vertices ∂/∂μ is −μ/σ²."""
    mean, _, q = copies(gaussian)
    prior = HypercubePrior(3, -2.0).double()
    (gradient,) = torch.autograd.grad(as_printed(prior, q, q.rsample(), None).sum(), mean)
    assert_mean_is(gradient, -mean[0].detach() * math.exp(2))


def test_sign_mended_gives_a_wide_posterior_no_reward(gaussian, assert_mean_is):
    """∂/∂log σ² is ½σ² where that of the KL is ½(σ² − 1): there is no −½, and σ = 0 is the best width."""
    _, log_variance, q = copies(gaussian)
    z, prior = q.rsample(), UnitPrior(3).double()
    found, true = (
        torch.autograd.grad(estimate(prior, q, z, None).sum(), log_variance, retain_graph=True)[0]
        for estimate in (sign_mended, KL_ESTIMATORS["monte-carlo"])
    )
    variance = log_variance[0].detach().exp()
    assert_mean_is(found, variance / 2)
    assert_mean_is(true, (variance - 1) / 2)
    torch.testing.assert_close(found - true, torch.full_like(found, 0.5), rtol=1e-12, atol=1e-12)


def test_what_they_lack_is_the_normalising_constants(gaussian):
    """On the unit prior log q − log p is P − Q − ½ Σ log σ², to the last digit."""
    _, log_variance, q = copies(gaussian, 10)
    z, prior = q.rsample(), UnitPrior(3).double()
    complete = sign_mended(prior, q, z, None) - log_variance.sum(1) / 2
    torch.testing.assert_close(complete, KL_ESTIMATORS["monte-carlo"](prior, q, z, None), rtol=1e-12, atol=1e-12)


def test_their_docstrings_say_so():
    assert {name for name, estimate in KL_ESTIMATORS.items() if "FAULTY" in estimate.__doc__} == set(FAULTY)


def test_without_gaussian_components_there_is_nothing_to_draw(make_prior, posterior):
    """A prior that is some other distribution is refused, not guessed at."""
    prior = make_prior("unit")
    prior.distribution = lambda: torch.distributions.MultivariateNormal(torch.zeros(3), torch.eye(3))
    with pytest.raises(ValueError, match="algorithm 4 needs a prior of Gaussian components, got MultivariateNormal"):
        sign_mended(prior, posterior, posterior.mean, None)


def test_the_encoders_own_posteriors_are_what_they_read():
    q = POSTERIORS["gaussian"].read(torch.tensor([[1.0, 0.0, 0.0, math.log(4)]]))
    assert as_printed(UnitPrior(2), q, torch.tensor([[3.0, 4.0]]), None).item() == pytest.approx(-8.5, rel=1e-6)
