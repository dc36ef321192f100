"""Arrays are checked here, once, at the door; inside the library their form is trusted.

Inputs become (n, features) or (n, c, h, w); labels become class numbers with −1 for unlabelled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

UNLABELLED = -1
SMALLEST_IMAGE = 8
_CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class InputForm:
    """The form of one input: what `fit` saw, and what every later array must be.

    shape : (features,) or (c, h, w): as the networks see it.
    layout : "vector", "hw", "hwc" or "chw": as the user gave it.
    integer : True for uint8 images, which are scaled by 255.
    """

    shape: tuple[int, ...]
    layout: str
    integer: bool

    @property
    def is_image(self) -> bool:
        """Whether inputs are images rather than vectors."""
        return self.layout != "vector"


def recognise(X: np.ndarray) -> InputForm:
    """Return the form of the rows of ``X``: (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w), c being 1 or 3.

    Raises
    ------
    ValueError
        If the shape is none of these, or an image is smaller than 8 × 8.

    >>> recognise(np.zeros((5, 28, 28), np.uint8))
    InputForm(shape=(1, 28, 28), layout='hw', integer=True)
    """
    if X.ndim == 2:
        return InputForm((X.shape[1],), "vector", False)
    if X.ndim == 3:
        layout, shape = "hw", (1, *X.shape[1:])
    elif X.ndim == 4 and X.shape[3] in (1, 3):
        layout, shape = "hwc", (X.shape[3], X.shape[1], X.shape[2])
    elif X.ndim == 4 and X.shape[1] in (1, 3):
        layout, shape = "chw", X.shape[1:]
    else:
        raise ValueError(
            f"X has shape {X.shape}; it must be (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w) "
            "with 1 or 3 channels"
        )
    if min(shape[1:]) < SMALLEST_IMAGE:
        raise ValueError(
            f"X holds images of {shape[1]} × {shape[2]} pixels; images must be at least "
            f"{SMALLEST_IMAGE} × {SMALLEST_IMAGE}: give smaller ones as vectors, X.reshape(len(X), -1)"
        )
    return InputForm(shape, layout, X.dtype == np.uint8)


def check_inputs(X: np.ndarray, form: InputForm | None = None) -> tuple[np.ndarray, InputForm]:
    """Return ``X`` in the layout and number format that networks take, and its form.

    Parameters
    ----------
    X : array of numbers
        See `recognise` for its shapes.
    form : InputForm, optional
        What a fitted model expects; ``X`` must then be of it.

    Returns
    -------
    rows : array (n, features) or (n, c, h, w)
        A view of ``X`` where possible: uint8 for uint8 images, else float32.
    form : InputForm

    Raises
    ------
    ValueError
        If a value is NaN or infinite (the message names the row), or the form is not the expected one.
    """
    rows, found = lay_out(X, form)
    if found.integer:
        return convert(rows, found), found
    out = rows if rows.dtype == np.float32 else np.empty_like(rows, np.float32, subok=False)
    for chunk in chunks_of(rows):
        check_finite(rows[chunk], first=chunk.start)
        if out is not rows:
            out[chunk] = rows[chunk]
    return convert(out, found), found


def chunks_of(rows: np.ndarray) -> Iterator[slice]:
    """Yield slices of some 64 MiB, so that a memory map need not lie in memory whole, or twice."""
    size = max(1, _CHUNK_BYTES // max(1, rows[:1].nbytes))
    return (slice(start, start + size) for start in range(0, len(rows), size))


def lay_out(X: np.ndarray, form: InputForm | None = None) -> tuple[np.ndarray, InputForm]:
    """Return ``X`` as a view in the layout that networks take, and its form; no value is looked at.

    Parameters and errors are those of `check_inputs`, but for the values: see `check_finite`.
    """
    found = recognise(X)
    if form is not None and found != form:
        if found.shape != form.shape:
            raise ValueError(
                f"X has rows of shape {X.shape[1:]}, read as {found.shape}, but the model was fitted on {form.shape}"
            )
        if found.integer != form.integer:
            trained, given = ("uint8", X.dtype) if form.integer else ("floating-point", "uint8")
            raise ValueError(
                f"X holds {given} images but the model was fitted on {trained} ones, "
                "whose pixels are on another scale: convert X first"
            )
    if found.layout == "hw":
        X = X[:, None]
    elif found.layout == "hwc":
        X = X.transpose(0, 3, 1, 2)
    return X, found


def convert(rows: np.ndarray, form: InputForm) -> np.ndarray:
    """Return rows that `lay_out` gave as uint8 (images of it) or float32: themselves where possible, else a copy."""
    if not form.integer and rows.dtype != np.float32:
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32)
    if min(rows.strides) < 0:  # X[::-1], or BGR turned to RGB: PyTorch cannot look at such an array
        rows = np.ascontiguousarray(rows)
    return rows


def check_finite(rows: np.ndarray, first: int = 0) -> None:
    """Raise a ``ValueError`` if a value is no finite float32, naming its row, counted from ``first``."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(rows.astype(np.float32, copy=False))
    if not finite.all():
        row = int(np.argmin(finite.reshape(len(rows), -1).all(axis=1)))
        what = "NaN" if np.isnan(rows[row]).any() else "infinity or a value too large for float32"
        raise ValueError(f"X contains {what} in row {first + row}: remove the row or fill the value in")


