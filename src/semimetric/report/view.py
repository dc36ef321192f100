"""What a run holds, checked and put into the form that every section of the report reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.errors import RunError
from semimetric.runs.directory import RunRecord
from semimetric.runs.scores import classes_without_label

Labels = np.ndarray


@dataclass(frozen=True)
class View:
    """A run as the report sees it; classes are numbered 0 … in the order of their labels, −1 is "no label".

    Z (n, d) and labelled_Z (m, d) float64; true, predicted (n,) and labelled (m,) class numbers,
    ``predicted`` None where the run has none; names: what to call each class (plain text, not escaped);
    shown: for each of the n rows the place of its input in ``shown_inputs``, −1 where it was not kept.
    """

    record: RunRecord
    source: str
    Z: np.ndarray
    labelled_Z: np.ndarray
    true: Labels
    predicted: Labels | None
    labelled: Labels
    names: list[str]
    shown: np.ndarray

    @property
    def config(self) -> dict[str, Any]:
        """What was run."""
        return self.record.config

    @property
    def wrong(self) -> np.ndarray:
        """Which of the n rows were predicted to be of another class than they are."""
        if self.predicted is None:
            return np.zeros(len(self.true), dtype=bool)
        return (self.true >= 0) & (self.predicted >= 0) & (self.true != self.predicted)

    @property
    def n_labelled(self) -> int:
        """How many training rows had a label."""
        given = self.config.get("n_labelled")
        return given if isinstance(given, int) else int((self.labelled >= 0).sum())

    @property
    def on_training_rows(self) -> bool:
        """Whether the rows shown are those of the training split, for want of another."""
        return self.config.get("evaluated_on") == "train"

    @property
    def held_out(self) -> bool:
        """Whether rows were held out to tell which epoch's model is best."""
        return any(key.startswith("held_out_") for row in self.record.history for key in row)

    @property
    def spread(self) -> bool:
        """Whether labels were spread over the training rows, which then tell a row's class."""
        return "cluster_sizes" in self.record.arrays

    @property
    def n_scored(self) -> int:
        """How many of the rows have a label to be scored by."""
        return int((self.true >= 0).sum())

    @property
    def unseen(self) -> dict[str, int]:
        """The classes of these rows of which no training row had a label, and how many rows each has."""
        unseen = classes_without_label(self.labelled[self.labelled >= 0], self.true)
        return {self.name(code): rows for code, rows in unseen.items()}

    def name(self, code: int) -> str:
        """Return what to call a class."""
        return self.names[code] if code >= 0 else "no label"

    def inputs(self, name: str) -> np.ndarray:
        """Return one of the arrays of inputs, empty where the run has none."""
        return self.record.arrays.get(name, np.empty((0, 0)))


def view_of(record: RunRecord, source: str = "the run") -> View:
    """Check the arrays of a run against each other and number its classes.

    Raises
    ------
    RunError
        If two arrays contradict each other; the message names them.
    """
    arrays = record.arrays
    Z = _embedding(arrays, "Z_test", source)
    labelled_Z = _embedding(arrays, "Z_labelled", source)
    if len(labelled_Z) == 0:
        labelled_Z = np.empty((0, Z.shape[1]))
    columns = {
        "y_test": arrays.get("y_test", np.full(len(Z), -1)),
        "predicted_test": arrays.get("predicted_test", np.full(len(Z), -1)),
        "y_labelled": arrays.get("y_labelled", np.full(len(labelled_Z), -1)),
    }
    rows = {"y_test": len(Z), "predicted_test": len(Z), "y_labelled": len(labelled_Z)}
    for name, labels in columns.items():
        if labels.shape != (rows[name],):
            raise RunError(f"{source}: embedding.npz is damaged: {name} has shape {labels.shape}, not ({rows[name]},)")
    values = {name: [_label(label) for label in column.tolist()] for name, column in columns.items()}
    known = {label for column in values.values() for label in column if label is not None}
    classes = sorted(known, key=lambda label: (isinstance(label, str), label))
    number = {label: code for code, label in enumerate(classes)}
    codes = {
        name: np.array([-1 if label is None else number[label] for label in column], dtype=np.int64)
        for name, column in values.items()
    }
    return View(
        record=record,
        source=source,
        Z=Z,
        labelled_Z=labelled_Z,
        true=codes["y_test"],
        predicted=codes["predicted_test"] if "predicted_test" in arrays else None,
        labelled=codes["y_labelled"],
        names=[_name(label, record.config.get("class_names")) for label in classes],
        shown=_shown(arrays, len(Z), source),
    )


def _embedding(arrays: dict[str, np.ndarray], name: str, source: str) -> np.ndarray:
    Z = np.asarray(arrays.get(name, np.empty((0, 1))), dtype=np.float64)
    if Z.ndim != 2:
        raise RunError(f"{source}: embedding.npz is damaged: {name} has shape {Z.shape}, not (rows, dimensions)")
    return Z


def _label(label: Any) -> int | str | None:
    """Return a label as a whole number or text; None for −1, the empty text and NaN."""
    if isinstance(label, str):
        return label or None
    return None if label != label or label == -1 else int(label)


def _name(label: int | str, names: Any) -> str:
    """Return the name that the run gives to a label, if it gives one."""
    if isinstance(names, list) and isinstance(label, int) and 0 <= label < len(names):
        return str(names[label])
    return str(label)


def _shown(arrays: dict[str, np.ndarray], n: int, source: str) -> np.ndarray:
    place = np.full(n, -1, dtype=np.int64)
    rows, inputs = arrays.get("shown_rows"), arrays.get("shown_inputs")
    if rows is None or inputs is None:
        return place
    if len(rows) != len(inputs) or (len(rows) and not (rows.min() >= 0 and rows.max() < n)):
        raise RunError(f"{source}: embedding.npz is damaged: shown_rows and shown_inputs do not belong together")
    place[rows] = np.arange(len(rows))
    return place
