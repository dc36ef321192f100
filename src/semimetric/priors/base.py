"""What every prior is: a distribution over the latent space that posteriors are drawn towards."""

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.distributions import Distribution


class Prior(nn.Module, ABC):
    """A distribution over embeddings, whose parameters (if any) are learned with the model's."""

    @abstractmethod
    def distribution(self) -> Distribution:
        """Return the distribution, with event shape (d,), at the present parameters."""

    def sample(self, n: int) -> Tensor:
        """Return ``n`` independent draws, shape (n, d)."""
        return self.distribution().sample((n,))

    def kl(self, posterior: Distribution, z: Tensor) -> Tensor:
        """Return KL(posterior ‖ prior) per row, shape (n,), in nats.

        Here a one-sample Monte Carlo estimate, ``log q(z) − log p(z)`` at the sample ``z`` (n, d) that the rest
        of the step uses; priors with a closed form override it.
        """
        return posterior.log_prob(z) - self.distribution().log_prob(z)
