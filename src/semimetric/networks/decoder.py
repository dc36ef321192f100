"""The decoder: embeddings to a distribution over inputs."""

from torch import Tensor, nn

from semimetric.networks.chunks import in_chunks
from semimetric.networks.likelihoods import Likelihood


class Decoder(nn.Module):
    """A conditional likelihood p(x | z).

    Parameters
    ----------
    network : Module
        Maps embeddings (n, latent_dim) to the shape of a batch of inputs.
    likelihood : Likelihood
        How its output is read: the mean of a Gaussian, or the logits of Bernoullis.

    Attributes
    ----------
    chunk_size : int or None
        Rows computed at a time where gradients are kept; None: all.
    """

    chunk_size: int | None = None

    def __init__(self, network: nn.Module, likelihood: Likelihood) -> None:
        super().__init__()
        self.network = network
        self.likelihood = likelihood

    def mean(self, z: Tensor) -> Tensor:
        """Return E[x | z], the reconstruction, shape (n, …)."""
        return self.likelihood.mean(self._output(z))

    def log_prob(self, x: Tensor, z: Tensor) -> Tensor:
        """Return ``log p(x | z)`` per row, shape (n,), in nats."""
        return self.likelihood.log_prob(self._output(z), x)

    def distortion(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the reconstruction error per element, shape (n, elements)."""
        return self.likelihood.distortion(self._output(z), x).flatten(1)

    def _output(self, z: Tensor) -> Tensor:
        return in_chunks(self.network, z, self.chunk_size)
