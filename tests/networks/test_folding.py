"""Folded networks compute the same with fewer layers, and leave the network they came from as it was."""

import copy

import pytest
import torch
from torch import nn

from semimetric.networks import POSTERIORS, Encoder, build_encoder
from semimetric.networks.folding import folded


def trained(network, *shape):
    """The network after a few batches, so that batch norm has something to do."""
    torch.manual_seed(0)
    for _ in range(3):
        network(3 * torch.randn(16, *shape, dtype=torch.float64) + 1)
    return network


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 11)])
def test_the_librarys_network_is_the_same_without_batch_norm(shape):
    network = trained(build_encoder(shape, 4).double(), *shape)
    before = copy.deepcopy(network.state_dict())
    found, x = folded(network), torch.randn(5, *shape, dtype=torch.float64)
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in found.modules())
    torch.testing.assert_close(found(x), network.eval()(x), rtol=1e-10, atol=1e-10)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "layers",
    [
        [nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3)],  # the other way round
        [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2)],
        [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)],
        [nn.ConvTranspose2d(1, 2, 3), nn.BatchNorm2d(2)],
    ],
)
def test_what_cannot_be_folded_stays(layers):
    network = trained(nn.Sequential(*layers).double(), 1, 6, 6)
    x = torch.randn(5, 1, 6, 6, dtype=torch.float64)
    assert torch.equal(folded(network)(x), network.eval()(x))


def test_a_module_of_ones_own_is_left_to_itself():
    class Own(nn.Module):
        def forward(self, x):
            return x.flatten(1)

    own = Own()
    assert folded(own) is own
    assert not own.training


def test_an_encoder_folds():
    network = trained(build_encoder((1, 28, 28), 6).double(), 1, 28, 28).eval()
    encoder, x = Encoder(network, POSTERIORS["gaussian"]), torch.randn(5, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(encoder.folded().mean(x), encoder.mean(x), rtol=1e-10, atol=1e-10)
