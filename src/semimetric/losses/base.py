"""What every metric loss is: a module called with embeddings, labels and, where wanted, weights."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from semimetric.data.arrays import UNLABELLED
from semimetric.geometry import Distance


class MetricLoss(nn.Module, ABC):
    """A loss over a batch of embeddings; subclasses write `forward`.

    Attributes
    ----------
    takes_in : bool
        Whether rows may have numbers of classes beyond those that it was built for, once `take_in` was told of them.
        It is not inherited: a subclass that can says so itself.
    """

    takes_in = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.takes_in = bool(vars(cls).get("takes_in"))

    @abstractmethod
    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss.

        Parameters
        ----------
        z : Tensor (n, d)
            Embeddings.
        y : Tensor (n,)
            Integer labels; rows labelled −1 take no part and receive a gradient of exactly zero.
        weights : Tensor (n,), optional
            How much each row counts, ≥ 0, a constant: no gradient flows to it; all ones if not given. A row of
            weight 0 takes no part, like one labelled −1.
        """

    def take_in(self, centres: Tensor, first: int) -> None:
        """Take k clusters of rows for classes too, until told anew: for those with numbers from ``first`` on.

        What compares rows need know no more (`takes_in`); what learns something of each class is given the mean
        embedding of each cluster in its stead, and in that of any class that it was built for from this number on.

        Parameters
        ----------
        centres : Tensor (k, d)
        first : int
        """

    def for_monitoring(self) -> "MetricLoss":
        """Return the form of this loss whose values may be compared between epochs, for early stopping."""
        return self


@dataclass(frozen=True)
class LossSetting:
    """What a named loss is built from; each loss reads what concerns it.

    latent_dim : dimensions of an embedding.
    n_classes : how many classes are labelled; may be 0. Labels are 0 … n_classes − 1.
    margin : for the losses that have one; in the units of the distance.
    distance : a name out of ``semimetric.geometry.DISTANCES``, or a function.
    """

    latent_dim: int
    n_classes: int
    margin: float
    distance: str | Distance


def labelled_rows(z: Tensor, y: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the embeddings of the labelled rows of weight > 0, in at least float32, their labels and their weights.

    Weights are ones if not given. Every loss begins with this: left out first, not even an infinite embedding of an
    unlabelled row can matter.

    Raises
    ------
    ValueError
        If the shapes are not (n, d), (n,) and (n,).

    >>> labelled_rows(torch.tensor([[1.0], [2.0]]), torch.tensor([-1, 3]))
    (tensor([[2.]]), tensor([3]), tensor([1.]))
    """
    if z.ndim != 2 or y.shape != z.shape[:1] or (weights is not None and weights.shape != y.shape):
        given = f"z {tuple(z.shape)}, y {tuple(y.shape)}"
        given += "" if weights is None else f", weights {tuple(weights.shape)}"
        raise ValueError(f"z must have shape (n, d), y and weights (n,), got {given}")
    taking_part = y != UNLABELLED if weights is None else (y != UNLABELLED) & (weights > 0)
    rows = taking_part.nonzero().flatten()  # once: every selection by a mask would wait for the device
    z = z.index_select(0, rows)
    z = z if z.dtype == torch.float64 else z.float()
    w = z.new_ones(len(rows)) if weights is None else weights.detach().index_select(0, rows).to(z.dtype)
    return z, y.index_select(0, rows), w


def at_least_zero(name: str, value: float) -> float:
    """Return the finite number ``value`` ≥ 0, or raise a ValueError that names it."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return float(value)


def above_zero(name: str, value: float) -> float:
    """Return the finite number ``value`` > 0, or raise a ValueError that names it."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return float(value)
