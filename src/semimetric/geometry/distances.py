"""Pairwise distances between two batches of embeddings, exact and with gradients that are always finite.

Every distance is computed in at least float32, whatever precision the networks run in: distances between
neighbours are small differences of large numbers, and bfloat16 would round them away.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from semimetric.errors import nearest_names


class Distance(Protocol):
    """``distance(a, b)``: (n, d) and (m, d) embeddings → (n, m) distances; ``distance(a)`` is ``distance(a, a)``."""

    def __call__(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return the (n, m) matrix of distances between the rows of ``a`` and of ``b``."""
        ...


class Lp:
    """The distance ``(Σ |a_i − b_i|^p)^(1/p)`` of Safir et al. 2022; ``p = 2`` is Euclidean.

    Differences are taken before they are squared (no ``a² − 2ab + b²``), so that nearby points keep their
    digits. Where two points coincide the distance and its gradient are zero.

    >>> Lp(2)(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    def __init__(self, p: float = 2.0) -> None:
        if not p >= 1:
            raise ValueError(f"p must be at least 1 for the triangle inequality to hold, got {p!r}")
        self.p = float(p)

    def __call__(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return the (n, m) distances."""
        a, b = _precise(a, b)
        with torch.autocast(a.device.type, enabled=False):
            return torch.cdist(a, b, p=self.p, compute_mode="donot_use_mm_for_euclid_dist")

    def paired(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the (n,) distances of the rows of ``a`` (n, d) to those of ``b`` (n, d), one to one."""
        a, b = _precise(a, b)
        return torch.linalg.vector_norm(a - b, ord=self.p, dim=1)


class SquaredEuclidean:
    """The squared Euclidean distance.

    >>> SquaredEuclidean()(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[25.]])
    """

    def __call__(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return the (n, m) squared distances."""
        return Lp(2)(a, b).square()

    def paired(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the (n,) squared distances of rows, one to one."""
        return Lp(2).paired(a, b).square()


class Cosine:
    """``1 − cos(a, b)``, between 0 (same direction) and 2; a zero vector is at distance 1 from everything.

    >>> Cosine()(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0], [3.0, 0.0]]))
    tensor([[1., 0.]])
    """

    def __call__(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return the (n, m) cosine distances."""
        a, b = _precise(a, b)
        with torch.autocast(a.device.type, enabled=False):
            return 1 - _directions(a) @ _directions(b).T

    def paired(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the (n,) cosine distances of rows, one to one."""
        a, b = _precise(a, b)
        return 1 - (_directions(a) * _directions(b)).sum(1)


class InnerProduct:
    """``−a · b``: no distance, for it can be negative and a point is not at zero from itself, but it orders like one.

    >>> InnerProduct()(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0], [3.0, 0.0]]))
    tensor([[-0., -6.]])
    """

    def __call__(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return the (n, m) negative inner products."""
        a, b = _precise(a, b)
        with torch.autocast(a.device.type, enabled=False):
            return -(a @ b.T)

    def paired(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the (n,) negative inner products of rows, one to one."""
        a, b = _precise(a, b)
        return -(a * b).sum(1)


BUILT_IN = (Lp, SquaredEuclidean, Cosine, InnerProduct)  # in any precision, with nothing to learn


def paired(distance: Distance, a: Tensor, b: Tensor) -> Tensor:
    """Return the (n,) distances of the rows of ``a`` (n, d) to those of ``b`` (n, d), one to one.

    Built-in distances take O(n d) for it; of another one the whole matrix is made.

    >>> paired(Lp(2), torch.tensor([[0.0], [5.0]]), torch.tensor([[3.0], [1.0]]))
    tensor([3., 4.])
    """
    return distance.paired(a, b) if isinstance(distance, BUILT_IN) else distance(a, b).diagonal()


DISTANCES: dict[str, Callable[[], Distance]] = {
    "euclidean": lambda: Lp(2),
    "squared_euclidean": SquaredEuclidean,
    "manhattan": lambda: Lp(1),
    "cosine": Cosine,
}


def get_distance(distance: str | Distance) -> Distance:
    """Return the distance of that name, or the callable itself.

    Raises
    ------
    ValueError
        If the name is unknown; the message names the nearest ones.
    """
    if callable(distance):
        return distance
    if distance not in DISTANCES:
        raise ValueError(f"unknown distance {distance!r}: {nearest_names(distance, DISTANCES)}")
    return DISTANCES[distance]()


def _precise(a: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor]:
    a = a if a.dtype == torch.float64 else a.float()
    return a, a if b is None else b.to(a.dtype)


def _directions(a: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(a, dim=1, keepdim=True)
    return a / torch.where(length > 0, length, torch.ones_like(length))
