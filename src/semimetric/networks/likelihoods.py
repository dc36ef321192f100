"""Likelihoods: how the numbers that a decoder's network puts out are read as a distribution over x."""

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from semimetric.networks.precision import at_least_float32


class Likelihood(ABC):
    """A conditional distribution over inputs, independent over their elements given the network's output."""

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """Return E[x | output], of the output's shape."""

    @abstractmethod
    def distortion(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the error per element, of the output's shape: ``−log p`` up to a constant of the data's size."""

    @abstractmethod
    def log_prob(self, output: Tensor, x: Tensor) -> Tensor:
        """Return ``log p(x | output)`` per row, shape (n,), in nats."""


class Gaussian(Likelihood):
    """Squared error: a Gaussian of fixed variance around the network's output.

    The variance is ½, at which ``−log p`` is the plain squared error plus ``½ log π`` per element; this is the
    "MSE" or "pixel L2" of Safir et al. 2022 and of TVAE.

    >>> Gaussian().distortion(torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    tensor([[4.]])
    """

    def mean(self, output: Tensor) -> Tensor:
        """Return the output."""
        return output

    def distortion(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the squared error per element."""
        return (at_least_float32(output) - x).square()

    def log_prob(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the log-density per row under N(output, ½)."""
        error = self.distortion(output, x).flatten(1)
        return -error.sum(1) - 0.5 * math.log(math.pi) * error.shape[1]


class Bernoulli(Likelihood):
    """Binary cross-entropy: a Bernoulli per element whose logit is the network's output; x lies in [0, 1].

    >>> Bernoulli().log_prob(torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 1.0]]))
    tensor([-2.0794])
    """

    def mean(self, output: Tensor) -> Tensor:
        """Return the probabilities."""
        return torch.sigmoid(at_least_float32(output))

    def distortion(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the cross-entropy per element, in nats."""
        return F.binary_cross_entropy_with_logits(at_least_float32(output), x, reduction="none")

    def log_prob(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the log-probability per row; for x strictly between 0 and 1, the cross-entropy's negative."""
        return -self.distortion(output, x).flatten(1).sum(1)


LIKELIHOODS: dict[str, type[Likelihood]] = {"gaussian": Gaussian, "bernoulli": Bernoulli}
