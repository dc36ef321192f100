"""What every prior is: a distribution over the latent space that posteriors are drawn towards."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MixtureSameFamily, Normal


@dataclass(frozen=True)
class PriorSetting:
    """What a named prior is built from; each reads what concerns it.

    latent_dim : dimensions of the space.
    n_components : how many components a mixture has; None: the prior's own number.
    log_variance : of the components, where it is a choice.
    n_classes : how many classes are labelled; may be 0.
    shape : of one input, in the networks' layout.
    """

    latent_dim: int
    n_components: int | None = None
    log_variance: float | None = None
    n_classes: int = 0
    shape: tuple[int, ...] = ()


class Prior(nn.Module, ABC):
    """A distribution over embeddings, whose parameters (if any) are learned with the model's."""

    has_closed_form = False  # whether `kl` is exact, and needs no sample
    uses_labels = False  # whether `log_prob` and `kl` are other ones for a labelled row
    inputs_wanted = 0  # how many rows of data `initialise` asks for
    wants_embeddings = False  # whether it is nothing before `fit` was called

    @abstractmethod
    def distribution(self) -> Distribution:
        """Return the distribution, with event shape (d,), at the present parameters."""

    def sample(self, n: int) -> Tensor:
        """Return ``n`` independent draws, shape (n, d)."""
        return self.distribution().sample((n,))

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the log-density of ``z`` (…, n, d), shape (…, n); ``y`` (n,), −1 for unlabelled, may condition it."""
        return self.distribution().log_prob(z)

    def kl(self, posterior: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return KL(posterior ‖ prior) per row, shape (n,), in nats.

        Here the Monte Carlo estimate, the mean of ``log q(z) − log p(z)`` over samples ``z`` ~ q of shape (n, d)
        or (samples, n, d); priors with a closed form override it.
        """
        difference = posterior.log_prob(z) - self.log_prob(z, y)
        return difference if z.ndim == 2 else difference.mean(0)

    @torch.no_grad()
    def gaussians(self, most: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return up to ``most`` Gaussian components: means (K, d), scales (K, d) and weights (K,), to be drawn.

        None if the distribution is not made of diagonal Gaussians.
        """
        p = self.distribution()
        if isinstance(p, Independent) and isinstance(p.base_dist, Normal):
            loc, scale = p.base_dist.loc.detach(), p.base_dist.scale.detach()
            return loc[None], scale[None], loc.new_ones(1)
        if isinstance(p, MixtureSameFamily) and isinstance(p.component_distribution, Independent):
            parts = p.component_distribution.base_dist
            if isinstance(parts, Normal):
                weights = p.mixture_distribution.probs
                return parts.loc[:most].detach(), parts.scale[:most].detach(), weights[:most].detach()
        return None

    def attach(self, encoder: Callable[[Tensor], Distribution]) -> None:
        """Take note of the model's encoder; for priors that are made of posteriors."""

    def initialise(self, inputs: Tensor) -> None:
        """Start from ``inputs_wanted`` normalised rows of the training data; called once, before training."""

    def fit(self, Z: np.ndarray) -> "Prior":
        """Take the shape of embeddings (n, d), where the prior is one that can, and return self."""
        raise NotImplementedError(f"a {type(self).__name__} is not fitted to embeddings")


def gaussian(posterior: Distribution) -> Normal:
    """Return the factors (n, d) of a diagonal Gaussian posterior.

    Raises
    ------
    ValueError
        If it is another distribution.
    """
    factors = posterior.base_dist if isinstance(posterior, Independent) else None
    if not isinstance(factors, Normal):
        raise ValueError(f"this estimator needs a diagonal Gaussian posterior, got {type(posterior).__name__}")
    return factors
