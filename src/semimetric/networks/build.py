"""Which network suits data of a given shape; the one place that decides it."""

from torch import nn

from semimetric.networks.convolutional import convolutional_decoder, convolutional_encoder
from semimetric.networks.dense import HIDDEN, dense_network


def build_encoder(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Return a network from inputs of ``shape``, (features,) or (c, h, w), to (n, outputs).

    >>> import torch
    >>> build_encoder((3, 33, 17), 10)(torch.zeros(2, 3, 33, 17)).shape
    torch.Size([2, 10])
    """
    if len(shape) == 1:
        return dense_network(shape[0], outputs)
    channels, height, width = shape
    return convolutional_encoder((channels, height, width), outputs)


def build_decoder(latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
    """Return a network from embeddings (n, latent_dim) to inputs of ``shape``: `build_encoder`'s mirror.

    >>> import torch
    >>> build_decoder(10, (3, 33, 17))(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 33, 17])
    """
    if len(shape) == 1:
        return dense_network(latent_dim, shape[0], HIDDEN[::-1])
    channels, height, width = shape
    return convolutional_decoder(latent_dim, (channels, height, width))
