"""Plain deep metric learning on the labelled rows."""

from semimetric.model import METRIC, Weights
from semimetric.presets.base import Preset

DML = Preset(
    name="dml",
    summary="triplet loss on the labelled rows alone",
    citation="Safir et al. 2022, algorithm 1",
    weights=lambda choices: Weights({METRIC: 1.0}),
    decoder=False,
)
