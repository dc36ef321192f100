"""Priors in no special state, what each of them is by definition (a list of Gaussians), and how draws are judged."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from semimetric.networks import POSTERIORS, Encoder
from semimetric.priors import ClassPrior, HypercubePrior, MixturePrior, UnitPrior, VampPrior

FEATURES = 5


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def _gaussian(mean, log_variance):
    return Independent(Normal(mean, (0.5 * log_variance).exp()), 1)


def _vamp(d):
    network = nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh(), nn.Linear(8, 2 * d))
    encoder = Encoder(network, POSTERIORS["gaussian"])
    prior = VampPrior(4, (FEATURES,))
    prior.initialise(3 * torch.randn(4, FEATURES))
    prior.attach(encoder)
    return prior


MAKERS = {
    "unit": UnitPrior,
    "hypercube": lambda d: HypercubePrior(d, -0.5),
    "mixture": lambda d: MixturePrior(2 * torch.randn(4, d), torch.randn(4, d), torch.randn(4)),
    "learned": lambda d: MixturePrior(2 * torch.randn(4, d), torch.randn(4, d), torch.randn(4), learned=True),
    "classes": lambda d: ClassPrior(4, d, -0.5),
    "vamp": _vamp,
}


def _make(name, d=3, dtype=torch.float64):
    prior = MAKERS[name](d).to(dtype)
    if isinstance(prior, VampPrior):
        prior._encoder[0].to(dtype)
    if isinstance(prior, ClassPrior):
        with torch.no_grad():
            for parameter in prior.parameters():
                parameter.add_(torch.randn_like(parameter) / 2)
    return prior


def _gaussians(prior):
    """Weights (K,), means (K, d) and variances (K, d), read off a prior's parameters and its definition."""
    if isinstance(prior, UnitPrior):
        d = len(prior.location)
        found = torch.ones(1), torch.zeros(1, d), torch.ones(1, d)
    elif isinstance(prior, HypercubePrior):
        vertices = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=len(prior.vertices))))
        variance = torch.full(vertices.shape, math.exp(prior.log_variance), dtype=torch.float64)
        found = torch.full((len(vertices),), 1 / len(vertices), dtype=torch.float64), vertices, variance
    elif isinstance(prior, MixturePrior):
        found = prior.logits.softmax(0), prior.means, prior.log_variances.exp()
    else:
        K = len(prior.pseudo_inputs)
        one_by_one = [prior._encoder[0](row[None]).base_dist for row in prior.pseudo_inputs]
        means, scales = (torch.cat([getattr(q, name) for q in one_by_one]) for name in ("loc", "scale"))
        found = torch.full((K,), 1 / K, dtype=torch.float64), means, scales.square()
    return [values.detach().double().numpy() for values in found]


def _assert_mean_is(draws, expected, error=0.0):
    """Within four standard errors; ``error`` is the expected value's own."""
    own = draws.std(0) / math.sqrt(len(draws))
    expected, error = torch.as_tensor(expected), torch.as_tensor(error)
    assert ((draws.mean(0) - expected).abs() <= 4 * (own.square() + error.square()).sqrt()).all(), (
        draws.mean(0),
        expected,
        own,
    )


@pytest.fixture(scope="session")
def gaussian():
    """(mean, log_variance) → a posterior."""
    return _gaussian


@pytest.fixture(scope="session")
def make_prior():
    """(name, d, dtype) → a prior with random parameters; a VampPrior comes with an encoder."""
    return _make


@pytest.fixture(scope="session")
def gaussians():
    return _gaussians


@pytest.fixture(scope="session")
def assert_mean_is():
    return _assert_mean_is


@pytest.fixture(params=MAKERS)
def prior(request, seeded):
    """Each kind of prior in three dimensions, in float64."""
    return _make(request.param)


@pytest.fixture
def posterior():
    """Seven posteriors of several places and widths, some far from every prior, in float64."""
    mean = torch.randn(7, 3, dtype=torch.float64) * torch.tensor([0, 1, 1, 1, 1, 5, 5.0])[:, None]
    return _gaussian(mean, torch.randn(7, 3, dtype=torch.float64))
