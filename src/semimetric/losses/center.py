"""Center loss: softmax cross-entropy, and each embedding drawn to its class's learned centre."""

import torch
from torch import Tensor, nn

from semimetric.losses.base import MetricLoss, at_least_zero, labelled_rows
from semimetric.losses.reductions import weighted_mean
from semimetric.losses.softmax import SoftmaxLoss


class CenterLoss(MetricLoss):
    """``softmax_weight · cross-entropy + center_weight · ½ ‖z − c_y‖²``, averaged over the labelled rows.

    Without labelled rows it is zero. Weighted, it is the weighted mean over rows.

    Parameters
    ----------
    n_classes : int
        How many classes there are; 0, when nothing is labelled, is taken as 1.
    latent_dim : int
        Dimensions of an embedding.
    center_weight : float
        λ of the paper; ≥ 0.
    softmax_weight : float
        1 in the paper; 0 is the centre term alone, which embeddings and centres can satisfy by collapsing.

    Raises
    ------
    ValueError
        If a weight is negative.

    Notes
    -----
    Wen et al. 2016, eq. 5, as a mean over rows. The centres are parameters learned by gradient, where the paper
    moves each by a share of its rows' mean difference (its eq. 4).

    Examples
    --------
    >>> loss = CenterLoss(n_classes=2, latent_dim=2, center_weight=1.0, softmax_weight=0.0)
    >>> z, y = torch.tensor([[3.0, 4.0]]), torch.tensor([1])
    >>> nn.init.zeros_(loss.centers).shape, loss(z, y).item()
    (torch.Size([2, 2]), 12.5)
    """

    def __init__(
        self, n_classes: int, latent_dim: int, center_weight: float = 0.1, softmax_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.center_weight = at_least_zero("center_weight", center_weight)
        self.softmax_weight = at_least_zero("softmax_weight", softmax_weight)
        self.softmax = SoftmaxLoss(n_classes, latent_dim)
        # Apart from the start: centres all in one point would first draw every class there.
        self.centers = nn.Parameter(torch.randn(max(1, n_classes), latent_dim))

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, latent_dim) under labels (n,)."""
        z, y, w = labelled_rows(z, y, weights)
        to_centers = (z - self.centers.to(z.dtype)[y]).square().sum(1) / 2
        return weighted_mean(self.softmax_weight * self.softmax.of_rows(z, y) + self.center_weight * to_centers, w)
