"""Triplet loss over all valid triplets of a batch, or the mined ones among them."""

import torch
from torch import Tensor

from semimetric.geometry import BUILT_IN, Distance, get_distance
from semimetric.losses.base import at_least_zero
from semimetric.losses.hinges import MINING, hinges
from semimetric.losses.pairwise import Anchors, PairwiseLoss
from semimetric.losses.reductions import known_reduction


class TripletLoss(PairwiseLoss):
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
        satisfied; "all": the mean over all valid (and mined) triplets, whose value can be compared between batches.
    mining : {"all", "semi-hard", "hard", "batch-hard"}
        Which of the valid triplets are taken: all; those whose negative is farther than the positive, but by less
        than the margin; those whose negative is no farther than the positive; or of each anchor one, that of its
        farthest positive and its nearest negative.

    Raises
    ------
    ValueError
        If the margin is negative, or the distance, the reduction or the mining unknown.

    Notes
    -----
    Schroff et al. 2015, eq. 1 and section 3.2; "active" is the "batch all, non-zero" mean of Hermans et al. 2017,
    "batch-hard" its eq. 5. The sums over triplets are exact and no triplet is ever formed: in a batch of n rows time
    grows with n² log n, memory with n², and above 2,048 rows with n. The loss can be differentiated once.

    Examples
    --------
    Two points of class 0 at 0 and 1, one of class 1 at 1.5. Anchor 0: 1 − 1.5 + 1 = 0.5; anchor 1:
    1 − 0.5 + 1 = 1.5; their mean is 1.

    >>> import torch
    >>> z, y = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
    >>> TripletLoss(margin=1.0)(z, y).item(), TripletLoss(margin=1.0, mining="semi-hard")(z, y).item()
    (1.0, 0.5)
    """

    takes_in = True  # any number is a class
    pairs_at_once = 2**19  # some 70 bytes each: few enough for sorting to stay in a processor's cache

    def __init__(
        self,
        margin: float = 0.2,
        distance: str | Distance = "euclidean",
        reduction: str = "active",
        mining: str = "all",
    ) -> None:
        super().__init__()
        if mining not in MINING:
            raise ValueError(f"mining must be one of {MINING}, got {mining!r}")
        self.margin = at_least_zero("margin", margin)
        self.distance = get_distance(distance)
        self.reduction = known_reduction(reduction)
        self.mining = mining

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,).

        It is computed in float64, where the device has that: which triplets are active hangs on comparisons, and of
        the 10⁸ triplets of a thousand rows some are always as close as float32 rounds. A distance of one's own gets
        the embeddings as they are.
        """
        exact = _exact(z) if isinstance(self.distance, BUILT_IN) else z
        return super().forward(exact, y, weights).to(torch.promote_types(z.dtype, torch.float32))

    def of_anchors(self, d: Tensor, anchors: Anchors) -> tuple[tuple[Tensor], tuple[Tensor]]:
        """Return the sum of the hinges of the anchors' triplets, and of the weights of those that count."""
        total, weight = hinges(_exact(d), anchors, self.margin, self.mining, self.reduction == "active")
        return (total,), (weight,)

    def for_monitoring(self) -> "TripletLoss":
        """Return the same loss averaged over all valid triplets: the "active" mean hardly falls as a fit improves."""
        return TripletLoss(self.margin, self.distance, "all")


def _exact(values: Tensor) -> Tensor:
    return values if values.device.type == "mps" else values.double()
