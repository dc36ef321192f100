"""The training data: normalised inputs on their device, class numbers, and batches made of row numbers."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from semimetric.data.augmentation import Augmentation
from semimetric.data.normalisation import Normaliser
from semimetric.model import Batch
from semimetric.training.descriptor import Description
from semimetric.training.evidence import Evidence

LABELLED = "labelled"
UNLABELLED = "unlabelled"
PAIRED = "paired"


@dataclass(frozen=True)
class InputGraph:
    """Who is near whom before a space is learned.

    description : Description, by which rows are compared.
    neighbours : int64 array (n, k), of each row.
    graph : sparse array (n, n), weights between neighbours.
    """

    description: Description
    neighbours: np.ndarray
    graph: csr_array


class TrainingData:
    """Inputs kept as they came (uint8 or float32) on the training device, normalised batch by batch.

    Parameters
    ----------
    rows : array (n, …)
        Inputs in the networks' layout.
    y : int64 array (n,)
        Class numbers, −1 for unlabelled.
    normaliser : Normaliser
        Fitted on ``rows``.
    augmentation : callable, optional
        Makes the view that the encoder reads in training; decoders always aim at the plain input.
    views : streams whose rows are seen in such views; the others' are seen as they are.

    Attributes
    ----------
    y : int64 Tensor (n,)
        The class numbers that are trained on; a routine may revise them.
    weights : float32 Tensor (n,), optional
        How much each row counts in the metric loss: a routine's confidence in its label; None: all the same.
    n_classes : int
        Classes that the given labels are of, 0 … n_classes − 1.
    centres : Tensor (k, d)
        The mean embeddings of k clusters, none to begin with, whose rows a routine labels with the numbers after these.
    sure : bool array (n,), optional
        Which of the rows with a label the labelled stream draws on; None: all of them.
    neighbours : int64 array (n, k), optional
        The rows that the paired stream may put beside each row; None: itself alone.
    input_graph : InputGraph, optional
        Who is near whom by inputs, once a routine has asked for it.
    evidence : Evidence, optional
        What these tell of the classes, once a routine has asked for it.
    """

    def __init__(
        self,
        rows: np.ndarray,
        y: np.ndarray,
        normaliser: Normaliser,
        augmentation: Augmentation | None = None,
        views: Collection[str] = (LABELLED, UNLABELLED, PAIRED),
    ) -> None:
        self.inputs = as_tensor(rows)
        self.y = torch.from_numpy(y.copy())  # its own: a routine may revise labels, the caller keeps those given
        self.weights: Tensor | None = None
        self.n_classes = int(y.max(initial=-1)) + 1
        self.centres = torch.empty((0, 0))
        self.sure: np.ndarray | None = None
        self.neighbours: np.ndarray | None = None
        self.input_graph: InputGraph | None = None
        self.evidence: Evidence | None = None
        self.normaliser = normaliser
        self.augmentation = augmentation
        self.views = frozenset(views)

    def to(self, device: torch.device) -> "TrainingData":
        """Move everything to ``device``, and return self."""
        self.inputs, self.y = self.inputs.to(device), self.y.to(device)
        self.weights = None if self.weights is None else self.weights.to(device)
        self.normaliser.to(device)
        return self

    def batch(self, parts: Mapping[str, np.ndarray], terms: Mapping[str, tuple[str, ...]], augment: bool) -> Batch:
        """Join the rows of several streams.

        Parameters
        ----------
        parts : stream → row numbers, (m,) or of pairs (m, 2), whose rows then stand one after the other
        terms : stream → the loss terms to compute on its rows
        augment : bool
            Whether the encoder reads augmented views, of the streams in ``views``.
        """
        sections: dict[str, slice] = {}
        parts = {stream: rows.reshape(-1) for stream, rows in parts.items()}
        start = 0
        for stream, rows in parts.items():
            for term in terms[stream]:
                earlier = sections.get(term, slice(start, start))
                if earlier.stop != start:
                    raise ValueError(f"the streams of term {term!r} must follow one another, got {list(parts)}")
                sections[term] = slice(earlier.start, start + len(rows))
            start += len(rows)
        chosen = torch.from_numpy(np.concatenate(list(parts.values()))).to(self.inputs.device)
        target = self.normaliser(self.inputs[chosen])
        x = self._seen(target, parts) if augment and self.augmentation is not None else target
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        weights = None if self.weights is None else self.weights[chosen]
        return Batch(x, target, self.y[chosen], chosen, sections, weights)

    def _seen(self, target: Tensor, parts: Mapping[str, np.ndarray]) -> Tensor:
        """Return the views of those streams' rows that are to be seen in views, and the plain rows of the others."""
        assert self.augmentation is not None
        if self.views.issuperset(parts):
            return self.augmentation(target)
        plain = target.split([len(rows) for rows in parts.values()])
        augmented = self.augmentation
        return torch.cat(
            [augmented(rows) if name in self.views else rows for name, rows in zip(parts, plain, strict=True)]
        )


def as_tensor(rows: np.ndarray) -> Tensor:
    """Return a tensor over the array's own memory, read-only arrays and memory maps included."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rows)
