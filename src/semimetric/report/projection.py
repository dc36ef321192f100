"""From any number of latent dimensions to the two of a picture."""

from dataclasses import dataclass

import numpy as np

SMALLEST_TSNE = 12
"""Fewer points than this have no neighbourhoods for t-SNE to keep; PCA shows them as well."""


@dataclass(frozen=True)
class Projection:
    """``points`` (n, 2); ``axes`` their names, empty where meaningless; ``note`` how they came about."""

    points: np.ndarray
    axes: tuple[str, str]
    note: str


def project(Z: np.ndarray, *, seed: int = 0) -> Projection:
    """Place the rows of ``Z``, finite and of shape (n, d), on a plane.

    Two dimensions are shown as they are; one as a strip, spread at random across it so that points do not
    hide each other; more by t-SNE (van der Maaten and Hinton 2008), or PCA for very few points.

    >>> project(np.array([[0.0, 1.0], [2.0, 3.0]])).points.tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    n, d = Z.shape
    if d == 1:
        across = np.random.default_rng(seed).uniform(-1, 1, n)
        note = "The latent space has one dimension, along the strip; the spread across it is random."
        return Projection(np.column_stack([Z[:, 0], across]), ("latent dimension 1", ""), note)
    if d == 2:
        note = "The latent space has two dimensions and is shown as it is."
        return Projection(Z.copy(), ("latent dimension 1", "latent dimension 2"), note)
    spread = float(np.abs(Z - Z.mean(axis=0)).max()) if n else 0.0
    if spread == 0.0:
        note = f"All points have the same place in the {d} latent dimensions: the embedding has collapsed."
        return Projection(np.zeros((n, 2)), ("", ""), note)
    unit = (Z - Z.mean(axis=0)) / spread
    if n < SMALLEST_TSNE:
        note = f"A projection: the first two principal components (PCA) of {d} latent dimensions."
        return Projection(_pca(unit) * spread, ("principal component 1", "principal component 2"), note)
    note = (
        f"A t-SNE projection of {d} latent dimensions: it keeps neighbours together, "
        "but distances between far groups, their sizes and the axes mean nothing."
    )
    return Projection(_tsne(unit, seed), ("", ""), note)


def _pca(Z: np.ndarray) -> np.ndarray:
    scores, sizes, _ = np.linalg.svd(Z, full_matrices=False)
    points = np.zeros((len(Z), 2))
    count = min(2, len(sizes))
    points[:, :count] = scores[:, :count] * sizes[:count]
    return points


def _tsne(Z: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    start = _pca(Z)
    # The customary small start; exact duplicates are told apart by a still smaller seeded jitter.
    start = start / start.std(axis=0).max() * 1e-4
    start += np.random.default_rng(seed).normal(scale=1e-7, size=start.shape)
    perplexity = min(30.0, (len(Z) - 1) / 3)
    points = TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(
        np.ascontiguousarray(Z, dtype=np.float32)
    )
    return np.asarray(points, dtype=np.float64)
