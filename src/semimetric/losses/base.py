"""What every metric loss is: a module called with embeddings, labels and, where wanted, weights."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class MetricLoss(nn.Module, ABC):
    """A loss over a batch of embeddings; subclasses write `forward`."""

    @abstractmethod
    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the scalar loss.

        Parameters
        ----------
        z : Tensor (n, d)
            Embeddings.
        y : Tensor (n,)
            Integer labels; rows labelled −1 take no part and receive a gradient of exactly zero.
        weights : Tensor (n,), optional
            How much each row counts, ≥ 0; all ones if not given.
        """

    def for_monitoring(self) -> "MetricLoss":
        """Return the form of this loss whose values may be compared between epochs, for early stopping."""
        return self
