"""A finished run's model, and the rows to use it on."""

import os
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


def load_rows(
    run: str | os.PathLike[str], data: str, split: str | None, *, show_progress: bool, **loading: Any
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return the inputs and labels of one split, in the data's own order, and the split's name.

    Without a name it is the test split, or every row of data that come without one. Images are made black and white if
    those were that the run was fitted on, unless ``binarise`` says otherwise.
    """
    loading.setdefault("binarise", _was_binarised(run))
    dataset = load_dataset(data, test_share=0, show_progress=show_progress, **loading)
    splits = {
        "train": (dataset.X_train, dataset.y_train),
        "val": (dataset.X_val, dataset.y_val),
        "test": (dataset.X_test, dataset.y_test),
    }
    there = [name for name, (X, _) in splits.items() if X is not None]
    chosen = split or ("test" if "test" in there else "train")
    if chosen not in there:
        raise DataError(f"{data} has no split {chosen!r}; it has {', '.join(there)}")
    X, y = splits[chosen]
    assert X is not None
    return X, None if y is None else dataset.named(y), chosen if len(there) > 1 else "all"
