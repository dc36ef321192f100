"""Labels: hiding all but a few, and bringing those of a file into one form."""

import csv
import operator
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.data.arrays import UNLABELLED, as_labels, labelled_rows
from semimetric.errors import DataError

_NUMBER_OR_BLANK = re.compile(r"(-?\d+(\.\d*)?)?")


def hide_labels(
    y: Any,
    count: int | None = None,
    percent: float | None = None,
    balanced: bool = True,
    seed: int = 0,
) -> np.ndarray:
    """Return a copy of ``y`` in which only a few drawn rows keep their label.

    Parameters
    ----------
    y : array of shape (n,)
        Integers (−1 = unlabelled) or strings (``None`` = unlabelled). Rows already unlabelled stay so.
    count : int
        How many labels to keep. Give exactly one of ``count`` and ``percent``.
    percent : float
        How many labels to keep, in percent of *all* ``n`` rows: 0.1 percent of 60,000 is 60.
    balanced : bool
        Spread the kept labels over the classes as evenly as possible: counts differ by at most one, except
        where a class has no more rows, whose shortfall the others take. The remainder goes to randomly drawn
        classes; with fewer labels than classes, a random subset of the classes gets one each.
        ``False`` draws uniformly over the labelled rows.
    seed : int
        The same seed keeps the same rows. For one seed, and one value of ``balanced``, the rows of a smaller
        budget are a subset of those of a larger one, so that budgets can be compared in pairs.

    Returns
    -------
    array of shape (n,)
        Of the same signed integer type (unsigned and boolean labels become int64) with −1 where hidden; or
        an object array with ``None`` where hidden, for strings.

    Raises
    ------
    ValueError
        Neither or both of ``count`` and ``percent``; a budget below one row or above the labelled rows; a
        ``y`` that is not one-dimensional or holds neither integers nor strings.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 1, 1, 1, -1])
    >>> hidden = hide_labels(y, count=2, seed=0)
    >>> sorted(hidden[hidden >= 0].tolist())
    [0, 1]
    >>> hide_labels(["cat", "cat", "dog"], count=3).tolist()
    ['cat', 'cat', 'dog']
    """
    y = as_labels(y)
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}; it must have one dimension, a label per row: (n,)")
    if y.dtype.kind not in "iubUSTO":
        raise ValueError(f"y holds {y.dtype} values; labels must be integers (−1 = unlabelled) or strings")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    labelled = np.flatnonzero(labelled_rows(y))
    budget = _budget(count, percent, rows=len(y), labelled=len(labelled))

    rng = np.random.default_rng(seed)
    # The rows in the order in which a growing budget would show them: taking the first so many is what makes
    # a smaller draw a subset of a larger one.
    order = rng.permutation(labelled)
    if balanced:
        _, first, codes = np.unique(_comparable(y[labelled]), return_index=True, return_inverse=True)
        # A class is known by where it first appears, not by its name, so that renaming changes nothing.
        turn = rng.permutation(len(first))[np.argsort(np.argsort(first))]
        code = codes[np.searchsorted(labelled, order)]
        round_ = np.empty(len(order), dtype=np.int64)
        for c in range(len(first)):
            members = np.flatnonzero(code == c)
            round_[members] = np.arange(len(members))
        order = order[np.lexsort((turn[code], round_))]
    kept = order[:budget]

    if y.dtype.kind in "USTO":
        hidden = np.full(len(y), None, dtype=object)
        hidden[kept] = y[kept].astype(object)
    else:
        hidden = np.full(len(y), UNLABELLED, dtype=y.dtype if y.dtype.kind == "i" else np.int64)
        hidden[kept] = y[kept]
    return hidden


def _budget(count: int | None, percent: float | None, rows: int, labelled: int) -> int:
    if (count is None) == (percent is None):
        given = "neither was given" if count is None else f"got count={count!r} and percent={percent!r}"
        raise ValueError(f"give exactly one of count and percent; {given}")
    if percent is not None:
        said = f"percent={percent!r}"
        if not 0 < percent <= 100:
            raise ValueError(f"{said} must be above 0 and at most 100")
        budget = int(np.floor(percent / 100 * rows + 0.5))
        if budget < 1:
            raise ValueError(f"{said} of {rows} rows is less than one row; give at least {100 / rows:.2g}")
        said = f"{said} of {rows} rows is {budget} labels, which"
    else:
        said = f"count={count!r}"
        try:
            budget = operator.index(count)  # type: ignore[arg-type]
        except TypeError:
            raise ValueError(f"{said} must be a whole number of labels") from None
        if isinstance(count, bool) or budget < 1:
            raise ValueError(f"{said} must be a whole number of labels, at least 1")
    if budget > labelled:
        raise ValueError(f"{said} must be at most the number of labelled rows in y, {labelled}")
    return budget


