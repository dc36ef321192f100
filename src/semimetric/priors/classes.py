"""A label-aware mixture: one learned Gaussian per class."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from semimetric.data.arrays import UNLABELLED
from semimetric.priors.mixture import MixturePrior, scattered


class ClassPrior(MixturePrior):
    """``p(z | y) = N(z; m_y, diag v_y)`` for a labelled row, ``p(z) = Σ_y w_y p(z | y)`` for an unlabelled one.

    All parameters are learned. A labelled row is drawn to its own class's component, with the KL in closed form;
    an unlabelled one to the mixture, by Monte Carlo. (The prior of a Gaussian-mixture VAE with observed classes.)

    Parameters
    ----------
    n_classes, latent_dim : int
        Components and dimensions.
    log_variance : float
        Where the components' log-variances start.

    >>> prior = ClassPrior(2, latent_dim=3)
    >>> posterior = Independent(Normal(prior.means.detach(), torch.ones(2, 3)), 1)
    >>> prior.kl(posterior, posterior.mean, torch.tensor([0, 1])).tolist()
    [0.0, 0.0]
    """

    uses_labels = True

    def __init__(self, n_classes: int, latent_dim: int, log_variance: float = 0.0) -> None:
        super().__init__(scattered(max(1, n_classes), latent_dim), log_variance, learned=True)

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return ``log p(z | y)`` for labelled rows, ``log p(z)`` for the others, shape (…, n)."""
        mixture = self.distribution().log_prob(z)
        if y is None:
            return mixture
        return torch.where(y == UNLABELLED, mixture, self._of_class(y).log_prob(z))

    def kl(self, posterior: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return KL(posterior ‖ p(z | y)) per labelled row, exactly, and an estimate of KL(posterior ‖ p) per other."""
        estimate = super().kl(posterior, z)
        if y is None:
            return estimate
        return torch.where(y == UNLABELLED, estimate, kl_divergence(posterior, self._of_class(y)))

    def _of_class(self, y: Tensor) -> Distribution:
        known = y.clamp(min=0)
        scales = (0.5 * self.log_variances).exp()
        return Independent(Normal(self.means[known], scales[known], validate_args=False), 1, validate_args=False)
