"""A study's tables, written beside its runs."""

from collections.abc import Sequence
from pathlib import Path

from semimetric.studies.specification import Study
from semimetric.studies.task import Result


def write_tables(study: Study, results: Sequence[Result], folder: Path) -> list[Path]:
    """Write the study's tables into ``folder``; return the files."""
    return []
