"""Mixtures of diagonal Gaussians: given, on a simplex, learned, or fitted to embeddings."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from semimetric.priors.base import Prior

FIT_ROWS = 20_000  # of a mixture fitted to embeddings, at most
SMALLEST_VARIANCE = 1e-3  # of a fitted component, as a share of the embeddings' mean variance


class MixturePrior(Prior):
    """``p(z) = Σ w_k N(z; m_k, diag v_k)`` with any number K of components.

    Parameters
    ----------
    means : Tensor (K, d)
    log_variances : float or Tensor (K, d)
        log v.
    logits : Tensor (K,), optional
        log w up to a constant; equal weights if not given.
    learned : bool
        Whether means, variances and weights are trained with the model, or stay as they are.

    >>> prior = MixturePrior(torch.tensor([[-3.0, 0.0], [3.0, 0.0]]), log_variances=0.0)
    >>> prior.distribution().mean
    tensor([0., 0.])
    """

    means: Tensor
    log_variances: Tensor
    logits: Tensor

    def __init__(
        self,
        means: Tensor,
        log_variances: float | Tensor = 0.0,
        logits: Tensor | None = None,
        learned: bool = False,
    ) -> None:
        super().__init__()
        spread = torch.as_tensor(log_variances, dtype=means.dtype).expand_as(means).clone()
        weights = means.new_zeros(len(means)) if logits is None else logits.clone()
        for name, value in (("means", means.clone()), ("log_variances", spread), ("logits", weights)):
            if learned:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def distribution(self) -> Distribution:
        """Return the mixture."""
        weights = Categorical(logits=self.logits, validate_args=False)
        return MixtureSameFamily(weights, self.components(), validate_args=False)

    def components(self) -> Independent:
        """Return the components, as one distribution of batch shape (K,)."""
        scales = (0.5 * self.log_variances).exp()
        return Independent(Normal(self.means, scales, validate_args=False), 1, validate_args=False)

    @torch.no_grad()
    def fit(self, Z: np.ndarray) -> "MixturePrior":
        """Set all parameters by expectation–maximisation on embeddings (n, d), and return self.

        The same embeddings give the same mixture; of more than 20,000, as many are drawn.
        A component that has closed in on a point or two keeps a variance of a thousandth of the embeddings' own.

        Raises
        ------
        ValueError
            If there are fewer embeddings than components.
        """
        from sklearn.mixture import GaussianMixture

        if len(Z) < len(self.means):
            raise ValueError(f"a mixture of {len(self.means)} components needs as many embeddings, got {len(Z)}")
        Z = np.asarray(Z, np.float64)
        if len(Z) > FIT_ROWS:
            Z = Z[np.random.default_rng(0).choice(len(Z), FIT_ROWS, replace=False)]
        centre, unit = Z.mean(0), float(np.sqrt(Z.var(0).mean()))
        if unit <= np.finfo(np.float32).eps * np.abs(Z).max():
            unit = 1.0  # they are one point: what spread there is comes from rounding
        mixture = GaussianMixture(len(self.means), covariance_type="diag", reg_covar=SMALLEST_VARIANCE, random_state=0)
        mixture.fit((Z - centre) / unit)
        self.means.copy_(torch.from_numpy(centre + unit * mixture.means_))
        self.log_variances.copy_(torch.from_numpy(np.log(unit**2 * mixture.covariances_)))
        self.logits.copy_(torch.from_numpy(np.log(mixture.weights_)))
        return self


def simplex(n_components: int, latent_dim: int, separation: float = 4.0) -> Tensor:
    """Return ``n_components`` points (K, d), each at the same distance from every other, centred on zero.

    The default separation is four standard deviations of a unit Gaussian.

    Raises
    ------
    ValueError
        If there are more than d + 1 of them: no d-dimensional space has room.

    >>> points = simplex(3, 5)
    >>> [round(float(distance), 4) for distance in torch.pdist(points)]
    [4.0, 4.0, 4.0]
    """
    if n_components > latent_dim + 1:
        raise ValueError(
            f"{n_components} points at equal distances need at least {n_components - 1} dimensions, got {latent_dim}"
        )
    corners = torch.eye(n_components, dtype=torch.float64) - 1 / n_components
    # The corners of a simplex span one dimension less than there are of them: rotate that plane onto the axes.
    _, _, axes = torch.linalg.svd(corners)
    flat = corners @ axes.T[:, : n_components - 1] * (separation / 2**0.5)
    return nn.functional.pad(flat, (0, latent_dim - n_components + 1)).float()


def scattered(n_components: int, latent_dim: int) -> Tensor:
    """Return where a learned mixture starts: on a simplex while there is room, else drawn from N(0, I)."""
    if n_components <= latent_dim + 1:
        return simplex(n_components, latent_dim)
    return torch.randn(n_components, latent_dim)
