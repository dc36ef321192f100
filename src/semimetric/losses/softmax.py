"""Softmax cross-entropy: classification of the embedding by one linear layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semimetric.losses.base import MetricLoss, labelled_rows
from semimetric.losses.reductions import weighted_mean


class SoftmaxLoss(MetricLoss):
    """``−log softmax(W z + b)_y``, averaged over the labelled rows; W and b are learned with the networks.

    Needs labels 0 … n_classes − 1 and not even two rows of a class. Without labelled rows it is zero. Weighted, it
    is the weighted mean over rows.

    Parameters
    ----------
    n_classes : int
        How many classes there are; 0, when nothing is labelled, is taken as 1.
    latent_dim : int
        Dimensions of an embedding.

    Notes
    -----
    The "supervised loss" of Safir et al. 2022. It asks that classes be linearly separable, not that distances be
    small within them: `CenterLoss` asks for both.

    Examples
    --------
    >>> loss = SoftmaxLoss(n_classes=2, latent_dim=3)
    >>> z, y = torch.zeros(1, 3), torch.tensor([1])
    >>> nn.init.zeros_(loss.linear.bias).tolist(), round(loss(z, y).item(), 4)  # log 2
    ([0.0, 0.0], 0.6931)
    """

    def __init__(self, n_classes: int, latent_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(latent_dim, max(1, n_classes))

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, latent_dim) under labels (n,)."""
        z, y, w = labelled_rows(z, y, weights)
        return weighted_mean(self.of_rows(z, y), w)

    def of_rows(self, z: Tensor, y: Tensor) -> Tensor:
        """Return the cross-entropy (n,) of each of n labelled rows."""
        with torch.autocast(z.device.type, enabled=False):
            logits = F.linear(z, self.linear.weight.to(z.dtype), self.linear.bias.to(z.dtype))
            return F.cross_entropy(logits, y.long(), reduction="none")
