"""Triplet loss over all valid triplets of a batch."""

import math

from torch import Tensor

from semimetric.geometry import Distance, get_distance
from semimetric.losses.base import MetricLoss, at_least_zero, labelled_rows
from semimetric.losses.masks import pair_masks
from semimetric.losses.reductions import known_reduction


class TripletLoss(MetricLoss):
    """``max(0, D(a, p) − D(a, n) + margin)`` over every valid triplet (anchor, positive, negative) of the batch.

    A triplet is valid when anchor and positive are two different rows of one class, and the negative is a
    row of another. Rows labelled −1 are in none. A batch without a valid triplet has loss zero and gradient
    zero. Weighted, a triplet counts with the product of its three rows' weights.

    Parameters
    ----------
    margin : float
        How much farther a negative must be than a positive before the triplet is satisfied, in the units of
        the distance; ≥ 0.
    distance : str or callable
        A name out of ``semimetric.geometry.DISTANCES`` or a function of (n, d), (m, d) → (n, m).
    reduction : {"active", "all"}
        "active": the mean over triplets with a positive loss, which does not fade as most triplets become
        satisfied; "all": the mean over all valid triplets, whose value can be compared between batches.

    Notes
    -----
    Schroff et al. 2015, eq. 1, without mining; "active" is the "batch all, non-zero" mean of Hermans et al.
    2017. Memory grows with (positive pairs) × n.

    Examples
    --------
    Two points of class 0 at 0 and 1, one of class 1 at 1.5. Anchor 0: 1 − 1.5 + 1 = 0.5; anchor 1:
    1 − 0.5 + 1 = 1.5; their mean is 1.

    >>> import torch
    >>> z, y = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
    >>> TripletLoss(margin=1.0)(z, y).item()
    1.0
    """

    def __init__(self, margin: float = 0.2, distance: str | Distance = "euclidean", reduction: str = "active") -> None:
        super().__init__()
        self.margin = at_least_zero("margin", margin)
        self.distance = get_distance(distance)
        self.reduction = known_reduction(reduction)

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,)."""
        z, y, w = labelled_rows(z, y, weights)
        d = self.distance(z)
        positive, negative = pair_masks(y)
        anchors, positives = positive.nonzero(as_tuple=True)
        # One row per positive pair, one column per candidate negative; at infinity, those that are none.
        to_negative = d.masked_fill(~negative, math.inf).index_select(0, anchors)
        hinge = (d[anchors, positives, None] + self.margin - to_negative).clamp(min=0)
        counted = hinge > 0 if self.reduction == "active" else negative.index_select(0, anchors)
        if weights is None:
            total = counted.sum()
        else:
            weight = (w[anchors] * w[positives])[:, None] * w
            hinge, total = hinge * weight, (counted * weight).sum()
        return hinge.sum() / total.where(total > 0, total.new_ones(()))

    def for_monitoring(self) -> "TripletLoss":
        """Return the same loss averaged over all valid triplets: the "active" mean hardly falls as a fit improves."""
        return TripletLoss(self.margin, self.distance, "all")
