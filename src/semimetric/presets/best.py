"""What to reach for with few labels: neighbours drawn together, and labels spread over their graph."""

from dataclasses import replace

from semimetric.model import CONTRAST, METRIC, Weights
from semimetric.presets.base import Preset

BEST = Preset(
    name="best",
    summary="contrast of views and neighbours on all rows, labels spread over the neighbours' graph, for few labels",
    citation="Zhou et al. 2004 on the graph of a contrastive space (Chen et al. 2020), in rounds",
    weights=lambda choices: Weights({METRIC: choices.gamma / (1 + choices.gamma), CONTRAST: 1 / (1 + choices.gamma)}),
    posterior="sphere",
    decoder=False,
    contrast=True,
    deformation=0.4,
    corruption=0.1,
    steps=1_600,
    fewest_epochs=10,
    defaults={
        "latent_dim": 32,
        "network": "pooled",
        "gamma": 20.0,
        "loss": "normalised-softmax",
        "routine": "self-training",
        "validation_share": 0.0,
    },
)

BEST_FAST = replace(
    BEST,
    name="best-fast",
    summary="best in a fraction of the time: a smaller network, half the epochs",
    steps=800,
    fewest_epochs=5,
    defaults={**BEST.defaults, "network": "auto"},
)
