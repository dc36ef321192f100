"""Supervised contrastive loss: a positive picked out of all other rows of the batch."""

from torch import Tensor

from semimetric.geometry import Cosine
from semimetric.losses.base import above_zero
from semimetric.losses.pairwise import Anchors, PairwiseLoss
from semimetric.losses.reductions import log_sum_exp


class SupervisedContrastiveLoss(PairwiseLoss):
    """``−log (exp(cos(a, p) / τ) / Σ_k exp(cos(a, k) / τ))``: mean over an anchor's positives, then over anchors.

    The sum runs over all labelled rows k but the anchor. Rows labelled −1 are nowhere in it; anchors without a
    positive are left out, and a batch without a positive pair has loss zero and gradient zero. Weighted, both means
    are weighted by rows, and a row counts in the sum as often as its weight says.

    Parameters
    ----------
    temperature : float
        τ > 0: the smaller, the more the nearest rows matter.

    Raises
    ------
    ValueError
        If the temperature is not positive.

    Notes
    -----
    Khosla et al. 2020, eq. 2 (L_out), on normalised embeddings: lengths do not matter, and cosine is the distance to
    search with. A batch of one class is not zero: it asks that its rows be equally far from one another.
    Memory grows with n².

    Examples
    --------
    Each anchor of class 0 has its positive in its own direction, the negative opposite: log(1 + exp(−2)).

    >>> import torch
    >>> z, y = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]]), torch.tensor([0, 0, 1])
    >>> round(SupervisedContrastiveLoss(temperature=1.0)(z, y).item(), 4)
    0.1269
    """

    takes_in = True  # any number is a class

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = above_zero("temperature", temperature)
        self.distance = Cosine()

    def of_anchors(self, d: Tensor, anchors: Anchors) -> tuple[tuple[Tensor], tuple[Tensor]]:
        """Return the sum over anchors of the mean over their positives, and the weight of anchors that have one."""
        positive, negative = anchors.masks()
        logits = -d / self.temperature  # cos / τ less a constant, which the fraction cancels
        losses = log_sum_exp(logits, (positive | negative) * anchors.w)[:, None] - logits
        positives = (positive * anchors.w).sum(1, keepdim=True)  # 0 for an anchor without: its pairs all weigh 0
        of_anchor = anchors.pair_weights(positive) / positives.where(positives > 0, positives.new_ones(()))
        return ((losses * of_anchor).sum(),), (of_anchor.sum(),)
