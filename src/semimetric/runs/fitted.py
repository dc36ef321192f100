"""A finished run's model, and the rows to use it on."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.data import load_dataset
from semimetric.data.arrays import InputForm
from semimetric.data.catalog import check_dataset
from semimetric.data.image_folder import IMAGE_SUFFIXES
from semimetric.data.tables import TABLES, table_columns
from semimetric.errors import DataError
from semimetric.estimator import MetricEmbedder
from semimetric.runs.directory import RunDirectory, check_writable

FOLDER = "folder"


def load_fitted(run: str | os.PathLike[str], *, device: str | None, show_progress: bool) -> MetricEmbedder:
    """Return the model of a run directory, or of a saved model's own directory.

    Raises
    ------
    RunError
        If the run is not finished.
    ModelFileError
        If there is no model, or it is damaged.
    """
    directory = RunDirectory(run)
    if _is_run(directory):
        directory.finished_config()
    embedder = MetricEmbedder.load(_model_of(directory))
    return embedder.set_params(verbose=show_progress, **({} if device is None else {"device": device}))


def _is_run(directory: RunDirectory) -> bool:
    """Whether this is a run's directory, and not a saved model's own."""
    return (directory.path / "config.json").exists()


def _model_of(directory: RunDirectory) -> Path:
    return directory.model if _is_run(directory) or directory.model.exists() else directory.path


def check_out(
    out: Path, run: str | os.PathLike[str], data: str, labels_file: str | os.PathLike[str] | None = None
) -> None:
    """Raise now if a file cannot be written later, or would take the place of something that is read or kept.

    Raises
    ------
    ValueError
        If it is the data or their labels, would be read as one of a folder's images, or lies among the run's own files.
    OSError
        If there is no such folder, or it cannot be written to.
    """
    place = out.resolve()
    for source in (data if _kind(data) else None, labels_file):
        if source is None:
            continue
        there = Path(source).expanduser().resolve()
        if place == there or (place.suffix.lower() in IMAGE_SUFFIXES and place.is_relative_to(there)):
            raise ValueError(f"{out} would take the place of data, of {source}: choose another file to write to")
    directory = RunDirectory(run)
    model = _model_of(directory)
    if directory.owns(out) or (model.is_dir() and place.is_relative_to(model.resolve())):
        raise ValueError(f"{out} is, or would lie among, the files of the run {run}: choose another file to write to")
    check_writable(out)


def was_fitted_on(run: str | os.PathLike[str], data: str) -> bool:
    """Whether a run directory says that its model was fitted on this dataset or file."""
    theirs = _config(run).get("dataset")
    if theirs is None:
        return False
    return bool(theirs == data or (Path(data).exists() and Path(theirs).resolve() == Path(data).resolve()))


def where_labels_lie(data: str) -> str:
    """Return how data of this kind are given their labels."""
    kind = _kind(data)
    if kind in TABLES:
        return "name their column by --label-column"
    return {
        ".npy": "give --labels-file",
        ".npz": "add an array y (y_test, of X_test)",
        FOLDER: "put the images into a subfolder for each class",
    }.get(kind, "score another split")


def _config(run: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a run's configuration; an empty one of a saved model's own directory."""
    directory = RunDirectory(run)
    return directory.read_json("config.json") if _is_run(directory) else {}


def _as_in_the_fit(run: str | os.PathLike[str], data: str) -> dict[str, Any]:
    """Return the arguments of `load_dataset` that the run was fitted with, of those that bear on this data."""
    fitted = _config(run).get("loading") or {}
    loading: dict[str, Any] = {"binarise": fitted.get("binarise") == "True"}
    size, column, kind = fitted.get("image_size"), fitted.get("label_column"), _kind(data)
    if size is not None and kind == FOLDER:
        loading["image_size"] = int(size)
    if column is not None and kind in TABLES and column in table_columns(Path(data).expanduser()):
        loading["label_column"] = column
    return loading


def _kind(data: str) -> str:
    """Return the kind of a user's own data, nothing of a dataset's name."""
    if check_dataset(data) is not None:
        return ""
    path = Path(data).expanduser()
    return FOLDER if path.is_dir() else path.suffix.lower()


def _check_form(form: InputForm, X: np.ndarray, data: str) -> None:
    """Where an option of reading decides on the form of rows, and it is not the model's, name the option."""
    kind = _kind(data)
    if kind in TABLES and not form.is_image and X.shape[1:] != form.shape:
        raise DataError(
            f"{data} has {X.shape[1]} columns of features but the model was fitted on {form.shape[0]}; all columns are "
            "features but that of the labels, label_column (--label-column)"
        )
    if kind == FOLDER and form.is_image and X.shape[1:3] != form.shape[1:]:
        found, fitted = (f"{height} × {width}" for height, width in (X.shape[1:3], form.shape[1:]))
        raise DataError(
            f"{data} has images of {found} pixels but the model was fitted on {fitted}; let image_size (--image-size) "
            "crop and resize them"
        )


@dataclass(frozen=True)
class Rows:
    """The rows of one split of data, in the data's own order.

    X : array (n, …), the inputs.
    y : array (n,), their labels, by name where the data has names; None where the split has none.
    split : the split's name, "all" where there is no other.
    files : str array (n,), of a folder of images the rows' files; else None.
    """

    X: np.ndarray
    y: np.ndarray | None
    split: str
    files: np.ndarray | None


def load_rows(
    embedder: MetricEmbedder,
    run: str | os.PathLike[str],
    data: str,
    split: str | None,
    *,
    show_progress: bool,
    **loading: Any,
) -> Rows:
    """Return the rows of one split, for the model of a run.

    Without a name it is the test split, or every row of data that come without one. The data are read as those were
    that the run was fitted on (``image_size``; ``label_column``, where there is such a column; ``binarise``), unless
    ``loading`` says otherwise.

    Raises
    ------
    DataError
        If the data cannot be read, have no such split, or ``loading`` gives their rows another form than the model's.
    """
    loading = _as_in_the_fit(run, data) | loading
    dataset = load_dataset(data, test_share=0, show_progress=show_progress, **loading)
    _check_form(embedder.input_form_, dataset.X_train, data)
    there = [name for name in ("train", "val", "test") if getattr(dataset, f"X_{name}") is not None]
    chosen = split or ("test" if "test" in there else "train")
    if chosen not in there:
        raise DataError(f"{data} has no split {chosen!r}; it has {', '.join(there)}")
    X, y, files = (getattr(dataset, f"{kind}_{chosen}") for kind in ("X", "y", "files"))
    return Rows(X, None if y is None else dataset.named(y), chosen if len(there) > 1 else "all", files)
