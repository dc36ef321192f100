"""What a peer is: a known method that learns from the same few labels and all other training rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from semimetric.evaluation.inputs import Array

WIDTH = 50
"""Principal components of all training rows that graphs and linear models are given."""

Rows = tuple[Array, Array, Array]
"""Training rows (n, features), their class codes (n,) from 0 on with −1 where unlabelled, test rows (m, features)."""


@dataclass(frozen=True)
class Peer:
    """A method to compare a model with, fitted on training rows alone.

    label : what people call it.
    probabilities : from `Rows`, at least two classes among them, and a seed to the probabilities (m, classes).
    module, package : what it imports beside the library's own dependencies, and the package that this is in.
    extra : of the library, which brings it.
    """

    label: str
    probabilities: Callable[[Rows, int], Array]
    module: str = ""
    package: str = ""
    extra: str = ""


def principal_components(train: Array, test: Array, seed: int) -> tuple[Array, Array]:
    """Return the first 50 principal components of both, or all where there are fewer; fitted on ``train``."""
    from sklearn.decomposition import PCA

    pca = PCA(min(WIDTH, *train.shape), random_state=seed).fit(train)
    return pca.transform(train), pca.transform(test)


def shares(weights: Array) -> Array:
    """Return non-negative weights (m, classes) as probabilities; a row without any is uniform.

    >>> shares(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / weights.shape[1])
