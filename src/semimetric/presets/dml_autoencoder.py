"""Deep metric learning on the labelled rows, joined with an autoencoder on all of them."""

from semimetric.model import Weights
from semimetric.presets.base import Preset

DML_AUTOENCODER = Preset(
    name="dml-autoencoder",
    summary="triplet loss on the labelled rows, reconstruction of all rows",
    citation="Safir et al. 2022, algorithm 2",
    weights=lambda choices: Weights.from_alpha(choices.alpha, beta=0),
)
