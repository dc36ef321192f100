"""The unsupervised baseline: the DML autoencoder at α = 1."""

from semimetric.model import RECONSTRUCTION, Weights
from semimetric.presets.base import Preset

AUTOENCODER = Preset(
    name="autoencoder",
    summary="reconstruction of all rows; labels serve only to name neighbours",
    citation="Safir et al. 2022, algorithm 2 at alpha = 1",
    weights=lambda choices: Weights({RECONSTRUCTION: 1.0}),
    metric=False,
)
