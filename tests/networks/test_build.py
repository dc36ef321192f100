"""The networks chosen from the data's shape: they fit it exactly, mirror each other, and use all of it."""

import pytest
import torch
from torch import nn

from semimetric.networks import build_decoder, build_encoder

IMAGES = [
    *((1, 8, 8), (3, 8, 8), (1, 9, 9), (3, 11, 13), (1, 28, 28), (3, 28, 28), (1, 31, 17)),
    *((3, 33, 64), (1, 8, 128), (3, 127, 9), (1, 64, 64), (3, 100, 75), (1, 128, 128), (3, 128, 128)),
]
VECTORS = [(1,), (7,), (784,)]
each_shape = pytest.mark.parametrize("shape", IMAGES + VECTORS, ids=str)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def sizes_between(network, x, kinds):
    """The shapes of what goes into and what comes out of the layers of these kinds."""
    seen = []
    for layer in network.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(lambda _, given, out: seen.append((given[0].shape[1:], out.shape[1:])))
    network(x)
    return seen


@each_shape
@pytest.mark.parametrize("training", [True, False])
def test_shapes(shape, training):
    encoder, decoder = build_encoder(shape, 6).train(training), build_decoder(3, shape).train(training)
    assert encoder(torch.randn(2, *shape)).shape == (2, 6)
    assert decoder(torch.randn(2, 3)).shape == (2, *shape)


@each_shape
def test_the_decoder_mirrors_the_encoder(shape):
    down = sizes_between(build_encoder(shape, 5), torch.randn(2, *shape), (nn.Conv2d, nn.Linear))
    up = sizes_between(build_decoder(5, shape), torch.randn(2, 5), (nn.ConvTranspose2d, nn.Linear))
    assert up == [(out, given) for given, out in reversed(down)]
    assert down[0][0] == shape


@each_shape
def test_every_parameter_is_trained(shape):
    encoder, decoder = build_encoder(shape, 4), build_decoder(4, shape)
    decoder(encoder(torch.randn(8, *shape))).square().sum().backward()
    for network in (encoder, decoder):
        for name, parameter in network.named_parameters():
            assert parameter.grad.abs().sum() > 0, name


@each_shape
def test_every_element_is_seen_and_every_element_is_drawn(shape):
    x = torch.randn(64, *shape, requires_grad=True)
    build_encoder(shape, 4).eval()(x).abs().sum().backward()
    assert (x.grad.abs().sum(0) > 0).all()
    drawn = build_decoder(4, shape).eval()(torch.randn(64, 4))
    assert (drawn.std(0) > 0).all()


def test_images_grow_few_parameters():
    """A small pair: 28 × 28 in both directions stays under a million numbers."""
    networks = (build_encoder((1, 28, 28), 20), build_decoder(10, (1, 28, 28)))
    assert sum(p.numel() for network in networks for p in network.parameters()) < 1_000_000
