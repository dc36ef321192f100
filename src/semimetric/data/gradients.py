"""Images as histograms of oriented gradients: what they show, whatever their brightness and contrast."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 7  # a side
ORIENTATIONS = 12  # of 30° each; light on dark is not dark on light


def oriented_gradients(x: Tensor) -> Tensor:
    """Return histograms of oriented gradients of images (n, c, h, w), as vectors of unit length (n, 12 · 49).

    After Dalal & Triggs (2005): in each of 7 × 7 cells, or as many as there are pixels a side if these are fewer, the
    gradients' magnitudes are summed by direction; a gradient counts in the two nearest directions and the four nearest
    cells, in proportion. Gradients are central differences, of the channel where they are steepest. Square roots are
    taken of the sums before they are scaled (Arandjelović & Zisserman 2012).

    Near vectors are of images that look alike, also if one is brighter, of more contrast, or a little moved or
    turned. An image of a single value is a vector of zeros.

    >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    >>> oriented_gradients(ramp).reshape(12, 49).any(dim=1).nonzero().tolist()  # it grows towards the right
    [[0]]
    """
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    along = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    steepest = (across**2 + along**2).argmax(dim=1, keepdim=True)
    across, along = (each.gather(1, steepest)[:, 0] for each in (across, along))
    size = torch.hypot(across, along)
    direction = torch.atan2(along, across) * (ORIENTATIONS / math.tau)
    rows, columns = (_cells(length, x) for length in x.shape[-2:])
    sums = []
    for orientation in range(ORIENTATIONS):
        off = (direction - orientation + ORIENTATIONS / 2) % ORIENTATIONS - ORIENTATIONS / 2
        sums.append(rows @ (size * (1 - off.abs()).clamp(min=0)) @ columns.T)
    return F.normalize(torch.stack(sums, dim=1).flatten(1).sqrt(), dim=1)


def _cells(length: int, like: Tensor) -> Tensor:
    """Return how much each pixel counts in each cell (cells, length): 1 at its centre, 0 at the next cell's."""
    cells = min(CELLS, length)
    centres, pixels = ((torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n for n in (cells, length))
    return (1 - cells * (pixels - centres[:, None]).abs()).clamp(min=0)
