"""Weighted means and sums, finite, with finite gradients, where there is nothing to add up."""

import torch
from torch import Tensor

from semimetric.losses.ranks import ratios

# Over "active" terms, those above zero, or over "all": a mean over the active does not fade as most are satisfied, one
# over all can be compared between batches.
REDUCTIONS = ("active", "all")


def known_reduction(reduction: str) -> str:
    """Return the reduction, or raise a ValueError that names those there are."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
    return reduction


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return Σ weights · values / Σ weights, and zero where the weights are; of the rows of all ranks.

    >>> weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0])).item()
    2.0
    """
    return ratios((values * weights).sum(), weights.sum())[0]


def log_sum_exp(values: Tensor, weights: Tensor) -> Tensor:
    """Return ``log Σ_j weights_ij exp(values_ij)``, shape (n,), of values and weights (n, m).

    Of a row without a positive weight it is the log of zero in finite numbers, very far below zero: minus infinity
    would have no gradient.

    >>> log_sum_exp(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item()
    0.0
    """
    nothing = torch.finfo(values.dtype).min / 4
    return torch.logsumexp((values + weights.log()).masked_fill(weights == 0, nothing), dim=1)
