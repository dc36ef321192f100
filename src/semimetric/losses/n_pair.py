"""Multi-class N-pair loss: one positive against all negatives of the batch at once."""

import torch
from torch import Tensor

from semimetric.losses.base import MetricLoss, at_least_zero, labelled_rows
from semimetric.losses.masks import pair_masks
from semimetric.losses.reductions import log_sum_exp, pair_weights, weighted_mean


class NPairLoss(MetricLoss):
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

    def __init__(self, l2_weight: float = 0.02) -> None:
        super().__init__()
        self.l2_weight = at_least_zero("l2_weight", l2_weight)

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,)."""
        z, y, w = labelled_rows(z, y, weights)
        positive, negative = pair_masks(y)
        pairs = pair_weights(positive, w)
        with torch.autocast(z.device.type, enabled=False):
            similarity = z @ z.T
        to_negatives = log_sum_exp(similarity, negative * w)
        # log(1 + Σ exp(s_n − s_p)) = log(exp(0) + exp(log Σ exp(s_n) − s_p)): no (n, n, n) cube, no overflow.
        losses = torch.logaddexp(to_negatives[:, None] - similarity, similarity.new_zeros(()))
        length = weighted_mean(z.square().sum(1), w)
        some = (pairs.sum(1) * (negative * w).sum(1) > 0).any()
        return weighted_mean(losses, pairs) + self.l2_weight * length * some
