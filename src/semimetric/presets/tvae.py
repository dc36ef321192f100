"""The triplet-based variational autoencoder."""

from semimetric.model import KL, METRIC, RECONSTRUCTION, Weights
from semimetric.presets.base import Preset

TVAE = Preset(
    name="tvae",
    summary="a VAE of all rows + triplet loss on the posterior means of the labelled rows, two-layer networks",
    citation="Ishfaq & Liu 2018, eq. 5",
    weights=lambda choices: Weights({KL: choices.alpha, RECONSTRUCTION: choices.beta, METRIC: choices.gamma}),
    posterior="gaussian",
    views=(),
    defaults={
        "prior": "unit",
        "latent_dim": 20,
        "alpha": 1.0,
        "beta": 1.0,
        "gamma": 35.0,
        "loss": "random-triplet",
        "margin": 1.0,
        "metric_on": "mean",
        "reconstruction": "sum",
        "network": "two-layer",
    },
)
