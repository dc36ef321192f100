"""The networks chosen from the data's shape: they fit it exactly, mirror each other, and use all of it."""

import itertools
import math

import pytest
import torch
from torch import nn

from semimetric.networks import build_decoder, build_encoder
from semimetric.networks.build import ARCHITECTURES
from semimetric.networks.convolutional import halvings

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


# Architectures by name --------------------------------------------------------------------------------

HIDDEN = {"dense": [256, 128], "two-layer": [400]}


def test_pooled_networks_are_of_greater_width_than_auto():
    assert linear_layers(build_encoder((7,), 6, "pooled")) == [(7, 512), (512, 256), (256, 6)]
    assert linear_layers(build_decoder(6, (7,), "pooled")) == [(6, 256), (256, 512), (512, 7)]
    down, up = (
        [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
        for network in (build_encoder((1, 28, 28), 6, "pooled"), build_decoder(6, (1, 28, 28), "pooled"))
    )
    assert (down, up) == ([32, 64, 128], [64, 32, 1])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 17), (1, 8, 9)], ids=str)
def test_pooling_halves_images_as_strides_do(shape):
    """An odd side's last row is pooled with nothing, not lost."""
    x, sizes = torch.zeros(1, *shape), []
    for layer in build_encoder(shape, 6, "pooled"):
        if isinstance(layer, nn.Flatten):
            break
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            sizes.append(tuple(x.shape[2:]))
    assert sizes == halvings(*shape[1:])[1:]


@pytest.mark.parametrize("shape", [(7,), (1, 8, 8), (3, 9, 11)], ids=str)
@pytest.mark.parametrize(("name", "hidden"), HIDDEN.items())
def test_fully_connected_layers_have_the_widths_of_their_architecture(name, hidden, shape):
    elements = math.prod(shape)
    widths = [elements, *hidden, 6]
    encoder, decoder = build_encoder(shape, 6, name), build_decoder(3, shape, name)
    assert linear_layers(encoder) == list(itertools.pairwise(widths))
    assert linear_layers(decoder) == list(itertools.pairwise([3, *hidden[::-1], elements]))
    for network in (encoder, decoder):
        assert sum(isinstance(layer, nn.ReLU) for layer in network.modules()) == len(hidden)
        assert not any(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())
    x = torch.randn(4, *shape)
    assert encoder(x).shape == (4, 6)
    assert decoder(encoder(x)[:, :3]).shape == x.shape


def linear_layers(network):
    return [(each.in_features, each.out_features) for each in network.modules() if isinstance(each, nn.Linear)]


@pytest.mark.parametrize("name", HIDDEN)
def test_images_are_read_and_drawn_row_by_row_of_channel_after_channel(name):
    """Through the identity, as far as layers allow: what goes in flattened comes out in the same places."""
    shape = (3, 8, 9)
    encoder, decoder = build_encoder(shape, 5, name), build_decoder(5, shape, name)
    x, z = torch.randn(2, *shape), torch.randn(2, 5)
    vector_encoder = nn.Sequential(*[layer for layer in encoder if not isinstance(layer, nn.Flatten)])
    vector_decoder = nn.Sequential(*[layer for layer in decoder if not isinstance(layer, nn.Unflatten)])
    assert encoder(x).equal(vector_encoder(x.reshape(2, -1)))
    assert decoder(z).reshape(2, -1).equal(vector_decoder(z))


@pytest.mark.parametrize("shape", [(7,), (1, 8, 8)], ids=str)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_auto_is_convolutional_for_images_and_dense_for_vectors(name, shape):
    if name == "convolutional" and len(shape) == 1:
        return
    chosen = build_encoder(shape, 6, name)
    same = {"auto": {"convolutional" if len(shape) == 3 else "dense"}}.get(name, {name})
    for other in set(ARCHITECTURES) - {"auto", *(["convolutional"] if len(shape) == 1 else [])}:
        assert (repr(build_encoder(shape, 6, other)) == repr(chosen)) == (other in same)


@pytest.mark.parametrize(
    "build", [lambda: build_encoder((7,), 2, "convolutional"), lambda: build_decoder(2, (7,), "convolutional")]
)
def test_vectors_have_no_convolutional_network(build):
    with pytest.raises(
        ValueError, match=r"^network 'convolutional' needs images, and these are vectors: use 'dense' or"
    ):
        build()
