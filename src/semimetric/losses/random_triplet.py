"""Triplet loss over triplets drawn at random, equally many for every class."""

import torch
from torch import Tensor

from semimetric.data.arrays import UNLABELLED
from semimetric.geometry import Distance, get_distance, paired
from semimetric.losses.base import MetricLoss, at_least_zero, labelled_rows
from semimetric.losses.ranks import gathered
from semimetric.losses.reductions import weighted_mean
from semimetric.losses.triplet import TripletLoss

_BELOW = 2**31  # of the integers that draws are remainders of: they are uniform up to n / 2³¹


class RandomTripletLoss(MetricLoss):
    """The mean of ``max(0, D(a, p) − D(a, n) + margin)`` over randomly drawn triplets (anchor, positive, negative).

    `TripletLoss` without mining: large classes do not count more than small ones, and satisfied triplets count.
    Rows labelled −1 are never drawn. A batch without a valid triplet has loss zero and gradient zero. Weighted, a
    triplet counts with the product of its three rows' weights.

    Parameters
    ----------
    margin : float
        How much farther a negative must be than a positive, in the units of the distance; ≥ 0.
    distance : str or callable
        A name out of ``semimetric.geometry.DISTANCES`` or a function of (n, d), (m, d) → (n, m).
    per_class : int
        Triplets drawn for every class that has an anchor; ≥ 1.

    Raises
    ------
    ValueError
        If the margin is negative, the distance unknown or ``per_class`` below 1.

    Notes
    -----
    Ishfaq & Liu 2018 (TVAE), section 3.1 and eq. 4.

    Examples
    --------
    Two points of class 0 in one place, one of class 1 at distance 1: every triplet costs 0 − 1 + 1.5.

    >>> z, y = torch.tensor([[0.0], [0.0], [1.0]]), torch.tensor([0, 0, 1])
    >>> RandomTripletLoss(margin=1.5)(z, y).item()
    0.5
    """

    takes_in = True  # any number is a class

    def __init__(self, margin: float = 0.2, distance: str | Distance = "euclidean", per_class: int = 16) -> None:
        super().__init__()
        if per_class < 1:
            raise ValueError(f"per_class must be at least 1, got {per_class!r}")
        self.margin = at_least_zero("margin", margin)
        self.distance = get_distance(distance)
        self.per_class = per_class

    def draw(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the rows of anchors, positives and negatives out of labels (n,), ``per_class`` for every anchor class.

        Anchor and positive are two different rows of a class, the negative is a row of any other; each uniformly,
        and independently, with torch's global generator. A class of one row has no anchor.
        """
        rows = (y != UNLABELLED).nonzero().flatten()
        rows = rows[y[rows].argsort()]  # class after class
        _, counts = torch.unique_consecutive(y[rows], return_counts=True)
        starts = counts.cumsum(0) - counts
        anchor_classes = ((counts > 1) & (counts < len(rows))).nonzero().flatten()
        drawn = anchor_classes.repeat_interleave(self.per_class)
        start, count = starts[drawn], counts[drawn]
        random = torch.randint(_BELOW, (3, len(drawn)), device=y.device)
        anchor, positive, negative = random % torch.stack([count, count - 1, len(rows) - count])
        positive += positive >= anchor  # passes over the anchor
        negative += count * (negative >= start)  # passes over the anchor's class
        return rows[start + anchor], rows[start + positive], rows[negative]

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,), over a new draw."""
        z, y, w, _ = gathered(*labelled_rows(z, y, weights))
        a, p, n = self.draw(y)
        anchors = z.index_select(0, a)
        to_positive = paired(self.distance, anchors, z.index_select(0, p))
        to_negative = paired(self.distance, anchors, z.index_select(0, n))
        return weighted_mean((to_positive - to_negative + self.margin).relu(), w[a] * w[p] * w[n])

    def for_monitoring(self) -> TripletLoss:
        """Return the mean over all valid triplets, which no draw disturbs."""
        return TripletLoss(self.margin, self.distance, "all")
