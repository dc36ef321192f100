"""Priors over the latent space, and how the KL divergence to them is estimated.

Adding one: a file here with a `Prior`, and a line in `PRIORS`.
"""

from collections.abc import Callable

from semimetric.errors import nearest_names
from semimetric.priors.base import Prior, PriorSetting
from semimetric.priors.classes import ClassPrior
from semimetric.priors.estimators import KL_ESTIMATORS, KLEstimator
from semimetric.priors.fitted import FittedPrior
from semimetric.priors.hypercube import HypercubePrior
from semimetric.priors.mixture import MixturePrior, scattered, simplex
from semimetric.priors.unit import UnitPrior
from semimetric.priors.vamp import VampPrior

PSEUDO_INPUTS = 100
COMPONENTS = 10


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


PRIORS: dict[str, Callable[[PriorSetting], Prior]] = {
    "unit": lambda s: UnitPrior(s.latent_dim),
    "hypercube": lambda s: HypercubePrior(s.latent_dim, _or(s.log_variance, 1.0)),
    "simplex": lambda s: MixturePrior(
        simplex(s.n_components or s.latent_dim + 1, s.latent_dim), _or(s.log_variance, 0)
    ),
    "mixture": lambda s: MixturePrior(
        scattered(s.n_components or COMPONENTS, s.latent_dim), _or(s.log_variance, 0), learned=True
    ),
    "fitted": lambda s: FittedPrior(s.n_components or s.n_classes or COMPONENTS, s.latent_dim),
    "classes": lambda s: ClassPrior(s.n_classes, s.latent_dim, _or(s.log_variance, 0)),
    "vamp": lambda s: VampPrior(s.n_components or PSEUDO_INPUTS, s.shape),
}


def get_prior(name: str, setting: PriorSetting) -> Prior:
    """Return the prior of that name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.

    >>> get_prior("hypercube", PriorSetting(latent_dim=2)).sample(3).shape
    torch.Size([3, 2])
    """
    if name not in PRIORS:
        raise ValueError(f"unknown prior {name!r}: {nearest_names(name, PRIORS)}")
    return PRIORS[name](setting)


__all__ = [
    "KL_ESTIMATORS",
    "PRIORS",
    "ClassPrior",
    "FittedPrior",
    "HypercubePrior",
    "KLEstimator",
    "MixturePrior",
    "Prior",
    "PriorSetting",
    "UnitPrior",
    "VampPrior",
    "get_prior",
    "simplex",
]
