"""What rows are described by before a space is learned."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from semimetric.data.gradients import oriented_gradients
from semimetric.training.data import TrainingData
from semimetric.training.embedding import in_chunks

COMPONENTS = 100
COMPONENT_ROWS = 10_000


def describe(data: TrainingData) -> np.ndarray:
    """Return a vector for every row (n, at most 100), float32; near ones are of rows alike.

    First principal components: of images' histograms of oriented gradients (`semimetric.data.gradients`), and of
    vectors whose features are each divided by their range, which keeps clusters better than to divide by the standard
    deviation (Milligan & Cooper 1988): a feature that is nearly always the same is not blown up. They are learned on at
    most 10,000 rows, drawn by the same seed always.
    """
    return _components(data, oriented_gradients if data.inputs.ndim == 4 else _by_range(data))


def _by_range(data: TrainingData) -> Callable[[Tensor], Tensor]:
    """Return the division of vectors (n, d) by the ranges of their features.

    Of variance 1 a feature has a range of at least 2; what has less varies by rounding only, and is kept small.
    """
    extremes = torch.stack([torch.stack(torch.aminmax(x, dim=0)) for x in in_chunks(data)])  # (chunks, 2, d)
    ranges = extremes[:, 1].amax(dim=0) - extremes[:, 0].amin(dim=0)
    return lambda x: x / ranges.clamp(min=2)


def pixels(data: TrainingData) -> list[np.ndarray]:
    """Return one array, the first principal components of images' pixels (n, at most 100), learned on as few rows.

    By these a linear classifier may tell more than by gradients. No array of what is no image.
    """
    return [_components(data, nn.Flatten())] if data.inputs.ndim == 4 else []


def _components(data: TrainingData, described: Callable[[Tensor], Tensor]) -> np.ndarray:
    from sklearn.decomposition import PCA

    sample = np.sort(np.random.default_rng(0).permutation(len(data.y))[:COMPONENT_ROWS])
    rows = np.concatenate([described(x).numpy(force=True) for x in in_chunks(data, sample)])
    if rows.shape[1] <= COMPONENTS:
        return np.concatenate([described(x).numpy(force=True) for x in in_chunks(data)])
    with np.errstate(invalid="ignore"):  # what share of the variance they have, where rows do not vary
        pca = PCA(min(COMPONENTS, len(rows)), svd_solver="randomized", random_state=0).fit(rows)
    return np.concatenate([pca.transform(described(x).numpy(force=True)) for x in in_chunks(data)])


def colours(data: TrainingData) -> list[np.ndarray]:
    """Return one array, the mean and the standard deviation of each channel (n, 2c), which gradients do not tell.

    The first two colour moments (Stricker & Orengo 1995). No array of what has no colours.
    """
    if data.inputs.ndim != 4 or data.inputs.shape[1] == 1:
        return []
    moments = (torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3), correction=0)], dim=1) for x in in_chunks(data))
    return [np.concatenate([each.numpy(force=True) for each in moments])]
