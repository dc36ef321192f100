"""Losses over the pairs and triplets of a batch: a tile of anchors at a time, and over the rows of all ranks."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from semimetric.geometry import BUILT_IN, Distance
from semimetric.losses.base import MetricLoss, labelled_rows
from semimetric.losses.masks import masks_of_labelled
from semimetric.losses.ranks import gathered, ratios


@dataclass(frozen=True)
class Anchors:
    """Which m of a batch's n labelled rows are the anchors of a tile; what a loss may know about them but distances.

    y : Tensor (n,), the labels of all rows.
    w : Tensor (n,), their weights, > 0.
    rows : slice, the anchors.
    weighted : whether the weights are other than ones.
    """

    y: Tensor
    w: Tensor
    rows: slice
    weighted: bool = True

    def __len__(self) -> int:
        """How many anchors there are."""
        return self.rows.stop - self.rows.start

    def masks(self) -> tuple[Tensor, Tensor]:
        """Return the (m, n) masks of the anchors' positive and negative pairs."""
        return masks_of_labelled(self.y, self.rows)

    def pair_weights(self, pairs: Tensor) -> Tensor:
        """Return the (m, n) weights of pairs out of their mask: the product of their rows' weights."""
        return pairs * self.w[self.rows, None] * self.w if self.weighted else pairs.to(self.w.dtype)

    def total(self, pairs: Tensor) -> Tensor:
        """Return the sum of the weights of pairs, given by their mask."""
        return self.pair_weights(pairs).sum() if self.weighted else pairs.sum(dtype=self.w.dtype)


class PairwiseLoss(MetricLoss):
    """A loss that is a sum of weighted means, each of them a sum over anchors divided by another one.

    A subclass says in `of_anchors` what some anchors add to these sums. The rest is done here: batches of which not
    even the matrix of distances should be in memory are gone through in tiles of anchors, exactly, with O(n · tile)
    memory; and the rows of several processes are taken as one batch (`across_ranks`).

    Attributes
    ----------
    distance : Distance
        What `of_anchors` is given.
    pairs_at_once : int
        The size of a tile.
    """

    distance: Distance
    pairs_at_once = 2**21  # some 30 bytes each

    @abstractmethod
    def of_anchors(self, d: Tensor, anchors: Anchors) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return the sums over the anchors' pairs: numerators and denominators, k scalars each.

        Parameters
        ----------
        d : Tensor (m, n)
            The anchors' distances to all labelled rows. Gradients flow through it from the numerators alone.
        anchors : Anchors
        """

    def combined(self, means: Tensor, weights: Tensor) -> Tensor:
        """Return the scalar loss of the means (k,), whose denominators ``weights`` (k,) are: their sum."""
        return means.sum()

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,)."""
        weighted = weights is not None
        z, y, w = labelled_rows(z, y, weights)
        every, y, w, start = gathered(z, y, w)
        size = max(1, self.pairs_at_once // max(1, len(every)))
        if len(z) <= size:
            numerators, denominators = self._tile(z, every, Anchors(y, w, slice(start, start + len(z)), weighted))
        else:
            tiles = [
                Anchors(y, w, slice(start + first, start + min(first + size, len(z))), weighted)
                for first in range(0, len(z), size)
            ]
            numerators, denominators = self._in_tiles(z, every, tiles)
        return self.combined(*ratios(numerators, denominators)).to(z.dtype)

    def _in_tiles(self, z: Tensor, every: Tensor, tiles: list[Anchors]) -> tuple[Tensor, Tensor]:
        if isinstance(self.distance, BUILT_IN):
            return _InTiles.apply(z, every, self, tiles)
        # One's own may have parameters, to which gradients are to flow: each tile is computed again for them.
        parts = zip(z.split([len(tile) for tile in tiles]), tiles, strict=True)
        sums = [checkpoint(self._tile, part, every, tile, use_reentrant=False) for part, tile in parts]
        numerators, denominators = (torch.stack(each).sum(0) for each in zip(*sums, strict=True))
        return numerators, denominators

    def _tile(self, z: Tensor, every: Tensor, anchors: Anchors) -> tuple[Tensor, Tensor]:
        numerators, denominators = self.of_anchors(self.distance(z, every), anchors)
        return torch.stack(numerators), torch.stack(denominators).detach()


class _InTiles(torch.autograd.Function):
    """The sums over tiles. Each tile's gradient is taken at once, so that only one tile is ever in memory."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, every: Tensor, loss: PairwiseLoss, tiles: list[Anchors]) -> tuple[Tensor, Tensor]:
        gradients: list[tuple[Tensor, Tensor]] = []
        wanted = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        sums: list[tuple[Tensor, Tensor]] = []
        partners = every.detach().requires_grad_(wanted)
        done = 0
        for tile in tiles:
            own = slice(done, done := done + len(tile))
            anchors = z[own].detach().requires_grad_(wanted)
            with torch.set_grad_enabled(wanted):
                numerators, denominators = loss._tile(anchors, partners, tile)
            sums.append((numerators.detach(), denominators))
            if not wanted:
                continue
            gradients = gradients or [(torch.zeros_like(z), torch.zeros_like(every)) for _ in numerators]
            for number, (of_anchors, of_partners) in enumerate(gradients):
                chosen = torch.zeros_like(numerators)
                chosen[number] = 1
                one, other = torch.autograd.grad(
                    numerators, (anchors, partners), chosen, retain_graph=number + 1 < len(gradients)
                )
                of_anchors[own] += one
                of_partners += other
        ctx.gradients = gradients
        numerators, denominators = (torch.stack(parts).sum(0) for parts in zip(*sums, strict=True))
        ctx.mark_non_differentiable(denominators)
        return numerators, denominators

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        of_anchors, of_partners = (
            sum(weight.to(part.dtype) * part for weight, part in zip(gradient, parts, strict=True))
            for parts in zip(*ctx.gradients, strict=True)
        )
        return of_anchors, of_partners, None, None
