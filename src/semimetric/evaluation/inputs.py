"""What enters an evaluation: embeddings checked and put in a standard position, labels as class codes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.data.arrays import UNLABELLED, labelled_rows

Array = npt.NDArray[Any]


def check_embedding(Z: npt.ArrayLike, name: str = "Z") -> Array:
    """Return ``Z`` as float64 of shape (n, d), or raise a ``ValueError`` that names what is wrong.

    >>> check_embedding([[0, 1], [2, 3]]).dtype
    dtype('float64')
    """
    values = np.asarray(Z)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{name} has shape {values.shape}; it must be (rows, dimensions) with at least one dimension")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {values.dtype}; it must hold real numbers")
    values = values.astype(np.float64)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{name} row {row} holds NaN or infinity; every value must be finite")
    return values


def check_labels(y: npt.ArrayLike | Sequence[Any], name: str = "y") -> tuple[Array, Array]:
    """Return the labels as int64 or text, and which of them are known (neither −1 nor None).

    >>> labels, known = check_labels(["cat", None, "dog"])
    >>> known.tolist()
    [True, False, True]
    """
    values = np.asarray(y) if hasattr(y, "__array__") else np.asarray(y, dtype=object)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}; it must be one label per row, shape (rows,)")
    known = labelled_rows(values)
    if values.dtype.kind in "iub":
        return values.astype(np.int64), known
    if values.dtype.kind == "U":
        return values, known
    return _check_mixed_labels(values.tolist(), known, name), known


def _check_mixed_labels(values: list[Any], known: Array, name: str) -> Array:
    labelled = [value for value, keep in zip(values, known, strict=True) if keep]
    for row, (value, keep) in enumerate(zip(values, known, strict=True)):
        whole = isinstance(value, int | np.integer) or (isinstance(value, float) and value.is_integer())
        if keep and not whole and not isinstance(value, str):
            raise ValueError(
                f"{name}[{row}] is {value!r}; labels are whole numbers or strings, −1 or None where unknown"
            )
    texts = sum(isinstance(value, str) for value in labelled)
    if texts not in (0, len(labelled)):
        raise ValueError(f"{name} mixes strings and numbers; all of its labels must be of one kind")
    if texts:
        return np.array([value if keep else "" for value, keep in zip(values, known, strict=True)])
    whole_numbers = [int(value) if keep else UNLABELLED for value, keep in zip(values, known, strict=True)]
    return np.array(whole_numbers, dtype=np.int64)


def flattened(X: npt.ArrayLike, name: str) -> Array:
    """``X`` as a new floating array of shape (rows, features)."""
    values = np.asarray(X)
    if values.ndim < 2 or 0 in values.shape:
        raise ValueError(f"{name} has shape {values.shape}; it must be (rows, …), none of them empty")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {values.dtype}; it must hold real numbers")
    values = values.reshape(len(values), -1)
    if values.dtype == np.uint8:
        return values / np.float32(255)
    values = values.astype(np.float32 if values.dtype.itemsize < 8 else np.float64)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise ValueError(f"{name} row {int(np.argmin(finite))} holds NaN or infinity; every value must be finite")
    return values


def check_train_and_test(
    X_train: npt.ArrayLike,
    y_train: npt.ArrayLike | Sequence[Any],
    X_test: npt.ArrayLike,
    y_test: npt.ArrayLike | Sequence[Any],
) -> tuple[Array, Array, Array, Array]:
    """Return the `flattened` inputs of both splits, and of the training rows the labels and which of them are known."""
    train, test = flattened(X_train, "X_train"), flattened(X_test, "X_test")
    if np.shape(X_train)[1:] != np.shape(X_test)[1:]:
        raise ValueError(
            f"X_test has rows of shape {np.shape(X_test)[1:]} and X_train of {np.shape(X_train)[1:]}; "
            "both must be of the same kind"
        )
    labels, known = check_labels_of(train, y_train, Z_name="X_train", y_name="y_train")
    check_labels_of(test, y_test, Z_name="X_test", y_name="y_test")
    return train, test, labels, known


def check_labelled_embedding(
    Z: npt.ArrayLike, y: npt.ArrayLike | Sequence[Any], *, Z_name: str = "Z", y_name: str = "y"
) -> tuple[Array, Array]:
    """Return the labelled rows of ``Z`` and their labels; rows labelled −1 or None are left out."""
    values = check_embedding(Z, Z_name)
    labels, known = check_labels_of(values, y, Z_name=Z_name, y_name=y_name)
    return (values, labels) if known.all() else (values[known], labels[known])


def check_labels_of(rows: Array, y: npt.ArrayLike | Sequence[Any], *, Z_name: str, y_name: str) -> tuple[Array, Array]:
    """Return the labels of ``rows`` and which are known, as :func:`check_labels`, if there is one per row."""
    labels, known = check_labels(y, y_name)
    if len(labels) != len(rows):
        raise ValueError(
            f"{y_name} has {len(labels)} labels and {Z_name} {len(rows)} rows; there must be one label per row"
        )
    return labels, known


def class_codes(labels: Array) -> Array:
    """Number the classes from 0 in the order in which they first appear, so that their names never matter.

    >>> class_codes(np.array(["dog", "cat", "dog"])).tolist()
    [0, 1, 0]
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def standard_position(Z: Array) -> tuple[Array, int]:
    """Move a typical point to the origin and scale by a power of two until the largest |value| is in [½, 1).

    Returns the new (n, d) array and the exponent ``e`` such that distances in ``Z`` are ``2**e`` times
    those in the result. Distances keep their order and (on a lattice) their exact values, while
    embeddings that have drifted far off or blown up cause neither overflow nor cancellation.
    """
    if len(Z) == 0:
        return Z, 0
    first = _exponent(Z)
    unit = np.ldexp(Z, -first)
    unit -= np.median(unit[:: max(1, len(unit) // 1000)], axis=0)  # unlike the mean, no outlier moves it
    second = _exponent(unit)
    return np.ldexp(unit, -second, out=unit), first + second


def _exponent(Z: Array) -> int:
    return math.frexp(max(float(Z.max()), -float(Z.min())))[1]


def check_seed(seed: int) -> int:
    """Return ``seed`` if NumPy and scikit-learn can both use it."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}; it must be a whole number from 0 to 2**32 − 1")
    return int(seed)
