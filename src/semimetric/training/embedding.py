"""All rows of the training data as a model embeds them."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from semimetric.model import Model
from semimetric.training.data import UNLABELLED, TrainingData
from semimetric.training.device import embedded_at_once


@torch.no_grad()
def embed_all(model: Model, data: TrainingData) -> np.ndarray:
    """Return the embeddings (n, latent_dim) of all rows as they are, without augmentation.

    Raises
    ------
    FloatingPointError
        If one of them is not finite.
    """
    training = model.training
    encoder = model.eval().encoder.folded()
    Z = np.concatenate([encoder.mean(x).numpy(force=True) for x in in_chunks(data)])
    model.train(training)
    if not np.isfinite(Z).all():
        raise FloatingPointError("training left no finite embeddings: lower learning_rate")
    return Z


def in_chunks(data: TrainingData, rows: np.ndarray | None = None) -> Iterator[Tensor]:
    """Yield the normalised inputs (m, …) of the rows of these numbers (n,), or of all, in order."""
    rows = np.arange(len(data.y)) if rows is None else rows
    for part in np.array_split(rows, -(-len(rows) // embedded_at_once(data.y.device))):
        yield data.batch({UNLABELLED: part}, {UNLABELLED: ()}, augment=False).x
