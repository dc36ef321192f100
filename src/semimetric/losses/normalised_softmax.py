"""Normalised softmax: classification by the cosine between an embedding and a learned direction per class."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semimetric.losses.base import MetricLoss, above_zero, labelled_rows
from semimetric.losses.reductions import weighted_mean


class NormalisedSoftmaxLoss(MetricLoss):
    """``−log softmax(cos(z, w_c) / τ)_y``, averaged over the labelled rows; the directions w_c are learned.

    A class has one direction, its proxy, and its rows are drawn together there: unlike under `SoftmaxLoss`, being
    near in angle is being of one class. Needs labels 0 … n_classes − 1. Without labelled rows it is zero. Weighted,
    it is the weighted mean over rows.

    Parameters
    ----------
    n_classes : int
        How many classes there are; 0, when nothing is labelled, is taken as 1.
    latent_dim : int
        Dimensions of an embedding.
    temperature : float
        τ > 0: the smaller, the less a row that is on its class's side still counts.

    Raises
    ------
    ValueError
        If the temperature is not positive.

    Notes
    -----
    Wang et al. 2017 (NormFace), eq. 7; Zhai & Wu 2019 show it to be metric learning with one proxy per class.

    Examples
    --------
    >>> loss = NormalisedSoftmaxLoss(n_classes=2, latent_dim=2, temperature=1.0)
    >>> _ = loss.proxies.data.copy_(torch.eye(2))
    >>> round(loss(torch.tensor([[3.0, 0.0]]), torch.tensor([0])).item(), 4)  # log(1 + exp(−1))
    0.3133
    """

    takes_in = True

    def __init__(self, n_classes: int, latent_dim: int, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = above_zero("temperature", temperature)
        self.proxies = nn.Parameter(torch.randn(max(1, n_classes), latent_dim))
        self._taken_in: tuple[Tensor, int] | None = None  # of no state: whoever had it made has it made again

    def take_in(self, centres: Tensor, first: int) -> None:
        """Have the centres (k, d) for the directions of the classes from ``first`` on, which are not learned."""
        self._taken_in = (centres.detach(), first) if len(centres) else None

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, latent_dim) under labels (n,)."""
        z, y, w = labelled_rows(z, y, weights)
        return weighted_mean(self.of_rows(z, y), w)

    def of_rows(self, z: Tensor, y: Tensor) -> Tensor:
        """Return the cross-entropy (n,) of each of n labelled rows."""
        with torch.autocast(z.device.type, enabled=False):
            directions = F.normalize(self._directions().to(z.dtype), dim=1)
            logits = F.normalize(z, dim=1) @ directions.T / self.temperature
            return F.cross_entropy(logits, y.long(), reduction="none")

    def _directions(self) -> Tensor:
        if self._taken_in is None:
            return self.proxies
        centres, first = self._taken_in
        return torch.cat([self.proxies[:first], centres.to(self.proxies)])
