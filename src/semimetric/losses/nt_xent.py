"""NT-Xent loss: one positive against all negatives, by temperature-scaled cosine."""

from torch import Tensor

from semimetric.geometry import Cosine
from semimetric.losses.base import above_zero
from semimetric.losses.n_pair import against_all_negatives
from semimetric.losses.pairwise import Anchors, PairwiseLoss


class NTXentLoss(PairwiseLoss):
    """``−log (e_p / (e_p + Σ_n e_n))``, ``e_k = exp(cos(a, k) / τ)``, averaged over every (anchor, positive).

    The sum runs over all rows n of other classes: unlike in `SupervisedContrastiveLoss`, an anchor's positives do not
    compete. Rows labelled −1 are nowhere in it. A batch without a positive or without a negative pair has loss zero
    and gradient zero. Weighted, a pair counts with the product of its two rows' weights, a negative as often as its
    weight says.

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
    Chen et al. 2020 (SimCLR), eq. 1, with labels in the place of views, so that an anchor may have many positives:
    any number of them costs the same, O(n²) for the batch.

    Examples
    --------
    Each anchor of class 0 has its positive in its own direction, the negative opposite: log(1 + exp(−2)).

    >>> import torch
    >>> z, y = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]]), torch.tensor([0, 0, 1])
    >>> round(NTXentLoss(temperature=1.0)(z, y).item(), 4)
    0.1269
    """

    takes_in = True  # any number is a class

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = above_zero("temperature", temperature)
        self.distance = Cosine()

    def of_anchors(self, d: Tensor, anchors: Anchors) -> tuple[tuple[Tensor], tuple[Tensor]]:
        """Return the sum over the anchors' positives, where there are negatives, and the weight of these pairs."""
        losses, pairs = against_all_negatives(-d / self.temperature, anchors)
        return (losses,), (pairs,)
