"""The classes that a model names for rows, as columns."""

import csv
import io
from typing import Any

import numpy as np

from semimetric.estimator import MetricEmbedder


def guesses_of(embedder: MetricEmbedder, X: np.ndarray) -> dict[str, list[Any]]:
    """Return the two likeliest classes of each input and their probabilities; None for a class that has none."""
    shares = embedder.predict_proba(X) if len(embedder.classes_) else np.empty((len(X), 0))
    shares = np.pad(shares, ((0, 0), (0, 2)))  # there are two, however few classes
    order = np.argsort(-shares, axis=1, kind="stable")
    found: dict[str, list[Any]] = {}
    for place, (name, probability) in enumerate((("predicted", "probability"), ("second", "second_probability"))):
        codes = order[:, place]
        values = shares[np.arange(len(X)), codes].tolist()
        found[name] = [embedder.classes_[code] if value else None for code, value in zip(codes, values, strict=True)]
        found[probability] = [value or None for value in values]
    return found


def table_of(rows: np.ndarray, files: np.ndarray | None, guesses: dict[str, list[Any]]) -> bytes:
    """Return a CSV: the rows' numbers, their files if they have any, and the likeliest class with its probability."""
    columns: dict[str, Any] = {"row": rows} | ({} if files is None else {"file": files})
    columns |= {name: guesses[name] for name in ("predicted", "probability")}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()
