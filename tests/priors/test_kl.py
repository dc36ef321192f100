"""KL(q ‖ p): Monte Carlo, closed form and quadrature against one another, scipy and a million draws, with gradients."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import logsumexp

from semimetric.networks import Point
from semimetric.priors import KL_ESTIMATORS, HypercubePrior, UnitPrior

DRAWS = 20_000
REFERENCE_DRAWS = 1_000_000
LOG_VARIANCES = [1.0, 0.0, -2.0]
DIMENSIONS = [1, 4, 64]


def places(d):
    """Four posteriors: narrow on the origin, near it, wide, far."""
    generator = torch.Generator().manual_seed(1)
    mean, log_variance = torch.randn(2, 4, d, dtype=torch.float64, generator=generator)
    mean = mean * torch.tensor([0.0, 0.7, 1.0, 3.0])[:, None]
    return mean, log_variance * 0.5 + torch.tensor([-3.0, -1.0, 1.0, 0.0])[:, None]


def sampled(prior, gaussian, mean, log_variance, draws=DRAWS, y=None):
    """Independent one-sample estimates (draws, n), and each one's gradients (draws, n, d), by mean and log-variance."""
    n, d = mean.shape
    leaves = [values.repeat(draws, 1).requires_grad_() for values in (mean, log_variance)]
    q = gaussian(*leaves)
    kl = KL_ESTIMATORS["monte-carlo"](prior, q, q.rsample(), None if y is None else y.repeat(draws))
    gradients = torch.autograd.grad(kl.sum(), leaves)  # a row's own parameters see that row's draw alone
    return kl.detach().reshape(draws, n), *(gradient.reshape(draws, n, d) for gradient in gradients)


def exact(name, prior, gaussian, mean, log_variance, y=None):
    """An exact estimator's values (n,) and gradients (n, d)."""
    leaves = [values.clone().requires_grad_() for values in (mean, log_variance)]
    q = gaussian(*leaves)
    kl = KL_ESTIMATORS[name](prior, q, q.mean.detach(), y)
    return kl.detach(), *torch.autograd.grad(kl.sum(), leaves)


