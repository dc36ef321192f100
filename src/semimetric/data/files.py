"""A user's own data: ``.npz``, ``.npy`` with a file of labels, a table, or a folder of images."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.data.arrays import UNLABELLED
from semimetric.data.dataset import Dataset, dataset_from_splits
from semimetric.data.image_folder import read_image_folder
from semimetric.data.labels import encode_labels, read_label_lines
from semimetric.data.tables import TABLES, read_table
from semimetric.errors import DataError

_Anywhere = str | os.PathLike[str]

# What decoders raise on damaged bytes is almost anything, KeyError and tokenize.TokenError included.
_BROKEN = Exception


def read_user_data(
    path: Path,
    *,
    labels_file: _Anywhere | None = None,
    label_column: str | None = None,
    image_size: int | None = None,
    show_progress: bool = False,
    test_share: float | None = None,
    seed: int = 0,
) -> Dataset:
    """Read ``path`` by its kind and hold out a test split where it has none; see `load_dataset`.

    Raises
    ------
    DataError
        The file is of no known kind, is damaged, or its content is not of the expected form.
    ValueError
        An argument is out of range or does not apply to this kind of file.
    """
    kind = "a folder of images" if path.is_dir() else path.suffix.lower()
    belongs = {"labels_file": (".npy",), "label_column": TABLES, "image_size": ("a folder of images",)}
    labels_path = None if labels_file is None else Path(labels_file).expanduser()
    given = {"labels_file": labels_path, "label_column": label_column, "image_size": image_size}
    for argument, value in given.items():
        if value is not None and kind not in belongs[argument]:
            kinds = " and ".join(belongs[argument])
            raise ValueError(f"{argument}={str(value)!r} does not apply to {path}; it is for {kinds}")
    if kind == "a folder of images":
        splits, names = read_image_folder(path, image_size, show_progress)
    elif kind == ".npz":
        splits, names = read_npz(path)
    elif kind == ".npy":
        splits, names = read_npy(path, labels_path)
    elif kind in TABLES:
        splits, names = read_table(path, label_column)
    else:
        raise DataError(f"{path} is of no known kind; give a .npz, .npy, .parquet or .csv file or a folder of images")
    return dataset_from_splits(splits, names, path, test_share, seed)


_Splits = dict[str, np.ndarray]
_Read = tuple[_Splits, tuple[str, ...] | None]


def read_npz(path: Path) -> _Read:
    """Read arrays ``X``, ``y`` and, where present, ``X_test``, ``y_test``, ``X_val``, ``y_val``."""
    with _open_npz(path) as archive:
        keys = set(archive.files)
        pairs = {"train": ("X", "y"), "val": ("X_val", "y_val"), "test": ("X_test", "y_test")}
        known = {key for pair in pairs.values() for key in pair}
        if "X" not in keys or ("y" not in keys and keys - known):
            raise DataError(f"{path} holds {', '.join(sorted(keys)) or 'nothing'}; expected arrays named X and y")
        found: _Splits = {}
        labels: _Splits = {}
        for split, (X_key, y_key) in pairs.items():
            if X_key in keys:
                found[f"X_{split}"] = _member(archive, X_key, path)
            if y_key in keys:
                labels[split] = _member(archive, y_key, path)
            if split != "train" and (X_key in keys) != (y_key in keys):
                raise DataError(f"{path} holds only one of {X_key} and {y_key}; give both or neither")
    encoded, names = encode_labels(list(labels.values()), str(path))
    for split, y in zip(labels, encoded, strict=True):
        found[f"y_{split}"] = y
    found.setdefault("y_train", np.full(len(np.atleast_1d(found["X_train"])), UNLABELLED))
    return found, names


def _open_npz(path: Path) -> Any:
    try:
        archive = np.load(path, allow_pickle=False)
    except _BROKEN as error:
        raise DataError(f"{path} is damaged or not an .npz file: {error}") from error
    if not hasattr(archive, "files"):
        raise DataError(f"{path} holds a single array, not an .npz archive; name it .npy, or save X and y in one")
    return archive


def _member(archive: Any, key: str, path: Path) -> np.ndarray:
    try:
        array = archive[key]
    except _BROKEN as error:
        raise _unreadable(f"{path}: array {key}", error) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {key} is not a NumPy array")
    return array


def _unreadable(what: str, error: BaseException) -> DataError:
    if "Object arrays" in str(error):
        return DataError(
            f"{what} holds Python objects, which are not read because loading them could run code; save "
            "numbers, or strings as array.astype(str)"
        )
    return DataError(f"{what} is damaged or not in NumPy's format: {error}")


def read_npy(path: Path, labels_file: Path | None) -> _Read:
    """Read rows from a ``.npy`` as a memory map, and their labels, if any, from ``labels_file``."""
    X = _load_npy(path)
    if X.ndim == 0:
        raise DataError(f"{path} holds a single number; expected rows, (n, features) or images")
    if labels_file is None:
        return {"X_train": X, "y_train": np.full(len(X), UNLABELLED)}, None
    if not labels_file.is_file():
        raise DataError(f"labels_file={str(labels_file)!r} was not found")
    suffix = labels_file.suffix.lower()
    if suffix == ".npy":
        found = np.array(_load_npy(labels_file))
    elif suffix in {".csv", ".txt"}:
        found = read_label_lines(labels_file)
    else:
        raise DataError(f"labels_file={str(labels_file)!r} must be a .npy, or a .csv or .txt with one per line")
    (y,), names = encode_labels([found], str(labels_file))
    if len(y) != len(X):
        surplus = len(y) > len(X) and suffix != ".npy"
        advice = "; remove its first line if that is a heading, and blank lines after the last row" if surplus else ""
        raise DataError(f"{labels_file} holds {len(y)} labels but {path} holds {len(X)} rows{advice}")
    return {"X_train": X, "y_train": y}, names


def _load_npy(path: Path) -> np.ndarray:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except _BROKEN as error:
        if "Python objects" in str(error) or "Array can't be memory-mapped" in str(error):
            error = ValueError("Object arrays")
        raise _unreadable(str(path), error) from error
    return array
