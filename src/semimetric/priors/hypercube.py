"""The hypercube mixture: one Gaussian at every vertex of {−1, +1}^d."""

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from semimetric.priors.base import Prior


class HypercubePrior(Prior):
    """2^d equally weighted Gaussians at {−1, +1}^d, all of one fixed variance: the GMM prior of Safir et al. 2022.

    The mixture is a product over dimensions, ``p(z) = Π ½ [N(z_i; −1, σ²) + N(z_i; 1, σ²)]``, so that no vertex is
    ever enumerated: 64 dimensions cost sixteen times what 4 do, and not 2^60 times.

    Parameters
    ----------
    latent_dim : int
        Dimensions d.
    log_variance : float
        log σ² of every component. The paper's value is 1, at which every marginal has a single mode: two equal
        Gaussians show two only when their means are more than 2σ apart, here for a log-variance below 0.

    >>> HypercubePrior(64).sample(5).shape
    torch.Size([5, 64])
    """

    vertices: Tensor
    log_variance: Tensor

    def __init__(self, latent_dim: int, log_variance: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("vertices", torch.tensor([-1.0, 1.0]).repeat(latent_dim, 1))
        self.register_buffer("log_variance", torch.tensor(float(log_variance)))

    def gaussians(self, most: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return the components, or None if there are more than ``most`` vertices."""
        d = len(self.vertices)
        if 2**d > most:
            return None
        means = torch.cartesian_prod(*self.vertices).reshape(2**d, d)
        return means, (0.5 * self.log_variance).exp().expand_as(means), means.new_full((2**d,), 0.5**d)

    def distribution(self) -> Distribution:
        """Return the product of ``latent_dim`` two-component mixtures."""
        scale = (0.5 * self.log_variance).exp().expand_as(self.vertices)
        sides = Categorical(logits=torch.zeros_like(self.vertices), validate_args=False)
        marginals = MixtureSameFamily(sides, Normal(self.vertices, scale, validate_args=False), validate_args=False)
        return Independent(marginals, 1, validate_args=False)
