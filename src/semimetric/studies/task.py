"""A study's unit of work and what it yields: one run, and its place in the study's table."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from semimetric.runs import RunConfig

Scalar = str | int | float | bool | None

SCORED_ON, VALIDATION = "scored_on", "validation"
"""In a configuration's ``loading``: scored on validation rows, as a search's trials are, instead of the test rows."""

WHERE_IT_RAN = ("device",)
"""Arguments of the estimator that say where a run is computed, not what it is."""


@dataclass(frozen=True)
class Task:
    """One run of a study.

    config : what the run is.
    place : its coordinates in the study: ``dataset``, ``labels`` or ``percent``, ``seed``, ``row`` (the row's name,
        where it has one) and every argument of the study's rows and grid, or of its search, and then ``trial``.

    >>> one = Task(RunConfig("digits", labels=50, estimator={"alpha": 1}), {"seed": 0})
    >>> two = Task(RunConfig("digits", labels=50, estimator={"alpha": 1.0}), {"row": "the same run elsewhere"})
    >>> one.key == two.key, len(one.key)
    (True, 16)
    """

    config: RunConfig
    place: Mapping[str, Scalar]

    @cached_property
    def _key(self) -> str:
        return key_of(self.config)

    @property
    def key(self) -> str:
        """16 hexadecimal digits of a hash of the full configuration: the name of the run's directory."""
        return self._key


@dataclass(frozen=True)
class Result:
    """What became of a task; tables are made of these.

    place : the task's.
    status : "done", "failed" or "missing" (not run yet, or pruned by a search).
    metrics : the run's scores, flat, the baselines' among them as ``pca.knn_accuracy``, ``raw.…``.
    seconds : core-seconds of fit and evaluation; 0 if not done.
    error : what a failed run ended with, in one line.
    """

    place: Mapping[str, Scalar]
    status: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


def key_of(config: RunConfig) -> str:
    """Return the key of a configuration, in which 1 and 1.0 are the same, and where it is computed plays no part."""
    estimator = {name: value for name, value in config.estimator.items() if name not in WHERE_IT_RAN}
    content = {**vars(config), "estimator": estimator}
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
