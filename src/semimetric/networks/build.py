"""Which network suits data of a given shape; the one place that decides it."""

import math
from dataclasses import dataclass

from torch import nn

from semimetric.networks.convolutional import WIDTH, convolutional_decoder, convolutional_encoder
from semimetric.networks.dense import HIDDEN, dense_network

WIDE = tuple(2 * width for width in HIDDEN)


@dataclass(frozen=True)
class Architecture:
    """Of what networks are made.

    images : channels of the first convolution, or widths of the hidden layers of a fully connected network.
    vectors : widths of the hidden layers; None where there is no such network for vectors.
    pooled : whether the encoder of images halves them by max-pooling; decoders do not.
    """

    images: int | tuple[int, ...]
    vectors: tuple[int, ...] | None
    pooled: bool = False


ARCHITECTURES = {
    "auto": Architecture(WIDTH, HIDDEN),
    "pooled": Architecture(2 * WIDTH, WIDE, pooled=True),
    "convolutional": Architecture(WIDTH, None),
    "dense": Architecture(HIDDEN, HIDDEN),
    "two-layer": Architecture((400,), (400,)),  # one hidden layer: two fully connected ones, as TVAE has for MNIST
}


def build_encoder(shape: tuple[int, ...], outputs: int, architecture: str = "auto") -> nn.Module:
    """Return a network from inputs of ``shape``, (features,) or (c, h, w), to (n, outputs).

    >>> import torch
    >>> build_encoder((3, 33, 17), 10)(torch.zeros(2, 3, 33, 17)).shape
    torch.Size([2, 10])
    """
    size = _size(shape, architecture)
    if isinstance(size, tuple):
        network = dense_network(math.prod(shape), outputs, size)
        return network if len(shape) == 1 else nn.Sequential(nn.Flatten(), *network)
    channels, height, width = shape
    return convolutional_encoder((channels, height, width), outputs, size, ARCHITECTURES[architecture].pooled)


def build_decoder(latent_dim: int, shape: tuple[int, ...], architecture: str = "auto") -> nn.Module:
    """Return a network from embeddings (n, latent_dim) to inputs of ``shape``: `build_encoder`'s mirror.

    >>> import torch
    >>> build_decoder(10, (3, 33, 17))(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 33, 17])
    """
    size = _size(shape, architecture)
    if isinstance(size, tuple):
        network = dense_network(latent_dim, math.prod(shape), size[::-1])
        return network if len(shape) == 1 else nn.Sequential(*network, nn.Unflatten(1, shape))
    channels, height, width = shape
    return convolutional_decoder(latent_dim, (channels, height, width), size)


def _size(shape: tuple[int, ...], architecture: str) -> int | tuple[int, ...]:
    chosen = ARCHITECTURES[architecture]
    if len(shape) > 1:
        return chosen.images
    if chosen.vectors is None:
        raise ValueError(f"network {architecture!r} needs images, and these are vectors: use 'dense' or 'auto'")
    return chosen.vectors
