"""The errors that callers may want to catch by name.

Everything else that a user can get wrong is a plain ``ValueError`` or ``TypeError`` whose message names
the argument, the value and what would be right.
"""

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any


class DataError(ValueError):
    """A dataset or data file is unknown, missing, damaged or not of the expected form."""


class ModelFileError(ValueError):
    """A saved model is missing, damaged, of a newer format, or not a model at all."""


class RunError(ValueError):
    """A run directory is missing, incomplete, or already holds a different run."""


class StudyError(ValueError):
    """A study's file cannot be right, or its directory cannot be used as was asked."""


def some_of(values: Iterable[Any]) -> str:
    """Return the first four of some values, and whether there are more.

    >>> some_of(["cat", "dog"]), some_of(range(10))
    ('cat, dog', '0, 1, 2, 3 …')
    """
    first = [str(value) for value in islice(values, 5)]
    return ", ".join(first[:4]) + (" …" if len(first) > 4 else "")


def nearest_names(wanted: str, known: Iterable[str]) -> str:
    """Return a sentence that names the closest of ``known`` and then all of them.

    >>> nearest_names("mnits", ["mnist", "digits"])
    "did you mean 'mnist'? Known: digits, mnist"
    """
    known = sorted(known)
    close = difflib.get_close_matches(str(wanted).lower(), known, n=3, cutoff=0.6)
    hint = "did you mean " + " or ".join(repr(name) for name in close) + "? " if close else ""
    return f"{hint}{'Known' if hint else 'known'}: {', '.join(known)}"
