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


TILES = ("pairwise.PairwiseLoss.pairs_at_once", "triplet.TripletLoss.pairs_at_once")
WAYS = {"whole": {}, "in tiles": dict.fromkeys(TILES, 7)}
SORTED = {"hinges.FEW": -1, "hinges.FEW_POSITIVES": 0}
TRIPLET_WAYS = WAYS | {"by sorting": SORTED, "by sorting, in tiles": SORTED | dict.fromkeys(TILES, 25)}


def _computed(chosen):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in chosen.items():
            patch.setattr(f"semimetric.losses.{name}", value)
        yield


@pytest.fixture(scope="module", params=WAYS)
def each_way(request):
    """Batches as small as a test's computed as they are, and as large ones are: in tiles of a few anchors."""
    yield from _computed(WAYS[request.param])


@pytest.fixture(scope="module", params=TRIPLET_WAYS)
def each_way_to_triplets(request):
    """Triplets formed one by one, as in small batches, or never formed; in one tile or several."""
    yield from _computed(TRIPLET_WAYS[request.param])
