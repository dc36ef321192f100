"""A small convolutional encoder and its mirror, for images of any size from 8 × 8."""

import math

from torch import nn

WIDTH = 16
WIDEST = 128
HIDDEN = 128
COARSEST = 4  # halve the image until its longer side is at most this


def halvings(height: int, width: int) -> list[tuple[int, int]]:
    """Return the sizes of the feature maps, from the image itself down to the coarsest.

    >>> halvings(28, 28)
    [(28, 28), (14, 14), (7, 7), (4, 4)]
    """
    sizes = [(height, width)]
    while max(sizes[-1]) > COARSEST:
        h, w = sizes[-1]
        sizes.append((math.ceil(h / 2), math.ceil(w / 2)))
    return sizes


def _channels(stages: int, width: int) -> list[int]:
    return [min(width * 2**stage, WIDEST) for stage in range(stages)]


def convolutional_encoder(
    shape: tuple[int, int, int], outputs: int, width: int = WIDTH, pooled: bool = False
) -> nn.Sequential:
    """Return a network (n, c, h, w) → (n, outputs): convolutions and batch norm, then two linear layers.

    Each convolution halves the image by its stride, or ``pooled``, at the price of four times the work, by taking the
    largest of four neighbours: a shift by a pixel then changes less. Batch norm comes after that: of four times as many
    values it would take as long as the convolutions, and gain nothing.
    """
    channels, height, breadth = shape
    sizes = halvings(height, breadth)
    layers: list[nn.Module] = []
    for out_channels in _channels(len(sizes) - 1, width):
        layers += [
            nn.Conv2d(channels, out_channels, 3, stride=1 if pooled else 2, padding=1, bias=False),
            *([nn.MaxPool2d(2, ceil_mode=True)] if pooled else []),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
        channels = out_channels
    features = channels * math.prod(sizes[-1])
    layers += [nn.Flatten(), nn.Linear(features, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, outputs)]
    return nn.Sequential(*layers)


def convolutional_decoder(latent_dim: int, shape: tuple[int, int, int], width: int = WIDTH) -> nn.Sequential:
    """Return a network (n, latent_dim) → (n, c, h, w): the encoder's sizes backwards, by transposed convolutions."""
    channels, height, breadth = shape
    sizes = halvings(height, breadth)
    widths = _channels(len(sizes) - 1, width)
    coarse = (widths[-1], *sizes[-1])
    layers: list[nn.Module] = [
        nn.Linear(latent_dim, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, math.prod(coarse)),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, coarse),
    ]
    outputs = [*widths[-2::-1], channels]
    for stage, (fine, out_channels) in enumerate(zip(sizes[-2::-1], outputs, strict=True)):
        # An even side is twice the coarser one (kernel 4), an odd side one less (kernel 3): no cropping.
        kernel = (3 if fine[0] % 2 else 4, 3 if fine[1] % 2 else 4)
        last = stage == len(outputs) - 1
        layers.append(nn.ConvTranspose2d(widths[-1 - stage], out_channels, kernel, stride=2, padding=1, bias=last))
        if not last:
            layers += [nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
