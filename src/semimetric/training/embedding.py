"""All rows of the training data as a model embeds them."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from semimetric.model import Model
from semimetric.training.data import UNLABELLED, TrainingData
from semimetric.training.device import embedded_at_once

COMPONENTS = 50
COMPONENT_ROWS = 10_000


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


def in_chunks(data: TrainingData) -> Iterator[Tensor]:
    """Yield the normalised inputs (m, …) of all rows, in order."""
    for part in np.array_split(np.arange(len(data.y)), -(-len(data.y) // embedded_at_once(data.y.device))):
        yield data.batch({UNLABELLED: part}, {UNLABELLED: ()}, augment=False).x


def principal_components(data: TrainingData) -> np.ndarray:
    """Return the first principal components (n, at most 50), float32, of the inputs of all rows as flat vectors.

    They are learned on at most 10,000 rows, drawn by the same seed always.
    """
    from sklearn.decomposition import PCA

    n, features = len(data.y), data.inputs[0].numel()
    if features <= COMPONENTS:
        return np.concatenate([x.flatten(1).numpy(force=True) for x in in_chunks(data)])
    sample = np.sort(np.random.default_rng(0).permutation(n)[:COMPONENT_ROWS])
    rows = data.batch({UNLABELLED: sample}, {UNLABELLED: ()}, augment=False).x.flatten(1).numpy(force=True)
    pca = PCA(min(COMPONENTS, len(rows)), svd_solver="randomized", random_state=0).fit(rows)
    return np.concatenate([pca.transform(x.flatten(1).numpy(force=True)) for x in in_chunks(data)])
