"""Losses of one batch whose rows are spread over the ranks of a process group."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

_ACROSS: ContextVar[bool] = ContextVar("across ranks", default=False)


@contextmanager
def across_ranks() -> Iterator[None]:
    """Let every metric loss called in this ``with`` block be that of the rows of all ranks joined.

    Every rank must call the losses, the same ones in the same order, on its own rows; of these there may be any number,
    labelled or not. The value is the joined batch's, on every rank. Gradients are such that their *mean* over ranks is
    the joined batch's, as `DistributedDataParallel` takes it. Without a process group, or in one of a single rank,
    nothing changes.

    >>> from semimetric.losses import TripletLoss
    >>> with across_ranks():
    ...     TripletLoss(margin=1.0)(torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])).item()
    1.0
    """
    token = _ACROSS.set(dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1)
    try:
        yield
    finally:
        _ACROSS.reset(token)


def gathered(z: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
    """Return the rows of all ranks, rank after rank, and where this rank's begin among them.

    The gradient of the embeddings is the sum of what all ranks send back.
    """
    if not _ACROSS.get():
        return z, y, w, 0
    sizes = [torch.zeros((), dtype=torch.long, device=z.device) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, torch.tensor(len(z), device=z.device))
    lengths = [int(size) for size in sizes]
    start = sum(lengths[: dist.get_rank()])
    return _Gather.apply(z, lengths, start), _all_rows(y, lengths), _all_rows(w, lengths), start


def ratios(sums: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``sums / weights``, element by element, zero where the weights are, and the weights: both of all ranks."""
    if not _ACROSS.get():
        return sums / weights.where(weights > 0, weights.new_ones(())), weights
    totals = torch.stack([sums.detach(), weights.to(sums.dtype)])
    dist.all_reduce(totals)
    divisors = totals[1].where(totals[1] > 0, totals.new_ones(()))
    own = sums * (dist.get_world_size() / divisors)
    return own + (totals[0] / divisors - own).detach(), totals[1]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, lengths: list[int], start: int) -> Tensor:
        ctx.own = slice(start, start + len(z))
        return _all_rows(z, lengths)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient[ctx.own], None, None


def _all_rows(rows: Tensor, lengths: list[int]) -> Tensor:
    """Return the rows of all ranks; they are sent padded to one length, which not every backend can do without."""
    longest = max(lengths)
    padded = rows.new_zeros((longest, *rows.shape[1:]))
    padded[: len(rows)] = rows.detach()
    received = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(received, padded)
    return torch.cat([part[:length] for part, length in zip(received, lengths, strict=True)])
