"""What the tests of the losses share: random embeddings, and a value with its gradients."""

import pytest
import torch


def _embeddings(n, d=3, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _value_and_gradients(function, z, *arguments, parameters=()):
    """Return [value, gradient with respect to z, and to each parameter]; a gradient that does not exist is an error."""
    z = z.clone().requires_grad_()
    value = function(z, *arguments)
    return [value.detach(), *torch.autograd.grad(value, [z, *parameters])]


def _assert_same(found, expected, tolerance=1e-12):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="session")
def embeddings():
    return _embeddings


@pytest.fixture(scope="session")
def value_and_gradients():
    return _value_and_gradients


@pytest.fixture(scope="session")
def assert_same():
    return _assert_same
