"""The encoder: inputs to a posterior over embeddings."""

from torch import Tensor, nn
from torch.distributions import Distribution

from semimetric.networks.chunks import in_chunks
from semimetric.networks.folding import folded
from semimetric.networks.posteriors import PosteriorFamily
from semimetric.networks.precision import at_least_float32


class Encoder(nn.Module):
    """``encoder(x)`` → a distribution over z with batch shape (n,) and event shape (latent_dim,).

    Parameters
    ----------
    network : Module
        Maps a batch of normalised inputs to (n, latent_dim · parameters_per_dimension).
    family : PosteriorFamily
        How those numbers are read: a point, or means and log-variances.

    Attributes
    ----------
    chunk_size : int or None
        Rows computed at a time where gradients are kept; None: all.
    """

    chunk_size: int | None = None

    def __init__(self, network: nn.Module, family: PosteriorFamily) -> None:
        super().__init__()
        self.network = network
        self.family = family

    def forward(self, x: Tensor) -> Distribution:
        """Return the posterior of a batch of inputs; its parameters are in float32 at least."""
        return self.family.read(self._numbers(x))

    def mean(self, x: Tensor) -> Tensor:
        """Return the posterior's mean (n, latent_dim), without making the distribution."""
        return self.family.mean(self._numbers(x))

    def folded(self) -> "Encoder":
        """Return this encoder as it is after training, in evaluation mode and faster; see `folding.folded`."""
        return Encoder(folded(self.network), self.family)

    def _numbers(self, x: Tensor) -> Tensor:
        return at_least_float32(in_chunks(self.network, x, self.chunk_size))
