"""The streams of rows that training draws from, each an endless supply of batches of row numbers.

More than one, because one shuffled stream starves the metric loss: with 60 labels in 60,000 rows a batch of 128 holds a
valid triplet less than once in a thousand batches.

A stream keeps no state between epochs: what it yields is a function of the generator it is given, so that a
resumed fit sees exactly the rows that an undisturbed one would have seen.
"""

from collections.abc import Iterator

import numpy as np

SMALLEST_SHARE = 4  # rows per class in a labelled batch; with more classes than fit, a batch holds some of them


class UnlabelledStream:
    """Every row, labelled or not, in shuffled passes of nearly equal batches, to be dealt out in so many shares.

    >>> stream = UnlabelledStream(np.arange(10), batch_size=4)
    >>> len(stream), sorted(len(batch) for _, batch in zip(range(3), stream.batches(np.random.default_rng(0))))
    (3, [3, 3, 4])
    """

    def __init__(self, rows: np.ndarray, batch_size: int, shares: int = 1) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.shares = shares

    def __len__(self) -> int:
        """How many batches make one pass."""
        wanted = -(-len(self.rows) // self.batch_size)
        # No share of one row, which has no spread to normalise by.
        return max(1, min(wanted, len(self.rows) // (2 * self.shares)))

    def batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield arrays of row numbers, pass after pass."""
        while True:
            yield from np.array_split(rng.permutation(self.rows), len(self))


class PairedStream:
    """Every row in shuffled passes, as `UnlabelledStream` has them, each with a partner: itself or a neighbour.

    >>> stream = PairedStream(UnlabelledStream(np.arange(2), batch_size=2), np.array([[1], [0]]), share=1.0)
    >>> sorted(map(list, next(stream.batches(np.random.default_rng(0)))))
    [[np.int64(0), np.int64(1)], [np.int64(1), np.int64(0)]]

    Parameters
    ----------
    rows : UnlabelledStream
    neighbours : array (n, k), optional
        The rows that may stand beside each of all n rows, each drawn as often as it is named.
    share : float
        Of the rows that get a neighbour as their partner; the others get themselves, to be seen in two views.
    """

    def __init__(self, rows: UnlabelledStream, neighbours: np.ndarray | None, share: float = 0.5) -> None:
        self.rows = rows
        self.neighbours = neighbours
        self.share = share

    def batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield arrays (m, 2) of row numbers, pass after pass."""
        for rows in self.rows.batches(rng):
            partners = rows
            if self.neighbours is not None:
                drawn = self.neighbours[rows, rng.integers(self.neighbours.shape[1], size=len(rows))]
                partners = np.where(rng.random(len(rows)) < self.share, drawn, rows)
            yield np.stack([rows, partners], axis=1)


class LabelledStream:
    """Labelled rows only, as many of each class in every batch (M per class).

    A class with fewer rows than its share is repeated; one with more is gone through in shuffled passes, so
    that no row is seen again before all of its class have been.

    Parameters
    ----------
    rows : array (m,)
        The labelled rows.
    y : array (m,)
        Their class numbers.
    batch_size : int
        Rows per batch, shared out evenly: a batch holds ``max(4, batch_size // classes)`` of each class, and
        when that is too much for all classes, of as many classes as fit, drawn anew for each batch.

    >>> stream = LabelledStream(np.array([5, 6, 7]), np.array([0, 0, 1]), batch_size=8)
    >>> batch = next(stream.batches(np.random.default_rng(0)))
    >>> len(batch), sorted(set(batch.tolist())), (batch == 7).sum()
    (8, [5, 6, 7], np.int64(4))
    """

    def __init__(self, rows: np.ndarray, y: np.ndarray, batch_size: int) -> None:
        self.by_class = [rows[y == c] for c in np.unique(y)]
        self.per_class = max(SMALLEST_SHARE, batch_size // len(self.by_class))
        self.classes_per_batch = min(len(self.by_class), max(2, batch_size // self.per_class))

    def batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield arrays of row numbers without end."""
        supplies = [_Passes(rows, rng) for rows in self.by_class]
        everything = np.arange(len(supplies))
        while True:
            chosen = everything
            if self.classes_per_batch < len(everything):
                chosen = rng.choice(everything, self.classes_per_batch, replace=False)
            yield np.concatenate([supplies[c].take(self.per_class) for c in chosen])


class _Passes:
    """Shuffled pass after shuffled pass through the rows of a class."""

    def __init__(self, rows: np.ndarray, rng: np.random.Generator) -> None:
        self.rows = rows
        self.rng = rng
        self.left = rows[:0]

    def take(self, count: int) -> np.ndarray:
        """Return the next ``count`` rows."""
        taken, self.left = [self.left[:count]], self.left[count:]
        while (missing := count - sum(map(len, taken))) > 0:
            shuffled = self.rng.permutation(self.rows)
            taken.append(shuffled[:missing])
            self.left = shuffled[missing:]
        return np.concatenate(taken)
