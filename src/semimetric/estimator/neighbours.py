"""The search among the labelled embeddings, in the distance that was learned."""

from typing import Any

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from semimetric.evaluation.protocol import FEW_LABELS
from semimetric.geometry import Distance

NEIGHBOURS = 5  # that vote where there are more than a few labels


def neighbour_search(
    Z: np.ndarray, codes: np.ndarray, n_neighbors: int | None, distance: str | Distance
) -> KNeighborsClassifier:
    """Return scikit-learn's search over labelled embeddings (m, d) and their class numbers.

    ``n_neighbors=None`` asks one neighbour among up to 100 labelled rows, and five among more.
    """
    if len(Z) == 0:
        raise ValueError("the model was fitted without labels: predict and kneighbors need labelled rows to search")
    k = n_neighbors or (1 if len(Z) <= FEW_LABELS else NEIGHBOURS)
    search = KNeighborsClassifier(min(k, len(Z)), algorithm="brute", metric=_metric(distance))
    return search.fit(Z, codes)


def _metric(distance: str | Distance) -> Any:
    """Return a distance as scikit-learn takes it: its own name for it, or a function of two points."""
    if isinstance(distance, str):
        return {"squared_euclidean": "sqeuclidean"}.get(distance, distance)

    def between(a: np.ndarray, b: np.ndarray) -> float:
        return float(distance(torch.from_numpy(a)[None], torch.from_numpy(b)[None]))

    return between
