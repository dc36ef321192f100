"""The datasets by name, and the one way in: `load_dataset`.

To add a dataset, write one file with a `DatasetEntry` (see `digits.py`) and add it to ``_ENTRIES``.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from semimetric.data.binarisation import binarised
from semimetric.data.dataset import Dataset, DatasetEntry
from semimetric.data.digits import DIGITS
from semimetric.data.download import locate, obtain
from semimetric.data.files import read_user_data
from semimetric.data.idx import FASHION_MNIST, MNIST
from semimetric.data.medmnist import MEDMNIST, UNSUPPORTED
from semimetric.errors import DataError, nearest_names

_ENTRIES: dict[str, DatasetEntry] = {
    entry.name: entry
    for entry in (
        DIGITS,
        MNIST,
        FASHION_MNIST,
        *MEDMNIST,
    )
}


@dataclass(frozen=True)
class DatasetRow:
    """One line of the table of datasets; ``local`` says where a copy is, ``None`` where there is none."""

    name: str
    description: str
    shape: tuple[int, ...]
    classes: int
    train: int
    val: int | None
    test: int | None
    licence: str
    local: str | None


def list_datasets(data_dir: str | os.PathLike[str] | None = None) -> list[DatasetRow]:
    """Return what is known of every dataset, and where a local copy is; nothing is downloaded.

    Parameters
    ----------
    data_dir : path, optional
        The folder of local copies; else the variable SEMIMETRIC_DATA. The cache is looked at as well.

    Examples
    --------
    >>> [row.name for row in list_datasets()][:3]
    ['digits', 'mnist', 'fashion-mnist']
    """
    rows = []
    for entry in _ENTRIES.values():
        local: str | None = "scikit-learn"
        if entry.files:
            paths = locate(entry.folder, entry.files, data_dir)
            local = str(next(iter(paths.values())).parent) if paths else None
        rows.append(
            DatasetRow(
                name=entry.name,
                description=entry.description,
                shape=entry.shape,
                classes=entry.classes,
                train=entry.sizes["train"],
                val=entry.sizes.get("val"),
                test=entry.sizes.get("test"),
                licence=entry.licence,
                local=local,
            )
        )
    return rows


def load_dataset(
    name_or_path: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    labels_file: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
    image_size: int | None = None,
    download: bool = True,
    show_progress: bool = False,
    test_share: float | None = None,
    seed: int = 0,
    binarise: bool = False,
) -> Dataset:
    """Load a dataset by name, or a user's own data by path.

    Parameters
    ----------
    name_or_path : str or path
        A name of `list_datasets`; or a ``.npz`` (arrays ``X``, ``y``; optionally ``X_test``, ``y_test``,
        ``X_val``, ``y_val``), a ``.npy`` (rows alone), a table (``.parquet``, or ``.csv`` whose first line names the
        columns), or a folder of images with one subfolder per class (images in the folder itself or in
        ``unlabelled/`` have no label; ``train/``, ``val/`` and ``test/`` may hold the classes).
    data_dir : path, optional
        Where local copies of named datasets are, one folder each: ``mnist/``, ``fashion-mnist/``,
        ``medmnist/``. Else the variable SEMIMETRIC_DATA, else the platform's cache. It is only read.
    labels_file : path, optional
        For a ``.npy``: the labels, a ``.npy``, or a ``.csv`` or ``.txt`` without a heading, one label per line (empty
        or −1 = unlabelled). Without it all rows are unlabelled.
    label_column : str, optional
        For a table: the column of labels (null = unlabelled; in a ``.csv`` nothing, or NA, N/A, NaN or null without
        quotes); all others must be numeric features without gaps, but for an index that pandas wrote. Without it all
        rows are unlabelled.
    image_size : int, optional
        For a folder of images: crop every image to a square and resize it to this many pixels a side.
    download : bool
        Whether a named dataset that is nowhere at hand may be downloaded, into the platform's cache.
    show_progress : bool
        Draw progress bars on standard error.
    test_share : float, optional
        For data without a test split: the share of the *labelled* rows to hold out, in proportion to the
        classes. By default 0.2 where every row is labelled, else 0: all rows stay together, in their order.
    seed : int
        Decides which rows are held out.
    binarise : bool
        For images of 8 bits: draw every pixel once, white with the probability that its intensity is. For data with
        splits of their own the draw is the same for every ``seed``, so that likelihoods are of the same data.

    Returns
    -------
    Dataset
        Labels are int64, −1 where unlabelled; classes named in words are in ``class_names``.

    Raises
    ------
    DataError
        Unknown name, missing or damaged file, content of another form than expected, failed download.
    ValueError
        An argument out of range, or one that does not apply to this kind of data.

    Examples
    --------
    >>> load_dataset("digits")
    Dataset('digits', train 1198 × (8, 8), test 599, source='scikit-learn')
    """
    name = os.fspath(name_or_path)
    entry = _ENTRIES.get(name) if isinstance(name_or_path, str) else None
    if entry is not None:
        own = {"labels_file": labels_file, "label_column": label_column, "image_size": image_size}
        for argument, value in (own | {"test_share": test_share or None}).items():
            if value is not None:
                raise ValueError(
                    f"{argument}={_told(value)} does not apply to {name!r}, which has its own labels and splits"
                )
        paths: dict[str, Path] = {}
        if entry.files:
            paths = obtain(
                entry.name,
                entry.folder,
                entry.files,
                data_dir,
                download=download,
                show_progress=show_progress,
            )
        dataset = entry.read(paths)
        return binarised(dataset) if binarise else dataset
    path = Path(name).expanduser()
    if not path.exists():
        raise _unknown(name)
    dataset = read_user_data(
        path,
        labels_file=labels_file,
        label_column=label_column,
        image_size=image_size,
        show_progress=show_progress,
        test_share=test_share,
        seed=seed,
    )
    return binarised(dataset) if binarise else dataset


def check_dataset(name_or_path: str) -> dict[str, int] | None:
    """Raise DataError if there is no such data, without reading them; return the rows by split if it is a name.

    >>> check_dataset("digits")
    {'train': 1198, 'test': 599}
    """
    if name_or_path in _ENTRIES:
        return dict(_ENTRIES[name_or_path].sizes)
    if not Path(name_or_path).expanduser().exists():
        raise _unknown(name_or_path)
    return None


def _told(value: object) -> str:
    return repr(os.fspath(value)) if isinstance(value, os.PathLike) else repr(value)


def _unknown(name: str) -> DataError:
    if name in UNSUPPORTED:
        return DataError(f"{name} is not supported: {UNSUPPORTED[name]}")
    near = nearest_names(name, _ENTRIES)
    if Path(name).suffix or os.sep in name or "/" in name or name.startswith("~"):
        where = Path(name).expanduser().absolute()
        return DataError(f"no file or folder at {where}, and {name!r} is not a dataset's name; {near}")
    return DataError(f"unknown dataset {name!r}: {near} (nor is there a file or folder of that name)")
