"""What needs no training: the raw inputs and their principal components, under the same evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.evaluation.inputs import Array, check_seed, check_train_and_test
from semimetric.evaluation.probes import PROBES
from semimetric.evaluation.protocol import evaluate

BASELINES = ("raw", "pca", "pca50")
WIDE_PCA = 50


def evaluate_baselines(
    X_train: npt.ArrayLike,
    y_train: npt.ArrayLike | Sequence[Any],
    X_test: npt.ArrayLike,
    y_test: npt.ArrayLike | Sequence[Any],
    latent_dim: int,
    *,
    seed: int = 0,
    margin: float = 0.2,
    n_neighbors: int = 5,
    thorough: bool = False,
) -> dict[str, dict[str, float]]:
    """Evaluate the embeddings that a learned one has to beat.

    Parameters
    ----------
    X_train, X_test : arrays of shape (n, …) and (m, …)
        Inputs; flattened, and uint8 divided by 255.
    y_train, y_test : arrays of shape (n,) and (m,)
        Labels, −1 or None where unknown. The few-label scores use the rows labelled in ``y_train``, PCA is
        fitted on all rows of ``X_train``.
    latent_dim : int
        Dimension of the embedding to compare with.
    seed, margin, n_neighbors
        As for :func:`semimetric.evaluation.evaluate`.
    thorough : bool
        ``False`` leaves out what is slow in many dimensions: ``"pca"`` gets every score, ``"raw"`` and
        ``"pca50"`` only kNN among the probes and no clusters. ``True`` computes every score for each.

    Returns
    -------
    dict of str to dict
        The scores of :func:`semimetric.evaluation.evaluate` for ``"raw"``, ``"pca"`` (``latent_dim``
        components, or as many as the data has if that is fewer) and, where the data has more than 50
        features and as many rows and ``latent_dim`` is not 50, ``"pca50"``.

    Raises
    ------
    ValueError
        If ``latent_dim`` is below 1, the two arrays' rows differ in shape, an input is not finite, or as
        :func:`semimetric.evaluation.evaluate` does.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.1, 1.0], [5.0, 0.0], [5.1, 1.0]])
    >>> scores = evaluate_baselines(X, [0, -1, 1, -1], X, [0, 0, 1, 1], latent_dim=1)
    >>> sorted(scores), scores["pca"]["few_label_accuracy"]
    (['pca', 'raw'], 1.0)
    """
    seed = check_seed(seed)
    if isinstance(latent_dim, bool) or not isinstance(latent_dim, int | np.integer) or latent_dim < 1:
        raise ValueError(f"latent_dim is {latent_dim!r}; it must be a whole number, 1 or more")
    train, test, labels, known = check_train_and_test(X_train, y_train, X_test, y_test)
    centre = train.mean(axis=0, dtype=np.float64).astype(train.dtype)
    train -= centre
    test -= centre
    few = train[known]

    embeddings = {"raw": (few, test)}
    most = min(train.shape)
    dimensions = {"pca": min(int(latent_dim), most)}
    if most > WIDE_PCA and latent_dim != WIDE_PCA:
        dimensions["pca50"] = WIDE_PCA
    project = _principal_axes(train, max(dimensions.values()), seed)
    for name, size in dimensions.items():
        embeddings[name] = (few @ project[:, :size], test @ project[:, :size])

    scores = {}
    for name, (Z_labelled, Z) in embeddings.items():
        everything = thorough or name == "pca"
        scores[name] = evaluate(
            Z,
            y_test,
            Z_labelled=Z_labelled,
            y_labelled=labels[known],
            seed=seed,
            margin=margin,
            probes=PROBES if everything else ("knn",),
            n_neighbors=n_neighbors,
            clusters=everything,
        )
    return scores


def _principal_axes(centred: Array, count: int, seed: int) -> Array:
    """The first ``count`` principal axes as columns, (features, count); their signs are fixed."""
    from sklearn.decomposition import PCA

    return PCA(count, random_state=seed).fit(centred).components_.T
