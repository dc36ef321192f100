"""scikit-learn's handwritten digits: small, always there, used by the demo and the tests."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from semimetric.data.dataset import Dataset, DatasetEntry, hold_out


def read_digits(paths: Mapping[str, Path] | None = None) -> Dataset:
    """Return the 1,797 digits, float32 in [0, 1] of shape (n, 8, 8), a fixed third of them for testing.

    >>> read_digits().X_test.shape
    (599, 8, 8)
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X = (bunch.images / 16.0).astype(np.float32)
    y = bunch.target.astype(np.int64)
    train, test = hold_out(y, share=1 / 3, seed=0)
    return Dataset(
        name="digits",
        X_train=X[train],
        y_train=y[train],
        X_test=X[test],
        y_test=y[test],
        class_names=tuple(str(digit) for digit in range(10)),
        source="scikit-learn",
    )


DIGITS = DatasetEntry(
    name="digits",
    description="handwritten digits, small; ships with scikit-learn",
    shape=(8, 8),
    classes=10,
    sizes={"train": 1198, "test": 599},
    licence="CC BY 4.0",
    read=read_digits,
)
