"""Grey images made black and white, for likelihoods of zeros and ones."""

from dataclasses import replace

import numpy as np

from semimetric.data.dataset import Dataset
from semimetric.errors import DataError

PART = 8192  # rows


def binarised(dataset: Dataset, seed: int = 0) -> Dataset:
    """Return the dataset with every pixel drawn once, white with the probability that its intensity is.

    The static binarisation on which log-likelihoods of MNIST are reported (Salakhutdinov & Murray 2008; the draw
    is our own). Pixels become 0 or 255.

    Raises
    ------
    DataError
        If the rows are not uint8 images.

    >>> ramp = np.array([[[0, 255]], [[0, 255]]], dtype=np.uint8)
    >>> binarised(Dataset("ramp", ramp, np.array([0, 1]))).X_train.tolist()
    [[[0, 255]], [[0, 255]]]
    """
    splits = {}
    for number, name in enumerate(("X_train", "X_test", "X_val")):
        X = getattr(dataset, name)
        if X is None:
            continue
        if X.dtype != np.uint8 or X.ndim < 3:
            raise DataError(f"binarise=True needs images of 8 bits, but {dataset.name} holds {X.dtype} {X.shape[1:]}")
        rng = np.random.default_rng([seed, number])
        drawn = np.empty_like(X)
        for start in range(0, len(X), PART):
            part = X[start : start + PART]
            drawn[start : start + PART] = np.where(rng.integers(255, size=part.shape) < part, 255, 0)
        splits[name] = drawn
    return replace(dataset, **splits)
