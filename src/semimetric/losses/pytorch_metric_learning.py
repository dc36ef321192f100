"""The losses and miners of the package pytorch-metric-learning, as metric losses.

The package is never imported here: it is needed only by those who hand over an object of it.
"""

import torch
from torch import Tensor, nn

from semimetric.losses.base import MetricLoss, labelled_rows
from semimetric.losses.masks import pair_masks
from semimetric.losses.ranks import gathered


class PyTorchMetricLearning(MetricLoss):
    """A loss of pytorch-metric-learning, with or without a miner, in which the label −1 takes no part.

    Parameters of the loss (proxies, class weights) are parameters of this module, so they are trained with the
    networks. A batch with fewer than two labelled rows has loss zero and gradient zero; so has one without a
    positive pair where the loss itself is NaN, a mean over nothing (NCALoss).

    Parameters
    ----------
    loss : nn.Module
        An object out of ``pytorch_metric_learning.losses``.
    miner : nn.Module, optional
        An object out of ``pytorch_metric_learning.miners``; it sees the labelled rows alone.

    Raises
    ------
    TypeError
        If one of them is anything else, such as a class; when called, if the loss does not return a scalar.

    Notes
    -----
    Musgrave et al. 2020, "PyTorch Metric Learning". Most of its distances normalise embeddings unless told not to.
    Its losses know no weights of rows: they are refused.

    Examples
    --------
    >>> from pytorch_metric_learning import distances, losses
    >>> loss = PyTorchMetricLearning(losses.ContrastiveLoss(distance=distances.LpDistance(normalize_embeddings=False)))
    >>> loss(torch.tensor([[0.0], [0.5], [7.0]]), torch.tensor([4, 4, -1])).item()
    0.5
    """

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        if not isinstance(loss, nn.Module):
            raise TypeError(f"loss must be an object such as losses.ContrastiveLoss(), got {loss!r}")
        if isinstance(loss, MetricLoss):
            raise TypeError(f"{type(loss).__name__} is a metric loss already: use it as it is")
        if not (miner is None or isinstance(miner, nn.Module)):
            raise TypeError(f"miner must be None or an object such as miners.BatchHardMiner(), got {miner!r}")
        self.loss = loss
        self.miner = miner

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss of embeddings (n, d) under labels (n,); weights other than None are a ValueError."""
        if weights is not None:
            raise ValueError("losses of pytorch-metric-learning know no weights of rows: weights must be None")
        z, y, _, _ = gathered(*labelled_rows(z, y))
        nothing = (z * 0).sum()
        if len(z) < 2:
            return nothing + sum((p * 0).sum() for p in self.parameters())
        y = y.long()
        with torch.autocast(z.device.type, enabled=False):
            value = self.loss(z, y, None if self.miner is None else self.miner(z, y))
        if not isinstance(value, Tensor) or value.ndim:
            raise TypeError(f"loss must return a scalar: give it a reducer such as MeanReducer(), got {value!r}")
        of_nothing = value.isnan() & ~pair_masks(y)[0].any()
        return nothing + value.where(~of_nothing, nothing)

    def for_monitoring(self) -> "PyTorchMetricLearning":
        """Return the same loss without its miner, whose choice of pairs follows the embeddings.

        Many of these losses average over what is not yet satisfied (AvgNonZeroReducer), which hardly falls as a fit
        improves: to stop early by such a loss, build it with a MeanReducer.
        """
        return PyTorchMetricLearning(self.loss)
