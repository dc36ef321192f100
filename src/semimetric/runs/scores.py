"""The scores of a fitted model on a dataset's test rows."""

from typing import Any

import numpy as np

from semimetric.estimator import MetricEmbedder
from semimetric.evaluation import evaluate


def score(
    embedder: MetricEmbedder, X: np.ndarray, y: np.ndarray, *, seed: int = 0, **options: Any
) -> tuple[np.ndarray, dict[str, float]]:
    """Embed rows and evaluate the space, the few-label protocol included.

    Parameters
    ----------
    X, y : arrays of n inputs and of their labels
        Of rows that the model was not fitted on.
    **options
        Further arguments of `semimetric.evaluation.evaluate`.

    Returns
    -------
    Z : float32 array (n, latent_dim)
    metrics : dict
        The keys of `evaluate`, and ``reconstruction_error`` where the model has a decoder.
    """
    Z = embedder.transform(X)
    labelled = len(embedder.labelled_rows_) > 0
    # The evaluation's distance is Euclidean; on the unit sphere it orders pairs as the cosine does.
    seen = _on_the_sphere if embedder.distance == "cosine" else np.asarray
    metrics = evaluate(
        seen(Z),
        y,
        Z_labelled=seen(embedder.labelled_embeddings_) if labelled else None,
        y_labelled=embedder.classes_[embedder.labelled_codes_] if labelled else None,
        seed=seed,
        margin=embedder.margin,
        **options,
    )
    if embedder.model_.decoder is not None:
        metrics["reconstruction_error"] = embedder.reconstruction_error(X)
    return Z, metrics


def _on_the_sphere(Z: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z / np.where(length > 0, length, 1)
