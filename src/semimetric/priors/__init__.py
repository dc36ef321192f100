"""Priors over the latent space.

Adding one: a file here with a `Prior` subclass, and a line in `PRIORS`.
"""

from semimetric.priors.base import Prior
from semimetric.priors.unit import UnitPrior

PRIORS: dict[str, type[Prior]] = {"unit": UnitPrior}

__all__ = ["PRIORS", "Prior", "UnitPrior"]
