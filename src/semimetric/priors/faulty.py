"""Two KL estimators that are wrong, kept to reproduce and explain published results. Do not train with them.

Algorithm 4 of Safir et al. 2022 estimates the KL divergence at a sample z with P = −½ (z − μ)² / exp(σ), the
posterior's, and Q = −½ (z − μ_p)² / exp(σ_p), the prior's log-density, both without their normalising constants,
and returns **Q − P**. KL(q ‖ p) is the mean of log q − log p: the sign is reversed, so that minimising it drives
embeddings away from the prior, without end. And without the term −½ log σ² nothing rewards a wide posterior.

The paper's algorithm has no sum over mixture components; here one component is drawn uniformly for each sample.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, Normal

from semimetric.priors.base import Prior, gaussian


def as_printed(prior: Prior, posterior: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
    """FAULTY: ``Q − P``, algorithm 4 of Safir et al. 2022 as it is printed; unbounded below.

    Per row, shape (n,); see the module for what is wrong with it.
    """
    return -sign_mended(prior, posterior, z, y)


def sign_mended(prior: Prior, posterior: Distribution, z: Tensor, y: Tensor | None = None) -> Tensor:
    """FAULTY: ``P − Q``, the same with its sign mended, still without the normalising constants.

    Per row, shape (n,); see the module for what is wrong with it.
    """
    factors = gaussian(posterior)
    mean, scale = _some_component(prior.distribution(), z)
    P = -0.5 * ((z - factors.loc) / factors.scale).square().sum(-1)
    Q = -0.5 * ((z - mean) / scale).square().sum(-1)
    return P - Q if z.ndim == 2 else (P - Q).mean(0)


def _some_component(p: Distribution, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and scale, of z's shape, of a component drawn uniformly for each row."""
    inner = p.base_dist if isinstance(p, Independent) else p
    if isinstance(inner, Normal):
        return inner.loc, inner.scale
    if not isinstance(inner, MixtureSameFamily):
        raise ValueError(f"algorithm 4 needs a prior of Gaussian components, got {type(p).__name__}")
    parts = inner.component_distribution
    if isinstance(parts, Normal):  # a product of mixtures, (d, K): a vertex is a choice in each dimension
        drawn = torch.randint(parts.loc.shape[1], z.shape, device=z.device)
        across = torch.arange(z.shape[-1], device=z.device)
        return parts.loc[across, drawn], parts.scale[across, drawn]
    factors = gaussian(parts)
    drawn = torch.randint(len(factors.loc), z.shape[:-1], device=z.device)
    return factors.loc[drawn], factors.scale[drawn]
