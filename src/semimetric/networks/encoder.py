"""The encoder: inputs to a posterior over embeddings."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from semimetric.networks.posteriors import PosteriorFamily


class Encoder(nn.Module):
    """``encoder(x)`` → a distribution over z with batch shape (n,) and event shape (latent_dim,).

    Parameters
    ----------
    network : Module
        Maps a batch of normalised inputs to (n, latent_dim · parameters_per_dimension).
    family : PosteriorFamily
        How those numbers are read: a point, or means and log-variances.
    """

    def __init__(self, network: nn.Module, family: PosteriorFamily) -> None:
        super().__init__()
        self.network = network
        self.family = family

    def forward(self, x: Tensor) -> Distribution:
        """Return the posterior of a batch of inputs; its parameters are in float32 at least."""
        parameters = self.network(x)
        if parameters.dtype in (torch.bfloat16, torch.float16):
            parameters = parameters.float()
        return self.family.read(parameters)
