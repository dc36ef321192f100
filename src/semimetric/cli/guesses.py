"""The classes that a model names for rows, as columns."""

import csv
import io
from typing import Any

import numpy as np

from semimetric.estimator import MetricEmbedder

PLACES = (("predicted", "probability"), ("second", "second_probability"))


def guesses_of(embedder: MetricEmbedder, X: np.ndarray, classes: int = 1) -> dict[str, list[Any]]:
    """Return each input's likeliest classes, one or two, and their probabilities; None for a class that has none."""
    shares = embedder.predict_proba(X) if len(embedder.classes_) else np.empty((len(X), 0))
    shares = np.pad(shares, ((0, 0), (0, classes)))  # the model may know fewer
    order = np.argsort(-shares, axis=1, kind="stable")
    found: dict[str, list[Any]] = {}
    for place, (name, probability) in enumerate(PLACES[:classes]):
        codes = order[:, place]
        values = shares[np.arange(len(X)), codes].tolist()
        found[name] = [embedder.classes_[code] if value else None for code, value in zip(codes, values, strict=True)]
        found[probability] = [value or None for value in values]
    return found


def clusters_of(embedder: MetricEmbedder, X: np.ndarray) -> dict[str, list[Any]]:
    """Return each input's cluster of rows that no label reached, None for others; no column without self-training."""
    spread = embedder.spread_labels_
    if spread is None:
        return {}
    if spread.clusters.max() < 0:
        return {"cluster": [None] * len(X)}
    return {"cluster": [None if cluster < 0 else cluster for cluster in embedder.predict_cluster(X).tolist()]}


def table_of(rows: np.ndarray, files: np.ndarray | None, guesses: dict[str, list[Any]]) -> bytes:
    """Return a CSV: the rows' numbers, files if they have any, likeliest classes, their probabilities, and clusters."""
    columns: dict[str, Any] = {"row": rows} | ({} if files is None else {"file": files})
    columns |= {name: guesses[name] for name in ("predicted", "probability", "cluster") if name in guesses}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()
