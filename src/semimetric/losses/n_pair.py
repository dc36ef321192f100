"""Multi-class N-pair loss: one positive against all negatives of the batch at once."""

import torch
from torch import Tensor

from semimetric.geometry import InnerProduct
from semimetric.losses.base import at_least_zero
from semimetric.losses.pairwise import Anchors, PairwiseLoss
from semimetric.losses.reductions import log_sum_exp


class NPairLoss(PairwiseLoss):
    """``log(1 + Σ_n exp(z_a·z_n − z_a·z_p))`` over every (anchor, positive), plus ``l2_weight`` times the mean ‖z‖².

    The sum runs over all rows n of other classes. Rows labelled −1 are nowhere in it. A batch without a positive
    or without a negative pair has loss zero and gradient zero. Weighted, a pair counts with the product of its two
    rows' weights, a negative as often as its weight says, and the mean ‖z‖² is the weighted one.

    Parameters
    ----------
    l2_weight : float
        How much embeddings are kept short, which the inner products alone would let grow without end; ≥ 0.

    Raises
    ------
    ValueError
        If ``l2_weight`` is negative.

    Notes
    -----
    Sohn 2016, eq. 6, over all positives and negatives of the batch rather than one of each class; the regulariser
    is that of the paper's section 3.2.2, its weight a common choice. Similarity is the inner product, so there is
    no distance to choose. Memory grows with n².

    Examples
    --------
    Everything in one point, one negative: log(1 + 1) for each of the two anchors.

    >>> z, y = torch.zeros(3, 2), torch.tensor([0, 0, 1])
    >>> round(NPairLoss()(z, y).item(), 4)
    0.6931
    """

    takes_in = True  # any number is a class

    def __init__(self, l2_weight: float = 0.02) -> None:
        super().__init__()
        self.l2_weight = at_least_zero("l2_weight", l2_weight)
        self.distance = InnerProduct()

    def of_anchors(self, d: Tensor, anchors: Anchors) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return the sums over the anchors' positives, where there are negatives, and over the anchors of ‖z‖²."""
        losses, pairs = against_all_negatives(-d, anchors)
        lengths, own = -d[:, anchors.rows].diagonal(), anchors.w[anchors.rows]
        return (losses, (lengths * own).sum()), (pairs, own.sum())

    def combined(self, means: Tensor, weights: Tensor) -> Tensor:
        """Return the mean over pairs and the weighted mean ‖z‖², of a batch in which something can be compared."""
        return means[0] + self.l2_weight * means[1] * (weights[0] > 0)


def against_all_negatives(similarity: Tensor, anchors: Anchors) -> tuple[Tensor, Tensor]:
    """Return Σ_p log(1 + Σ_n exp(s_n − s_p)) of similarities (m, n), and the weight of the pairs (a, p) in this sum.

    Anchors of one class with all other rows add nothing to either.
    """
    positive, negative = anchors.masks()
    negatives = negative * anchors.w
    pairs = anchors.pair_weights(positive) * (negatives.sum(1, keepdim=True) > 0)
    # log(1 + Σ exp(s_n − s_p)) = log(exp(0) + exp(log Σ exp(s_n) − s_p)): no (n, n, n) cube, no overflow.
    losses = torch.logaddexp(log_sum_exp(similarity, negatives)[:, None] - similarity, similarity.new_zeros(()))
    return (losses * pairs).sum(), pairs.sum()