def as_given(rows: np.ndarray, form: InputForm) -> np.ndarray:
    """Return rows (n, features) or (n, c, h, w) in the layout the user gave: the inverse of `check_inputs`."""
    if form.layout == "hw":
        return rows[:, 0]
    if form.layout == "hwc":
        return rows.transpose(0, 2, 3, 1)
    return rows


def check_labels(y: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class numbers and the classes.

    Parameters
    ----------
    y : array-like (n,) or None
        Integers or strings; −1, or None (or NaN among strings) for unlabelled. None in all: nothing is labelled.
    n : int
        How many rows there are inputs for.

    Returns
    -------
    codes : int64 array (n,)
        Places in ``classes``, −1 for unlabelled.
    classes : array (c,)
        The distinct labels, sorted.

    Raises
    ------
    ValueError
        If the lengths differ or the labels are real numbers rather than classes.

    >>> check_labels(["b", None, "a"], 3)
    (array([ 1, -1,  0]), array(['a', 'b'], dtype='<U1'))
    """
    if y is None:
        return np.full(n, UNLABELLED), np.empty(0, np.int64)
    y = labels_of_rows(y, n)
    known = labelled_rows(y)
    values = y[known]
    if values.dtype == object:
        kinds = {type(value) for value in values}
        if kinds and not (
            all(issubclass(k, str) for k in kinds) or all(issubclass(k, (int, np.integer)) for k in kinds)
        ):
            names = ", ".join(sorted(k.__name__ for k in kinds))
            raise ValueError(
                f"y mixes labels of types {names}: use integers or strings throughout, None for unlabelled"
            )
        values = np.array(list(values)) if len(values) else np.empty(0, np.int64)
    if values.dtype.kind == "T":
        values = values.astype(np.str_)
    if values.dtype.kind not in "iubUf" or (values.dtype.kind == "u" and len(values) and values.max() > 2**63 - 1):
        raise ValueError(f"y holds {values.dtype} labels: use integers (within 64 bits) or strings")
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        raise ValueError("Unknown label type: continuous. y must hold classes (integers or strings)")
    classes, numbers = np.unique(values, return_inverse=True)
    codes = np.full(n, UNLABELLED)
    codes[known] = numbers
    return codes, classes


def labels_of_rows(y: Any, n: int) -> np.ndarray:
    """Return labels as an array (n,), those unlabelled among them.

    Raises
    ------
    ValueError
        If they are not one for each of ``n`` rows, or NaN or infinity stands among real numbers.

    >>> labels_of_rows([3.0, -1.0, float("nan")], 3)
    Traceback (most recent call last):
    ...
    ValueError: Input y contains NaN or infinity at row 2: write −1 for unlabelled
    """
    y = as_labels(y)
    if y.ndim != 1:
        raise ValueError(f"y must be 1-dimensional, got shape {y.shape}")
    if len(y) != n:
        raise ValueError(f"y has {len(y)} labels but X has {n} rows: give one label per row, −1 for unlabelled")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.argmin(np.isfinite(y)))
        raise ValueError(f"Input y contains NaN or infinity at row {row}: write −1 for unlabelled")
    return y


def as_labels(y: Any) -> np.ndarray:
    """Return labels as an array, a list of strings and missing ones among them as objects.

    NumPy by itself would turn −1 and NaN among strings into the strings "-1" and "nan".

    >>> as_labels(["b", -1]).tolist()
    ['b', -1]
    """
    array = np.asarray(y)
    return array if hasattr(y, "__array__") or array.dtype.kind not in "US" else np.asarray(y, dtype=object)


def labelled_rows(y: np.ndarray) -> np.ndarray:
    """Return the boolean mask of the rows of ``y`` that carry a label: not −1, "-1" or, among objects, a missing one.

    Missing are None, NaN and pandas' NA.

    >>> labelled_rows(np.array([3, -1, 0]))
    array([ True, False,  True])
    """
    y = np.asarray(y)
    if y.dtype == object:
        return ~np.array([_is_missing(value) for value in y], dtype=bool)
    if y.dtype.kind in "UT":
        return y != str(UNLABELLED)  # what becomes of −1 in an array of strings
    return y != UNLABELLED if y.dtype.kind in "iuf" else np.ones(len(y), dtype=bool)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas', without importing it
        return True
    if isinstance(value, int | float | np.number):
        return value == UNLABELLED or value != value
    return isinstance(value, str) and value == str(UNLABELLED)
