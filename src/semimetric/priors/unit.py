"""The unit Gaussian prior N(0, I)."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from semimetric.priors.base import Prior


class UnitPrior(Prior):
    """N(0, I) in ``latent_dim`` dimensions, with the KL in closed form (Kingma & Welling 2014, appendix B).

    >>> from torch.distributions import Independent, Normal
    >>> posterior = Independent(Normal(torch.ones(1, 3), torch.ones(1, 3)), 1)
    >>> UnitPrior(3).kl(posterior, posterior.mean)
    tensor([1.5000])
    """

    has_closed_form = True
    location: Tensor

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.register_buffer("location", torch.zeros(latent_dim))

    def distribution(self) -> Distribution:
        """Return N(0, I)."""
        scale = torch.ones_like(self.location)
        return Independent(Normal(self.location, scale, validate_args=False), 1, validate_args=False)

    def kl(self, posterior: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return ½ Σ (μ² + σ² − 1 − log σ²) per row, shape (n,); the sample ``z`` is not needed."""
        return kl_divergence(posterior, self.distribution().expand(posterior.batch_shape))
