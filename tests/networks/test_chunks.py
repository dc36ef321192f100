"""Networks in chunks: the gradient of the whole batch, with no more than a chunk's activations kept."""

import copy

import pytest
import torch
from torch import nn

from semimetric.losses import TripletLoss
from semimetric.networks import build_encoder, in_chunks


def gradients(network, x, size):
    network = copy.deepcopy(network)
    torch.manual_seed(1)
    TripletLoss(1.0)(in_chunks(network, x, size), torch.arange(len(x)) % 3).backward()
    return [p.grad for p in network.parameters()], network


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(20, 7, dtype=torch.float64)


@pytest.mark.parametrize("size", [1, 6, 20, 50, None])
def test_a_loss_over_pairs_has_the_gradient_of_the_whole_batch(batch, size):
    network = nn.Sequential(nn.Linear(7, 30), nn.Tanh(), nn.Linear(30, 3)).double()
    for found, expected in zip(gradients(network, batch, size)[0], gradients(network, batch, None)[0], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_chunk_draws_the_same_numbers_twice(batch):
    """With dropout the second pass must drop what the first did: the gradient is that of the value."""
    network = nn.Sequential(nn.Linear(7, 30), nn.Dropout(0.5), nn.Linear(30, 1)).double()

    def value(x):
        torch.manual_seed(1)
        return in_chunks(network, x, 6).sum()

    assert torch.autograd.gradcheck(value, batch[:13].requires_grad_())


def kept(network, x, size):
    """The most numbers of activations that are kept at any time of forward and backward, and rows a layer saw."""
    alive, most, rows = 0, 0, []
    network[0].register_forward_hook(lambda _, given, __: rows.append(len(given[0])))

    class Counted:
        def __init__(self, tensor):
            nonlocal alive, most
            self.tensor, self.size = tensor, tensor.numel() * (tensor.data_ptr() not in own)
            alive += self.size
            most = max(most, alive)

        def __del__(self):
            nonlocal alive
            alive -= self.size

    own = {tensor.data_ptr() for tensor in [x, *network.parameters()]}
    with torch.autograd.graph.saved_tensors_hooks(Counted, lambda counted: counted.tensor):
        in_chunks(network, x, size).sum().backward()
    return most, rows


def test_no_more_than_a_chunk_is_in_memory():
    x = torch.randn(64, 50)
    networks = [nn.Sequential(nn.Linear(50, 100), nn.Tanh(), nn.Linear(100, 3)) for _ in range(2)]
    whole, rows = kept(networks[0], x, None)
    assert whole >= 64 * 100
    assert rows == [64]
    chunks, rows = kept(networks[1], x, 8)
    assert rows == [8] * 16  # eight chunks, each of them twice
    assert chunks < whole / 4


def test_running_statistics_see_every_row_once():
    """Those of the chunks, in turn: the second pass, for the gradient, adds nothing."""
    torch.manual_seed(0)
    x, network = torch.randn(12, 1, 9, 9), build_encoder((1, 9, 9), 3)
    (_, found), expected = gradients(network, x, 5), copy.deepcopy(network)
    for part in x.split(5):
        expected(part)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    buffers = {name for name, _ in found.named_buffers() if "running" in name}
    for name in buffers:
        torch.testing.assert_close(dict(found.named_buffers())[name], dict(expected.named_buffers())[name])
    assert all(m.momentum == 0.1 for m in found.modules() if isinstance(m, nn.BatchNorm2d))


def test_without_gradients_nothing_is_computed_twice(batch):
    network, seen = nn.Linear(7, 3).double(), []
    network.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    with torch.no_grad():
        in_chunks(network, batch, 6)
    assert seen == [20]
