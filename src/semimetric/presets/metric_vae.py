"""A variational autoencoder whose latent space labels shape: MetricVAE, in its α form and its joint γ form.

Both defaults weigh the KL by about 0.3, which leaves room for what the labels ask beside what reconstruction does: an
ELBO, and samples at their best, want `beta` 1 (in the α form 1 / the number of elements of an input).
"""

from semimetric.model import Weights
from semimetric.presets.base import Preset
from semimetric.training import LABELLED

METRIC_VAE = Preset(
    name="metric-vae",
    summary="triplet loss on the labelled rows, a VAE with a VampPrior on all of them, joined by alpha and beta",
    citation="Safir et al. 2022, algorithm 5",
    weights=lambda choices: Weights.from_alpha(choices.alpha, choices.beta),
    posterior="gaussian",
    views=(LABELLED,),
    # Of 784 pixels, beta = 0.0013 would make an ELBO of the two terms.
    defaults={"prior": "vamp", "alpha": 0.975, "beta": 0.0004, "margin": 1.0, "warm_up": 0.1},
)

JOINT_MVAE = Preset(
    name="joint-mvae",
    summary="reconstruction + beta · KL of all rows + gamma · triplet loss on the labelled ones, in every step",
    citation="Safir et al. 2022, Table 4",
    weights=lambda choices: Weights.from_gamma(choices.gamma, choices.beta),
    posterior="gaussian",
    views=(LABELLED,),
    defaults={"prior": "unit", "beta": 0.3, "margin": 1.0, "reconstruction": "sum", "warm_up": 0.1},
)
