"""What a model says of rows, as columns: their likeliest classes, and clusters that no label reached."""

import csv
import io
from typing import Any

import numpy as np

from semimetric.estimator import MetricEmbedder

PLACES = (("predicted", "probability"), ("second", "second_probability"))


def guesses_of(embedder: MetricEmbedder, X: np.ndarray, classes: int = 1) -> dict[str, list[Any]]:
    """Return each input's likeliest classes, one or two, and their probabilities; None for a class that has none.

    After self-training there is also a column of clusters that no label reached, None for inputs in none of them.
    """
    clusters: dict[str, list[Any]] = {}
    if embedder.spread_labels_ is not None:
        shares, found = embedder.predict_proba_and_cluster(X)
        clusters = {"cluster": [None if cluster < 0 else cluster for cluster in found.tolist()]}
    elif len(embedder.classes_):
        shares = embedder.predict_proba(X)
    else:
        shares = np.empty((len(X), 0))
    shares = np.pad(shares, ((0, 0), (0, classes)))  # the model may know fewer
    order = np.argsort(-shares, axis=1, kind="stable")
    guesses: dict[str, list[Any]] = {}
    for place, (name, probability) in enumerate(PLACES[:classes]):
        codes = order[:, place]
        values = shares[np.arange(len(X)), codes].tolist()
        guesses[name] = [embedder.classes_[code] if value else None for code, value in zip(codes, values, strict=True)]
        guesses[probability] = [value or None for value in values]
    return guesses | clusters


def table_of(rows: np.ndarray, files: np.ndarray | None, guesses: dict[str, list[Any]]) -> bytes:
    """Return a CSV: the rows' numbers, their files if they have any, and what is guessed of them."""
    columns: dict[str, Any] = {"row": rows} | ({} if files is None else {"file": files}) | guesses
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()
