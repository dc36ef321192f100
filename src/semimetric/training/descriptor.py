"""Vectors that say what an input shows: how they are made, of rows that were fitted and of new ones."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semimetric.data.gradients import oriented_gradients

GRADIENTS, PIXELS, COLOURS, NUMBERS = KINDS = ("gradients", "pixels", "colours", "numbers")


@dataclass(frozen=True)
class Descriptor:
    """Features of an input, or as many of their principal components as are kept.

    kind : which features: "gradients", "pixels" or "colours" of images, "numbers" of vectors.
    ranges : float32 array (f,), by which "numbers" are divided; None of other features.
    mean, axes : float32 arrays (f,) and (d, f), of the principal components; None where the features are given as they
        are. Axes are in Fortran's order: another order sums in another.

    Examples
    --------
    >>> import torch
    >>> Descriptor("numbers", ranges=np.array([2.0, 4.0], np.float32))(torch.ones(1, 2)).tolist()
    [[0.5, 0.25]]
    """

    kind: str
    ranges: np.ndarray | None = None
    mean: np.ndarray | None = None
    axes: np.ndarray | None = None

    def features(self, x: Tensor) -> Tensor:
        """Return the features (n, f) of normalised inputs (n, …)."""
        if self.kind == GRADIENTS:
            return oriented_gradients(x)
        if self.kind == COLOURS:
            return colour_moments(x)
        if self.ranges is not None:
            return x / x.new_tensor(self.ranges)
        return x.flatten(1)

    def __call__(self, x: Tensor) -> np.ndarray:
        """Return the vectors (n, d) of normalised inputs (n, …), float32."""
        rows = self.features(x).numpy(force=True)
        if self.mean is None or self.axes is None:
            return rows
        return rows @ self.axes.T - self.mean[None] @ self.axes.T


@dataclass(frozen=True)
class Description:
    """The vectors (n, d), float32, of all training rows, and what made them."""

    rows: np.ndarray
    descriptor: Descriptor


def colour_moments(x: Tensor) -> Tensor:
    """Return the mean and the standard deviation of each channel (n, 2c) of images (n, c, h, w).

    The first two colour moments (Stricker & Orengo 1995), which gradients do not tell.

    >>> import torch
    >>> colour_moments(torch.tensor([0.0, 2.0, 5.0, 5.0]).reshape(1, 2, 1, 2)).tolist()
    [[1.0, 5.0, 1.0, 0.0]]
    """
    return torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3), correction=0)], dim=1)
