"""Priors over the latent space."""

from semimetric.priors.base import Prior
from semimetric.priors.unit import UnitPrior

__all__ = ["Prior", "UnitPrior"]
