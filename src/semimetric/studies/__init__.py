"""Studies: grids of runs, and searches, in one directory, on as many processes or machines as there are.

>>> from semimetric.studies import expand, read_study
>>> len(expand(read_study("digits-presets", "smoke")))
4

To read a study's name is cheap: PyTorch and the estimator are loaded with what needs them.
"""

from typing import TYPE_CHECKING, Any

from semimetric.studies.reading import built_in_studies, read_study
from semimetric.studies.specification import Study

if TYPE_CHECKING:
    from semimetric.studies.collecting import collect
    from semimetric.studies.driver import Settings, run_study
    from semimetric.studies.grid import expand
    from semimetric.studies.task import Result, Task

__all__ = ["Result", "Settings", "Study", "Task", "built_in_studies", "collect", "expand", "read_study", "run_study"]
_LATER = {
    "Settings": "driver",
    "collect": "collecting",
    "expand": "grid",
    "Result": "task",
    "Task": "task",
    "run_study": "driver",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"semimetric.studies.{_LATER[name]}"), name)
    raise AttributeError(f"module 'semimetric.studies' has no attribute {name!r}")
