"""Which network suits data of a given shape; the one place that decides it."""

import math

from torch import nn

from semimetric.networks.convolutional import convolutional_decoder, convolutional_encoder
from semimetric.networks.dense import HIDDEN, dense_network

ARCHITECTURES: dict[str, tuple[int, ...] | None] = {
    "auto": None,  # convolutional for images, dense for vectors
    "convolutional": None,
    "dense": HIDDEN,
    "two-layer": (400,),  # one hidden layer: two fully connected layers, as in TVAE's network for MNIST
}
"""Name → the widths of the hidden layers of a fully connected network, None for a convolutional one."""


def build_encoder(shape: tuple[int, ...], outputs: int, architecture: str = "auto") -> nn.Module:
    """Return a network from inputs of ``shape``, (features,) or (c, h, w), to (n, outputs).

    >>> import torch
    >>> build_encoder((3, 33, 17), 10)(torch.zeros(2, 3, 33, 17)).shape
    torch.Size([2, 10])
    """
    hidden = _hidden(shape, architecture)
    if hidden is not None:
        network = dense_network(math.prod(shape), outputs, hidden)
        return network if len(shape) == 1 else nn.Sequential(nn.Flatten(), *network)
    channels, height, width = shape
    return convolutional_encoder((channels, height, width), outputs)


def build_decoder(latent_dim: int, shape: tuple[int, ...], architecture: str = "auto") -> nn.Module:
    """Return a network from embeddings (n, latent_dim) to inputs of ``shape``: `build_encoder`'s mirror.

    >>> import torch
    >>> build_decoder(10, (3, 33, 17))(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 33, 17])
    """
    hidden = _hidden(shape, architecture)
    if hidden is not None:
        network = dense_network(latent_dim, math.prod(shape), hidden[::-1])
        return network if len(shape) == 1 else nn.Sequential(*network, nn.Unflatten(1, shape))
    channels, height, width = shape
    return convolutional_decoder(latent_dim, (channels, height, width))


def _hidden(shape: tuple[int, ...], architecture: str) -> tuple[int, ...] | None:
    if architecture == "convolutional" and len(shape) == 1:
        raise ValueError("network 'convolutional' needs images, and these are vectors: use 'dense' or 'auto'")
    return HIDDEN if architecture == "auto" and len(shape) == 1 else ARCHITECTURES[architecture]
