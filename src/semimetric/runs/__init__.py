"""Runs: one configuration, fitted and evaluated, in one directory. Studies will be grids of these."""

from semimetric.runs.directory import RunDirectory, RunRecord
from semimetric.runs.execute import RunConfig, execute
from semimetric.runs.scores import score

__all__ = ["RunConfig", "RunDirectory", "RunRecord", "execute", "score"]
