"""Log-densities against the sum over components, written out; far from everything; and the shape of the hypercube."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from semimetric.priors import HypercubePrior


def naive(z, weights, means, variances):
    """``log Σ w N(z; m, v)``, one point and one component at a time."""
    total = []
    for point in z.numpy():
        terms = []
        for w, m, v in zip(weights, means, variances, strict=True):
            squares = sum((point[i] - m[i]) ** 2 / v[i] + math.log(2 * math.pi * v[i]) for i in range(len(m)))
            terms.append(math.log(w) - squares / 2)
        total.append(logsumexp(terms))
    return torch.tensor(total, dtype=torch.float64)


def points(n, d, scale=2.0):
    return scale * torch.randn(n, d, dtype=torch.float64)


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_equals_the_sum_over_components(prior, gaussians):
    z = torch.cat([points(10, 3), points(10, 3, 30.0)])
    assert_equal(prior.log_prob(z).detach(), naive(z, *gaussians(prior)))


@pytest.mark.parametrize("log_variance", [1.0, 0.0, -2.0])
@pytest.mark.parametrize("d", [1, 2, 3, 6, 10])
def test_hypercube_equals_the_sum_over_all_vertices(d, log_variance, gaussians):
    prior, z = HypercubePrior(d, log_variance).double(), points(20, d)
    weights, vertices, variances = gaussians(prior)
    assert vertices.shape == (2**d, d)
    assert len(np.unique(vertices, axis=0)) == 2**d
    squares = ((z.numpy()[:, None] - vertices) ** 2 / variances).sum(2) + d * math.log(2 * math.pi) + d * log_variance
    assert_equal(prior.log_prob(z), torch.from_numpy(logsumexp(-squares / 2, axis=1, b=weights)))


def test_hypercube_by_hand():
    """At the origin every vertex of the square is √2 away: log N(√2) in two dimensions, −1 − log 2π."""
    found = HypercubePrior(2, 0.0).log_prob(torch.zeros(1, 2)).item()
    assert found == pytest.approx(-1 - math.log(2 * math.pi), rel=1e-6)


@pytest.mark.parametrize(("log_variance", "modes"), [(1.0, 1), (0.0, 1), (-2.0, 2)])
def test_hypercube_has_clusters_only_below_log_variance_zero(log_variance, modes):
    along = HypercubePrior(1, log_variance).double().log_prob(torch.linspace(-3, 3, 6001, dtype=torch.float64)[:, None])
    assert int(((along[1:-1] > along[:-2]) & (along[1:-1] > along[2:])).sum()) == modes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [1e3, -1e3, 1e4, -1e4])
def test_far_away_it_is_finite_and_so_is_its_gradient(prior, far, dtype):
    prior = prior.to(dtype)
    for encoder in getattr(prior, "_encoder", ()):
        encoder.to(dtype)
    z = torch.tensor([[far, far, far], [far, 0, 0], [far, -far, 1]], dtype=dtype, requires_grad=True)
    density = prior.log_prob(z)
    (pull,) = torch.autograd.grad(density.sum(), z)
    assert density.isfinite().all()
    assert pull.isfinite().all()
    assert (pull[:, 0] * far < 0).all(), "it must point back"


@pytest.mark.parametrize("far", [1e3, 1e4])
def test_far_away_it_is_the_nearest_vertex_that_counts(far):
    z = torch.tensor([[far, -far]], dtype=torch.float64)
    expected = -((far - 1) ** 2) - 2 * math.log(2) - math.log(2 * math.pi)  # σ = 1
    assert HypercubePrior(2, 0.0).double().log_prob(z).item() == pytest.approx(expected, rel=1e-12)


def test_gradient_by_finite_differences(prior):
    assert torch.autograd.gradcheck(prior.log_prob, points(4, 3).requires_grad_())


def test_leading_dimensions_are_kept(prior):
    z = points(24, 3)
    torch.testing.assert_close(prior.log_prob(z.reshape(2, 3, 4, 3)), prior.log_prob(z).reshape(2, 3, 4))
