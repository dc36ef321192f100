"""Deep metric learning on the labelled rows, with a prior over the embeddings of all of them."""

from semimetric.model import KL, METRIC, Weights
from semimetric.presets.base import Choices, Preset


def _weights(choices: Choices) -> Weights:
    return Weights.from_alpha(choices.alpha, choices.beta).only(METRIC, KL)


# A weak prior on the means: at the published weight even the right KL leaves embeddings no room for classes.
_SETTINGS = {"alpha": 0.33, "beta": 0.001, "metric_on": "mean", "free_bits": 1.0, "warm_up": 0.3, "margin": 0.3}

DML_UNIT_PRIOR = Preset(
    name="dml-unit-prior",
    summary="triplet loss on the labelled rows, embeddings of all rows drawn to N(0, I)",
    citation="Safir et al. 2022, algorithm 3",
    weights=_weights,
    posterior="gaussian",
    decoder=False,
    defaults={**_SETTINGS, "prior": "unit"},
)

DML_GMM_PRIOR = Preset(
    name="dml-gmm-prior",
    summary="triplet loss on the labelled rows, embeddings of all rows drawn to a mixture at a hypercube's vertices",
    citation="Safir et al. 2022, algorithm 3",
    weights=_weights,
    posterior="gaussian",
    decoder=False,
    defaults={**_SETTINGS, "prior": "hypercube"},
)
