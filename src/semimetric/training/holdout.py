"""Which rows are kept out of training so that early stopping has something unseen to look at."""

from dataclasses import dataclass

import numpy as np

FEWEST_ROWS = 20  # of a held-out set worth listening to
FEWEST_LABELS = 10  # of a class, before any of its labels is held out


@dataclass(frozen=True)
class HoldOut:
    """Row numbers: ``train`` and ``held_out`` partition the data."""

    train: np.ndarray
    held_out: np.ndarray


def hold_out(y: np.ndarray, share: float, seed: int) -> HoldOut:
    """Draw ``share`` of the unlabelled rows, and of each class with ten or more labels, at random.

    Classes with fewer labels keep them all: there they are too precious. At least one row of each kind is kept.
    When fewer than twenty rows would be held out, none are.

    Parameters
    ----------
    y : array (n,)
        Class numbers, −1 for unlabelled.
    share : float
        In [0, 1).
    seed : int
    """
    rng = np.random.default_rng([seed, 1])
    drawn = []
    for code in np.unique(y):
        rows = np.flatnonzero(y == code)
        if code == -1 or len(rows) >= FEWEST_LABELS:
            drawn.append(rng.choice(rows, min(round(share * len(rows)), len(rows) - 1), replace=False))
    held_out = np.sort(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)
    if len(held_out) < FEWEST_ROWS:
        held_out = np.empty(0, np.int64)
    return HoldOut(np.setdiff1d(np.arange(len(y)), held_out), held_out)