def _comparable(labels: np.ndarray) -> np.ndarray:
    """Let `numpy.unique` sort labels that Python cannot compare, such as a mixture of 3 and "three"."""
    if labels.dtype.kind != "O":
        return labels
    codes: dict[Any, int] = {}
    return np.array([codes.setdefault(label, len(codes)) for label in labels], dtype=np.int64)


def encode_labels(splits: Sequence[np.ndarray], source: str) -> tuple[list[np.ndarray], tuple[str, ...] | None]:
    """Bring the labels of a file's splits into one form: int64, −1 where unlabelled, with the classes' names.

    Integers (or whole-number floats) stay as they are, without names. Words become 0, 1, … in alphabetical
    order, with their names; ``""``, ``"-1"`` and ``None`` among them are unlabelled. Words that are all whole
    numbers, as a text file gives them, count as integers.

    Raises
    ------
    DataError
        Labels that are not one per row, fractions, negative numbers other than −1, numbers mixed with words.

    Examples
    --------
    >>> encode_labels([np.array(["cat", "", "ant"])], "labels.csv")
    ([array([ 1, -1,  0])], ('ant', 'cat'))
    >>> encode_labels([np.array(["7", "", "3"])], "labels.csv")
    ([array([ 7, -1,  3])], None)
    """
    flat = [y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y for y in map(np.asarray, splits)]
    for y in flat:
        if y.ndim != 1:
            raise DataError(f"{source}: labels of shape {y.shape}; one label per row is needed, shape (n,)")
    if all(y.dtype.kind in "biu" and (len(y) == 0 or y.min() >= UNLABELLED) for y in flat):
        return [y.astype(np.int64) for y in flat], None
    lists = [_without_missing(y) for y in flat]
    known = [label for labels in lists for label in labels if label is not None]
    names = sorted(set(known)) if {type(label) for label in known} == {str} else []
    whole = all(name.isascii() and name.isdigit() and str(int(name)) == name for name in names)
    code = {name: int(name) if whole else i for i, name in enumerate(names)}
    encoded = [
        np.array([_as_integer(label, code, source, row) for row, label in enumerate(labels)], dtype=np.int64)
        for labels in lists
    ]
    return encoded, None if whole else tuple(names)


def _without_missing(y: np.ndarray) -> list[Any]:
    labels = [label.decode() if isinstance(label, bytes) else label for label in y.tolist()]
    missing = [label is None or label != label or label in ("", "-1") for label in labels]
    return [None if gone else label for label, gone in zip(labels, missing, strict=True)]


def _as_integer(label: Any, code: dict[str, int], source: str, row: int) -> int:
    if label is None:
        return UNLABELLED
    if isinstance(label, str):
        if not code:
            raise DataError(f"{source}: row {row} has the label {label!r}, others have numbers; use one kind")
        return code[label]
    try:
        integer = int(label)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{source}: row {row} has the label {label!r}; use whole numbers or words") from None
    if integer != label:
        raise DataError(f"{source}: row {row} has the label {label!r}; labels must be whole numbers or words")
    if not UNLABELLED <= integer <= np.iinfo(np.int64).max:
        raise DataError(f"{source}: row {row} has the label {integer}; use −1 for unlabelled, else 0 to 2^63 − 1")
    return integer


def read_label_lines(path: Path) -> np.ndarray:
    """Read a ``.csv`` or ``.txt`` with one label per line, as strings.

    Every line is a row's, a blank one an unlabelled row's: to drop one at the end would move each label up by a row
    where the first line is a heading.

    Raises
    ------
    DataError
        The file is not text, a line of a ``.csv`` has several columns, or a heading stands above whole numbers.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}") from error
    if path.suffix.lower() == ".csv":
        cells = [next(csv.reader([line]), []) for line in lines]
        for number, row in enumerate(cells, start=1):
            if len(row) > 1:
                raise DataError(f"{path}: line {number} has {len(row)} columns; give one label per line")
        lines = [row[0] if row else "" for row in cells]
    lines = [line.strip() for line in lines]
    numbers = [_NUMBER_OR_BLANK.fullmatch(line) is not None for line in lines]
    if numbers[:1] == [False] and all(numbers[1:]) and set(lines[1:]) - {"", "-1"}:
        raise DataError(
            f"{path}: line 1 is {lines[0]!r}, the other labels are numbers; if it is a heading, remove it, and if a "
            "class, give it a number"
        )
    return np.array(lines, dtype=np.str_)
