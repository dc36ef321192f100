"""The training data: normalised inputs on their device, class numbers, and batches made of row numbers."""

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from semimetric.data.augmentation import Augmentation
from semimetric.data.normalisation import Normaliser
from semimetric.model import Batch


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
    """

    def __init__(
        self,
        rows: np.ndarray,
        y: np.ndarray,
        normaliser: Normaliser,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.inputs = as_tensor(rows)
        self.y = torch.from_numpy(y.copy())  # its own: a routine may revise labels, the caller keeps those given
        self.normaliser = normaliser
        self.augmentation = augmentation

    def to(self, device: torch.device) -> "TrainingData":
        """Move everything to ``device``, and return self."""
        self.inputs, self.y = self.inputs.to(device), self.y.to(device)
        self.normaliser.to(device)
        return self

    def batch(self, parts: Mapping[str, np.ndarray], terms: Mapping[str, tuple[str, ...]], augment: bool) -> Batch:
        """Join the rows of several streams.

        Parameters
        ----------
        parts : stream → row numbers
        terms : stream → the loss terms to compute on its rows
        augment : bool
            Whether the encoder reads augmented views.
        """
        sections: dict[str, slice] = {}
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
        x = self.augmentation(target) if augment and self.augmentation is not None else target
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return Batch(x, target, self.y[chosen], chosen, sections)


def as_tensor(rows: np.ndarray) -> Tensor:
    """Return a tensor over the array's own memory, read-only arrays and memory maps included."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rows)
