"""What a run is, before anything of it is loaded or computed."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunConfig:
    """What to run.

    dataset : a name or a path, as `load_dataset` takes it.
    labels, percent : how many labels to keep, or what share of all rows; neither: those the data come with.
    balanced : whether the kept labels are spread evenly over the classes.
    seed : of everything: the labels drawn, the fit, the evaluation.
    estimator : the arguments of `MetricEmbedder` that differ from its defaults.
    loading : further arguments of `load_dataset`.
    """

    dataset: str
    labels: int | None = None
    percent: float | None = None
    balanced: bool = True
    seed: int = 0
    estimator: dict[str, Any] = field(default_factory=dict)
    loading: dict[str, Any] = field(default_factory=dict)
