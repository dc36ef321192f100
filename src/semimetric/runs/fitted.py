"""A finished run's model, and the rows to use it on."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.data import load_dataset
from semimetric.errors import DataError
from semimetric.estimator import MetricEmbedder
from semimetric.runs.directory import RunDirectory


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
    is_run = (directory.path / "config.json").exists()
    if is_run:
        directory.finished_config()
    embedder = MetricEmbedder.load(directory.model if is_run or directory.model.exists() else directory.path)
    return embedder.set_params(verbose=show_progress, **({} if device is None else {"device": device}))


def was_fitted_on(run: str | os.PathLike[str], data: str) -> bool:
    """Whether a run directory says that its model was fitted on this dataset or file."""
    directory = RunDirectory(run)
    if not (directory.path / "config.json").exists():
        return False
    theirs = str(directory.read_json("config.json").get("dataset"))
    return theirs == data or (Path(data).exists() and Path(theirs).resolve() == Path(data).resolve())


def _was_binarised(run: str | os.PathLike[str]) -> bool:
    """Whether a run directory says that its model was fitted on images made black and white."""
    directory = RunDirectory(run)
    if not (directory.path / "config.json").exists():
        return False
    return (directory.read_json("config.json").get("loading") or {}).get("binarise") == "True"


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
    run: str | os.PathLike[str], data: str, split: str | None, *, show_progress: bool, **loading: Any
) -> Rows:
    """Return the rows of one split.

    Without a name it is the test split, or every row of data that come without one. Images are made black and white if
    those were that the run was fitted on, unless ``binarise`` says otherwise.
    """
    loading.setdefault("binarise", _was_binarised(run))
    dataset = load_dataset(data, test_share=0, show_progress=show_progress, **loading)
    there = [name for name in ("train", "val", "test") if getattr(dataset, f"X_{name}") is not None]
    chosen = split or ("test" if "test" in there else "train")
    if chosen not in there:
        raise DataError(f"{data} has no split {chosen!r}; it has {', '.join(there)}")
    X, y, files = (getattr(dataset, f"{kind}_{chosen}") for kind in ("X", "y", "files"))
    return Rows(X, None if y is None else dataset.named(y), chosen if len(there) > 1 else "all", files)
