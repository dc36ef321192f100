"""Studies: grids of runs, and searches, in one directory, on as many processes or machines as there are.

>>> from semimetric.studies import expand, read_study
>>> len(expand(read_study("digits-presets", "smoke")))
4
"""

from semimetric.studies.grid import expand
from semimetric.studies.reading import built_in_studies, read_study
from semimetric.studies.specification import Study
from semimetric.studies.task import Result, Task

__all__ = ["Result", "Study", "Task", "built_in_studies", "expand", "read_study"]
