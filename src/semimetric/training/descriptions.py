"""What rows are described by before a space is learned."""

import numpy as np
import torch

from semimetric.training.data import TrainingData
from semimetric.training.descriptor import COLOURS, GRADIENTS, NUMBERS, PIXELS, Description, Descriptor
from semimetric.training.embedding import in_chunks

COMPONENTS = 100
COMPONENT_ROWS = 10_000


def describe(data: TrainingData) -> Description:
    """Return a vector for every row (n, at most 100); near ones are of rows alike.

    First principal components: of images' histograms of oriented gradients (`semimetric.data.gradients`), and of
    vectors whose features are each divided by their range, which keeps clusters better than to divide by the standard
    deviation (Milligan & Cooper 1988): a feature that is nearly always the same is not blown up. They are learned on at
    most 10,000 rows, drawn by the same seed always.
    """
    if data.inputs.ndim == 4:
        return _components(data, Descriptor(GRADIENTS))
    return _components(data, Descriptor(NUMBERS, ranges=_ranges(data)))


def _ranges(data: TrainingData) -> np.ndarray:
    """Return the ranges of vectors' features (d,).

    Of variance 1 a feature has a range of at least 2; what has less varies by rounding only, and is kept small.
    """
    extremes = torch.stack([torch.stack(torch.aminmax(x, dim=0)) for x in in_chunks(data)])  # (chunks, 2, d)
    ranges = extremes[:, 1].amax(dim=0) - extremes[:, 0].amin(dim=0)
    return ranges.clamp(min=2).numpy(force=True)


def pixels(data: TrainingData) -> list[Description]:
    """Return one description, the first principal components of images' pixels (n, at most 100).

    By these a classifier may tell more than by gradients. None of what is no image.
    """
    return [_components(data, Descriptor(PIXELS))] if data.inputs.ndim == 4 else []


def colours(data: TrainingData) -> list[Description]:
    """Return one description, the channels' moments (n, 2c), or none of what has no colours."""
    if data.inputs.ndim != 4 or data.inputs.shape[1] == 1:
        return []
    return [_description(data, Descriptor(COLOURS))]


def _components(data: TrainingData, whole: Descriptor) -> Description:
    """Return principal components, learned on some rows, of what a descriptor gives; all of it, if that is short."""
    from sklearn.decomposition import PCA

    sample = np.sort(np.random.default_rng(0).permutation(len(data.y))[:COMPONENT_ROWS])
    rows = np.concatenate([whole(x) for x in in_chunks(data, sample)])
    if rows.shape[1] <= COMPONENTS:
        return _description(data, whole)
    with np.errstate(invalid="ignore"):  # what share of the variance they have, where rows do not vary
        pca = PCA(min(COMPONENTS, len(rows)), svd_solver="randomized", random_state=0).fit(rows)
    return _description(data, Descriptor(whole.kind, whole.ranges, pca.mean_, np.asfortranarray(pca.components_)))


def _description(data: TrainingData, descriptor: Descriptor) -> Description:
    return Description(np.concatenate([descriptor(x) for x in in_chunks(data)]), descriptor)