def along(values):
    """Gradients in 64 dimensions along four directions: of thousands of comparisons some would fail by chance."""
    if values.shape[-1] != 64:
        return values
    return values @ torch.randn(64, 4, dtype=values.dtype, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def million(gaussians):
    """From a million draws without PyTorch: KL and gradients by their formulas, each with its standard error.

    With z = μ + σε: ∂KL/∂μ = E[−∇log p(z)], ∂KL/∂log σ² = −½ + E[−∇log p(z) · σε/2], and ∇log p is the mean of
    (m_k − z)/v_k over the components' posterior probabilities.
    """

    def reference(prior, mean, log_variance):
        weights, means, variances = gaussians(prior)
        rng, found = np.random.default_rng(5), []
        constant = np.log(weights) - 0.5 * np.log(2 * np.pi * variances).sum(1)
        for mu, sigma in zip(mean.numpy(), (0.5 * log_variance).exp().numpy(), strict=True):
            sums, squares = 0.0, 0.0
            for _ in range(REFERENCE_DRAWS // 50_000):
                noise = rng.standard_normal((50_000, len(mu)))
                z = mu + sigma * noise
                parts = constant - 0.5 * (z**2 @ (1 / variances).T - 2 * z @ (means / variances).T)
                parts -= 0.5 * (means**2 / variances).sum(1)
                log_p = logsumexp(parts, axis=1)
                share = np.exp(parts - log_p[:, None])
                push = z * (share @ (1 / variances)) - share @ (means / variances)
                log_q = -0.5 * (noise**2 + np.log(2 * np.pi * sigma**2)).sum(1)
                draw = np.column_stack([log_q - log_p, push, 0.5 * sigma * noise * push - 0.5])
                sums, squares = sums + draw.sum(0), squares + (draw**2).sum(0)
            average = sums / REFERENCE_DRAWS
            found.append([average, np.sqrt((squares / REFERENCE_DRAWS - average**2) / REFERENCE_DRAWS)])
        values, errors = torch.tensor(np.array(found)).unbind(1)
        d = mean.shape[1]
        return [
            (v.squeeze(1) if i == 0 else v, e.squeeze(1) if i == 0 else e)
            for i, (v, e) in enumerate(zip(values.split([1, d, d], 1), errors.split([1, d, d], 1), strict=True))
        ]

    return reference


@pytest.mark.parametrize("d", DIMENSIONS)
def test_unit_sampled_equals_closed_form(d, gaussian, assert_mean_is):
    prior = UnitPrior(d).double()
    estimates = sampled(prior, gaussian, *places(d), draws=DRAWS if d < 64 else DRAWS // 5)
    for found, expected in zip(estimates, exact("closed-form", prior, gaussian, *places(d)), strict=True):
        assert_mean_is(along(found), along(expected))


@pytest.mark.parametrize("log_variance", LOG_VARIANCES)
@pytest.mark.parametrize("d", DIMENSIONS)
def test_hypercube_sampled_equals_quadrature(d, log_variance, gaussian, assert_mean_is):
    prior = HypercubePrior(d, log_variance).double()
    estimates = sampled(prior, gaussian, *places(d), draws=DRAWS if d < 64 else DRAWS // 5)
    for found, expected in zip(estimates, exact("quadrature", prior, gaussian, *places(d)), strict=True):
        assert_mean_is(along(found), along(expected))


@pytest.mark.parametrize("name", ["mixture", "classes", "vamp", "hypercube"])
def test_sampled_equals_a_million_draws(name, make_prior, million, gaussian, assert_mean_is):
    prior, (mean, log_variance) = make_prior(name), places(3)
    estimates = sampled(prior, gaussian, mean, log_variance)
    for found, (expected, error) in zip(estimates, million(prior, mean, log_variance), strict=True):
        assert_mean_is(found, expected, error)
        assert (error < found.std(0) / 100).all()  # a reference that could hide nothing


def test_labelled_rows_sampled_equal_closed_form(make_prior, gaussian, assert_mean_is):
    prior, y = make_prior("classes"), torch.tensor([2, 0, 3, 1])
    estimates = sampled(prior, gaussian, *places(3), y=y)
    for found, expected in zip(estimates, exact("auto", prior, gaussian, *places(3), y=y), strict=True):
        assert_mean_is(found, expected)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_unit_quadrature_equals_closed_form(d, gaussian):
    prior = UnitPrior(d).double()
    by_form = exact("closed-form", prior, gaussian, *places(d))
    for found, expected in zip(exact("quadrature", prior, gaussian, *places(d)), by_form, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def integral(function, m, s):
    """``∫ N(t; 0, 1) function(m + s t, t) dt`` by scipy, cut where the components' ridge lies."""
    cuts = sorted({-12.0, 12.0, *np.clip([(c - m) / s for c in (-1, 0, 1)], -12, 12).tolist()})
    total = 0.0
    for low, high in itertools.pairwise(cuts):
        total += quad(
            lambda t: math.exp(-0.5 * t * t) / math.sqrt(2 * math.pi) * function(m + s * t, t),
            low,
            high,
            epsabs=1e-12,
            epsrel=1e-12,
            limit=200,
        )[0]
    return total


@pytest.mark.parametrize("log_variance", LOG_VARIANCES)
def test_hypercube_quadrature_equals_scipy(log_variance, gaussian):
    """Of ∇log p(z) = (tanh(z/σ²) − z)/σ² per dimension too, in the gradients."""
    mean, spread, variance = *places(4), math.exp(log_variance)

    def log_p(z):
        sides = np.logaddexp(-((z - 1) ** 2) / (2 * variance), -((z + 1) ** 2) / (2 * variance))
        return sides - math.log(2) - 0.5 * math.log(2 * math.pi * variance)

    def push(z):
        return (z - math.tanh(z / variance)) / variance

    values, by_mean, by_spread = (torch.zeros(4, 4, dtype=torch.float64) for _ in range(3))
    for at in np.ndindex(4, 4):
        m, s = mean[at].item(), math.exp(0.5 * spread[at].item())
        entropy = 0.5 * math.log(2 * math.pi * math.e * s * s)
        values[at] = integral(lambda z, t: -log_p(z), m, s) - entropy
        by_mean[at] = integral(lambda z, t: push(z), m, s)
        by_spread[at] = integral(lambda z, t, s=s: 0.5 * s * t * push(z), m, s) - 0.5
    found = exact("quadrature", HypercubePrior(4, log_variance).double(), gaussian, mean, spread)
    for one, other in zip(found, (values.sum(1), by_mean, by_spread), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_quadrature_is_good_in_float32(gaussian):
    prior, (mean, log_variance) = HypercubePrior(64, -2.0), places(64)
    expected = exact("quadrature", prior.double(), gaussian, mean, log_variance)
    for found, wanted in zip(
        exact("quadrature", prior.float(), gaussian, mean.float(), log_variance.float()), expected, strict=True
    ):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("log_variance", LOG_VARIANCES)
def test_the_kl_is_a_sum_over_dimensions(log_variance, gaussian):
    """So that the hypercube in 64 dimensions is sixteen of them in four."""
    mean, spread = places(64)
    whole = exact("quadrature", HypercubePrior(64, log_variance).double(), gaussian, mean, spread)[0]
    parts = HypercubePrior(4, log_variance).double()
    pairs = zip(mean.split(4, 1), spread.split(4, 1), strict=True)
    torch.testing.assert_close(whole, sum(exact("quadrature", parts, gaussian, m, s)[0] for m, s in pairs))


@pytest.mark.parametrize("name", ["unit", "hypercube"])
def test_no_kl_is_negative_and_far_is_farther(name, make_prior, gaussian):
    prior, zero = make_prior(name), torch.zeros(1, 3, dtype=torch.float64)
    costs = [exact("quadrature", prior, gaussian, zero + far, zero)[0].item() for far in (0, 2, 4, 8, 16)]
    assert costs[0] >= -1e-12
    assert costs == sorted(costs)


def test_of_a_component_from_its_own_class_it_is_zero(make_prior, gaussian):
    prior = make_prior("classes")
    q = gaussian(prior.means, prior.log_variances)
    own = prior.kl(q, q.rsample(), torch.arange(4))
    torch.testing.assert_close(own, torch.zeros_like(own), rtol=0, atol=1e-12)
    assert (prior.kl(q, q.rsample(), torch.tensor([1, 2, 3, 0])) > 0.01).all()


def test_auto_is_the_closed_form_where_there_is_one_else_monte_carlo(prior, posterior):
    """And never one of the faulty two."""
    z = posterior.rsample()
    name = "closed-form" if isinstance(prior, UnitPrior) else "monte-carlo"
    assert KL_ESTIMATORS["auto"](prior, posterior, z, None).equal(KL_ESTIMATORS[name](prior, posterior, z, None))
    for faulty in ("as-printed", "sign-mended"):
        found = KL_ESTIMATORS[faulty](prior, posterior, z, None)
        assert not torch.allclose(found, KL_ESTIMATORS["auto"](prior, posterior, z, None), rtol=0.01)


@pytest.mark.parametrize("name", ["hypercube", "mixture", "learned", "classes", "vamp"])
def test_what_has_no_closed_form_says_so(name, make_prior, posterior):
    prior = make_prior(name)
    message = f"the KL to a {type(prior).__name__} has no closed form: use 'monte-carlo' or 'auto'"
    with pytest.raises(ValueError, match=message):
        KL_ESTIMATORS["closed-form"](prior, posterior, posterior.mean, None)


@pytest.mark.parametrize("name", ["mixture", "learned", "classes", "vamp"])
def test_what_is_no_product_cannot_be_integrated(name, make_prior, posterior):
    prior = make_prior(name)
    with pytest.raises(ValueError, match=f"a {type(prior).__name__} is no product over dimensions"):
        KL_ESTIMATORS["quadrature"](prior, posterior, posterior.mean, None)


@pytest.mark.parametrize("name", ["quadrature", "as-printed", "sign-mended"])
def test_a_point_is_no_gaussian(name):
    point = Point(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="needs a diagonal Gaussian posterior, got Point"):
        KL_ESTIMATORS[name](UnitPrior(3), point, point.mean, None)
