"""The sum of the triplet hinge over all triplets of some anchors: one by one where they are few, else by sorting.

Of one anchor, let t_p = D(a, p) + margin be the thresholds of its positives. The negatives that make a triplet with p
active are those nearer than t_p: with the negatives in order of distance, the first r_p of them. A binary search finds
r_p; prefix sums of the negatives' weights W and weighted distances S then give

    Σ_n max(0, t_p − D(a, n)) = t_p W(r_p) − S(r_p),

and the derivative by D(a, p) is W(r_p), that by D(a, n) minus the weight of the positives whose r_p lies beyond n. So
time is O(n log n) an anchor, and no triplet is in memory.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from semimetric.losses.pairwise import Anchors

# Which triplets count: all; those whose negative is no nearer than the positive, those whose it is; or of each anchor
# the one of its farthest positive and its nearest negative.
MINING = ("all", "semi-hard", "hard", "batch-hard")
FEW = 2**16  # triplets, valid or not, below which it is faster to form each than to sort;
FEW_POSITIVES = 2  # so it is, in a batch of any size, for so many positives an anchor


def hinges(d: Tensor, anchors: Anchors, margin: float, mining: str, active: bool) -> tuple[Tensor, Tensor]:
    """Return, over the mined triplets of these anchors, the weighted sum of hinges, and the weight of the triplets.

    Parameters
    ----------
    d : Tensor (m, n)
        The anchors' distances to all rows; the sum of hinges is differentiable in them, once.
    anchors : Anchors
    margin : float
    mining : str
        One of `MINING`.
    active : bool
        Whether the weight is that of active triplets, those with a positive hinge, alone.
    """
    positive, negative = anchors.masks()
    if mining == "batch-hard":
        return _hardest(d, positive, negative, anchors, margin, active)
    pairs = positive.nonzero()
    if len(pairs) * d.shape[1] <= max(FEW, FEW_POSITIVES * d.numel()):
        return _one_by_one(d, pairs, negative, anchors, margin, mining, active)
    total, counted = _BySorting.apply(d, negative, anchors, margin, mining, active)
    return total, counted


def _hardest(
    d: Tensor, positive: Tensor, negative: Tensor, anchors: Anchors, margin: float, active: bool
) -> tuple[Tensor, Tensor]:
    far, farthest = d.masked_fill(~positive, -torch.inf).max(1)
    near, nearest = d.masked_fill(~negative, torch.inf).min(1)
    there = far.isfinite() & near.isfinite()
    hinge = torch.where(there, far - near + margin, 0.0).relu()
    weight = there * anchors.w[anchors.rows] * anchors.w[farthest] * anchors.w[nearest]
    return (hinge * weight).sum(), ((hinge > 0) * weight if active else weight).sum()


def _one_by_one(
    d: Tensor, pairs: Tensor, negative: Tensor, anchors: Anchors, margin: float, mining: str, active: bool
) -> tuple[Tensor, Tensor]:
    """One row per positive pair, (anchor, positive), one column per candidate negative."""
    anchor, positive = pairs.unbind(1)
    to_positive = d[anchor, positive, None]
    to_negative = d.index_select(0, anchor)
    mined = negative.index_select(0, anchor)
    if mining == "semi-hard":
        mined = mined & (to_negative > to_positive) & (to_negative < to_positive + margin)
    elif mining == "hard":
        mined = mined & (to_negative <= to_positive)
    hinge = (to_positive + margin - to_negative).relu()  # whose gradient is zero where it is zero; clamp's is not
    counted = mined & (hinge > 0) if active else mined
    if not anchors.weighted:
        return (hinge * mined).sum(), counted.sum(dtype=d.dtype)
    weight = (anchors.w[anchors.rows][anchor] * anchors.w[positive])[:, None] * anchors.w
    return (hinge * (mined * weight)).sum(), (counted * weight).sum()


class _BySorting(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, d: Tensor, negative: Tensor, anchors: Anchors, margin: float, mining: str, active: bool
    ) -> tuple[Tensor, Tensor]:
        y, w, own = anchors.y, anchors.w, anchors.rows
        # At infinity, those that are no negatives: no rank gets there.
        near, order = _sorted(d.masked_fill(~negative, torch.inf))
        weight = w[order] if anchors.weighted else None
        distance_before = _before(near if weight is None else near * weight)
        weight_before = None if weight is None else _before(weight)

        def up_to(rank: Tensor) -> tuple[Tensor, Tensor]:
            """Return the weight and the weighted distances of the first `rank` negatives."""
            weights = rank.to(d.dtype) if weight_before is None else weight_before.gather(1, rank)
            return weights, distance_before.gather(1, rank)

        positives, valid = _positives(y, own)
        to_positive = d.gather(1, positives)
        threshold = to_positive + margin
        begin, end = None, torch.searchsorted(near, threshold)  # how many negatives are nearer
        last = negative.sum(1, keepdim=True).expand_as(end)
        if mining != "all":
            no_farther = torch.searchsorted(near, to_positive, right=True)
            if mining == "hard":
                end, last = torch.minimum(end, no_farther), no_farther
            else:
                begin, end = no_farther, torch.maximum(end, no_farther)
                last = end
        weights, distances = up_to(end)
        of_last = weights if active else up_to(last)[0]
        if begin is not None:
            nearer = up_to(begin)
            weights, distances, of_last = weights - nearer[0], distances - nearer[1], of_last - nearer[0]

        pair = (valid * w[positives] * w[own, None]) if anchors.weighted else valid.to(d.dtype)
        if ctx.needs_input_grad[0]:
            # What each positive weighs at the rank where its negatives begin, minus that where they end: the sum over
            # the ranks before a negative is the weight of the positives it makes a triplet with.
            change = d.new_zeros((d.shape[0], d.shape[1] + 1)).scatter_add_(1, end, -pair)
            if begin is None:
                change[:, 0] += pair.sum(1)
            else:
                change.scatter_add_(1, begin, pair)
            by_negative = change.cumsum_(1)[:, :-1].neg_()
            slope = torch.empty_like(d).scatter_(1, order, by_negative if weight is None else by_negative.mul_(weight))
            ctx.save_for_backward(slope.scatter_add_(1, positives, pair * weights))
        hinge = torch.where(valid, threshold * weights - distances, 0.0)
        return (pair * hinge).sum(), (pair * of_last).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * gradient, None, None, None, None, None


def _positives(y: Tensor, anchors: slice) -> tuple[Tensor, Tensor]:
    """Return the anchors' positives (m, largest class), and which of these places are taken by one."""
    order = y.argsort()
    in_order, of_anchors = y[order], y[anchors]
    first = torch.searchsorted(in_order, of_anchors)
    count = torch.searchsorted(in_order, of_anchors, right=True) - first
    places = torch.arange(int(count.max()) if len(count) else 0, device=y.device)
    rows = order[(first[:, None] + places).clamp(max=len(y) - 1)]
    own = torch.arange(len(y), device=y.device)[anchors, None]
    return rows, (places < count[:, None]) & (rows != own)


def _sorted(d: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of ``d`` in ascending order, and the columns they were in."""
    if d.device.type != "cpu":
        values, columns = d.sort(dim=1)
        return values, columns
    columns = torch.from_numpy(np.argsort(d.detach().numpy(), axis=1))  # vectorised: several times faster than torch's
    return d.gather(1, columns), columns


def _before(values: Tensor) -> Tensor:
    """Return the sums (m, n + 1) of the first 0, 1, … n of each row's values (m, n)."""
    sums = values.new_zeros((values.shape[0], values.shape[1] + 1))
    torch.cumsum(values, 1, out=sums[:, 1:])
    return sums
