"""What a loaded dataset is, what the catalogue knows of one, and how a test split is held out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semimetric.data.arrays import check_finite, chunks_of, labelled_rows
from semimetric.data.download import RemoteFile
from semimetric.errors import DataError

DEFAULT_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Arrays of one dataset, with its splits.

    Parameters
    ----------
    name : str
        The dataset's name, or the file's.
    X_train, X_test, X_val : array of shape (n, ...)
        The rows of each split; ``None`` where there is no such split.
    y_train, y_test, y_val : int64 array of shape (n,)
        Always integers. −1 means unlabelled. Where the data names its classes in words, the integers index
        `class_names`; else they are the integers found in the data.
    class_names : tuple of str or None
        The classes' names, in the order of the integers in ``y``.
    source : str
        Where the arrays were read from.
    files_train, files_test, files_val : str array of shape (n,), optional
        Of a folder of images, each row's file, as a path below the folder.

    Examples
    --------
    >>> import numpy as np
    >>> Dataset("mine", np.zeros((4, 3)), np.array([0, 1, -1, -1]), source="mine.npz")
    Dataset('mine', train 4 × (3,), 2 labelled, source='mine.npz')
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    X_val: np.ndarray | None = None
    y_val: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    source: str = ""
    files_train: np.ndarray | None = None
    files_test: np.ndarray | None = None
    files_val: np.ndarray | None = None

    def named(self, y: np.ndarray) -> np.ndarray:
        """Return labels by their classes' names (an object array, None where unlabelled), if those are words.

        The integers are this dataset's own: another file may number the same classes in another way.
        """
        names = self.class_names
        if names is None or all(name == str(code) for code, name in enumerate(names)):
            return y
        words = np.full(len(y), None, dtype=object)
        known = labelled_rows(y)
        words[known] = np.array(names, dtype=object)[y[known]]
        return words

    def __repr__(self) -> str:
        parts = [f"train {len(self.X_train)} × {self.X_train.shape[1:]}"]
        labelled = int(labelled_rows(self.y_train).sum())
        if labelled < len(self.y_train):
            parts.append(f"{labelled} labelled")
        for split, X in (("val", self.X_val), ("test", self.X_test)):
            if X is not None:
                parts.append(f"{split} {len(X)}")
        return f"Dataset({self.name!r}, {', '.join(parts)}, source={self.source!r})"


@dataclass(frozen=True)
class DatasetEntry:
    """What the catalogue knows of a dataset before reading it.

    ``files`` are looked for in a folder called ``folder``; ``read`` is given their paths by file name and
    returns the `Dataset`. An entry without files (`digits`) ships with a dependency.
    """

    name: str
    description: str
    shape: tuple[int, ...]
    classes: int
    sizes: Mapping[str, int]
    licence: str
    read: Callable[[Mapping[str, Path]], Dataset]
    folder: str = ""
    files: tuple[RemoteFile, ...] = ()


def hold_out(y: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw test rows from the labelled rows, in proportion to the classes.

    Parameters
    ----------
    y : int array of shape (n,)
        Labels; rows with −1 are never drawn.
    share : float
        The share of the labelled rows to draw, at least 0 and below 1.
    seed : int
        The same seed draws the same rows.

    Returns
    -------
    rest, test : int arrays
        Row indices, ascending; together every row once. Every class keeps at least one row in ``rest``.

    Examples
    --------
    >>> rest, test = hold_out(np.array([0, 0, 0, 0, 1, 1, -1, -1]), 0.5)
    >>> len(rest), len(test)
    (5, 3)
    """
    if not 0 <= share < 1:
        raise ValueError(f"test_share={share!r} must be at least 0 and below 1")
    rng = np.random.default_rng(seed)
    labelled = np.flatnonzero(labelled_rows(y))
    classes, counts = np.unique(y[labelled], return_counts=True)
    wanted = share * counts
    take = np.minimum(np.floor(wanted + 1e-9).astype(np.int64), counts - 1)
    # Largest remainders, so that the total is right although each class's own share is not a whole number.
    spare = min(int(np.floor(wanted.sum() + 0.5)) - int(take.sum()), int((take < counts - 1).sum()))
    remainder = np.where(take < counts - 1, wanted - take, -1.0)
    take[np.argsort(-remainder, kind="stable")[: max(spare, 0)]] += 1
    drawn = [rng.permutation(labelled[y[labelled] == c])[:k] for c, k in zip(classes, take, strict=True)]
    test = np.sort(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.int64)
    return np.setdiff1d(np.arange(len(y)), test), test


def dataset_from_splits(
    splits: Mapping[str, np.ndarray],
    class_names: tuple[str, ...] | None,
    path: Path,
    test_share: float | None = None,
    seed: int = 0,
) -> Dataset:
    """Check that a file's arrays fit each other, and hold out a test split where there is none.

    Parameters
    ----------
    splits : mapping of str to array
        ``X_train``, ``y_train`` and perhaps ``files_train`` and the other splits, labels as int64 with −1.
    class_names, path
        For `Dataset`; ``path`` is named in errors.
    test_share : float, optional
        See `hold_out`; by default 0.2 where every row is labelled, else 0.
    seed : int
        Decides which rows are held out.

    Raises
    ------
    DataError
        Rows that are not numbers, not of one shape, none at all, or not as many as their labels; where test rows are
        held out, a value that is NaN or infinite.
    ValueError
        A ``test_share`` out of range, below one row, or given although there is a test split.
    """
    for split in ("train", "val", "test"):
        if f"X_{split}" in splits:
            _check_rows(splits, split, path)
    y = splits["y_train"]
    held_out: dict[str, np.ndarray] = {}
    if "X_test" in splits:
        if test_share:
            raise ValueError(f"test_share={test_share!r} does not apply to {path}, which has a test split")
    else:
        labelled = int(labelled_rows(y).sum())
        default = DEFAULT_TEST_SHARE if labelled == len(y) else 0.0
        rest, test = hold_out(y, default if test_share is None else test_share, seed)
        if test_share and not len(test):
            raise ValueError(
                f"test_share={test_share!r} of {labelled} labelled rows in {path} is less than one row that "
                "can be spared (every class keeps one); give a larger share, or 0 for no test split"
            )
        if len(test):
            _check_values(splits["X_train"], path)
            held_out = {
                f"{kind}_{part}": splits[f"{kind}_train"][rows]
                for kind in ("X", "y", "files")
                for part, rows in (("train", rest), ("test", test))
                if f"{kind}_train" in splits
            }
    return Dataset(name=path.stem, **{**splits, **held_out}, class_names=class_names, source=str(path))


def _check_values(X: np.ndarray, path: Path) -> None:
    """Name a row of NaN or infinity by its place in the file, before rows are dealt out and numbered anew."""
    for chunk in chunks_of(X):
        try:
            check_finite(X[chunk], first=chunk.start)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None


def _check_rows(splits: Mapping[str, np.ndarray], split: str, path: Path) -> None:
    X, y, form = splits[f"X_{split}"], splits[f"y_{split}"], splits["X_train"].shape[1:]
    if X.dtype.kind not in "biuf":
        raise DataError(f"{path}: the {split} rows hold {X.dtype} values; they must be numbers")
    if X.ndim < 2 or len(X) == 0:
        raise DataError(f"{path}: the {split} rows have shape {X.shape}; expected (n, features) or images")
    if X.shape[1:] != form:
        raise DataError(f"{path}: {split} rows have shape {X.shape[1:]}, training rows {form}; make them equal")
    if len(X) != len(y):
        raise DataError(f"{path}: {len(y)} labels for {len(X)} {split} rows; give one for each, −1 for none")
