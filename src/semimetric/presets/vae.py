"""The unsupervised baselines: variational autoencoders with a unit prior and with a VampPrior."""

from semimetric.model import KL, RECONSTRUCTION, Weights
from semimetric.presets.base import Choices, Preset


def _weights(choices: Choices) -> Weights:
    return Weights({RECONSTRUCTION: 1.0, KL: choices.beta})


VAE = Preset(
    name="vae",
    summary="a variational autoencoder of all rows; labels serve only to name neighbours",
    citation="Kingma & Welling 2014",
    weights=_weights,
    posterior="gaussian",
    metric=False,
    views=(),
    defaults={"prior": "unit", "reconstruction": "sum"},
)

VAMP_VAE = Preset(
    name="vamp-vae",
    summary="a variational autoencoder of all rows whose prior is made of its own posteriors",
    citation="Tomczak & Welling 2018",
    weights=_weights,
    posterior="gaussian",
    metric=False,
    views=(),
    defaults={"prior": "vamp", "reconstruction": "sum"},
)
