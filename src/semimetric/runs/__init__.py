"""Runs: one configuration, fitted and evaluated, in one directory. Studies are grids of these.

To name a run or to read one is cheap: PyTorch and the estimator are loaded with what fits or scores.
"""

from typing import TYPE_CHECKING, Any

from semimetric.runs.config import RunConfig
from semimetric.runs.directory import RunDirectory, RunRecord

if TYPE_CHECKING:
    from semimetric.runs.execution import execute
    from semimetric.runs.scores import score

__all__ = ["RunConfig", "RunDirectory", "RunRecord", "execute", "score"]


def __getattr__(name: str) -> Any:
    if name == "execute":
        from semimetric.runs.execution import execute

        return execute
    if name == "score":
        from semimetric.runs.scores import score

        return score
    raise AttributeError(f"module 'semimetric.runs' has no attribute {name!r}")
