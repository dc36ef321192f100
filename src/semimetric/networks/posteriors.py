"""Posterior families: how the numbers that an encoder's network puts out are read as a distribution over z."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.nn import functional


class Point(Distribution):
    """All the mass at one point per row: the posterior of a model whose latent is a point.

    >>> Point(torch.zeros(5, 2)).rsample().shape
    torch.Size([5, 2])
    """

    arg_constraints = {"location": constraints.real_vector}  # noqa: RUF012 (torch declares it so)
    has_rsample = True

    def __init__(self, location: Tensor) -> None:
        self.location = location
        super().__init__(location.shape[:-1], location.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        """The point itself, shape (n, d)."""
        return self.location

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Return the point, repeated where a ``sample_shape`` is asked for."""
        return self.location.expand(*sample_shape, *self.location.shape)


@dataclass(frozen=True)
class PosteriorFamily:
    """A name, how many numbers the network puts out per latent dimension, how they are read, and which is the mean."""

    name: str
    parameters_per_dimension: int
    read: Callable[[Tensor], Distribution]
    mean: Callable[[Tensor], Tensor]


def _diagonal_gaussian(parameters: Tensor) -> Distribution:
    mean, log_variance = parameters.chunk(2, dim=-1)
    return Independent(Normal(mean, (0.5 * log_variance).exp(), validate_args=False), 1, validate_args=False)


def _all(parameters: Tensor) -> Tensor:
    return parameters


def _direction(parameters: Tensor) -> Tensor:
    return functional.normalize(parameters, dim=-1)


def _point_on_sphere(parameters: Tensor) -> Distribution:
    return Point(_direction(parameters))


def _first_half(parameters: Tensor) -> Tensor:
    return parameters.chunk(2, dim=-1)[0]


POSTERIORS = {
    family.name: family
    for family in (
        PosteriorFamily("point", 1, Point, _all),
        PosteriorFamily("sphere", 1, _point_on_sphere, _direction),  # a point at length 1
        PosteriorFamily("gaussian", 2, _diagonal_gaussian, _first_half),  # means, then log-variances
    )
}
