"""The scores of a fitted model on a dataset's test rows."""

from typing import Any

import numpy as np

from semimetric.data.arrays import labelled_rows
from semimetric.estimator import MetricEmbedder
from semimetric.estimator.neighbours import check_naming
from semimetric.evaluation import evaluate, evaluate_prediction


def score(
    embedder: MetricEmbedder,
    X: np.ndarray,
    y: np.ndarray,
    *,
    seed: int = 0,
    likelihood_samples: int = 0,
    **options: Any,
) -> tuple[np.ndarray, dict[str, float]]:
    """Embed rows and evaluate the space, the few-label protocol included, and the predictions.

    Parameters
    ----------
    X, y : arrays of n inputs and of their labels
        Of rows that the model was not fitted on.
    likelihood_samples : int
        Of the importance-sampled log-likelihood; 0 leaves it out.
    **options
        Further arguments of `semimetric.evaluation.evaluate`.

    Returns
    -------
    Z : float32 array (n, latent_dim)
    metrics : dict
        The keys of `evaluate`; where the model was given labels, those of `evaluate_prediction`;
        ``reconstruction_error`` where the model has a decoder, ``kl`` where it has a prior,
        and where it has both, ``elbo`` and ``vae_loss`` (reconstruction of a sample + KL: TVAE's), all per row, in
        nats; ``log_likelihood`` with ``likelihood_samples``.

    Raises
    ------
    ValueError
        If ``likelihood_samples`` are asked of a model without a prior or a decoder, or ``y`` names classes by words and
        the model by numbers, or the other way round.
    """
    check_naming(embedder.classes_, y[labelled_rows(y)])
    if likelihood_samples:  # first, if it cannot be: the rest takes its time
        embedder.likelihood_terms(X[:1], samples=1)
    Z = embedder.transform(X)
    labelled = len(embedder.labelled_rows_) > 0
    # The evaluation's distance is Euclidean; on the unit sphere it orders pairs as the cosine does.
    seen = on_the_sphere if embedder.distance == "cosine" else np.asarray
    metrics = evaluate(
        seen(Z),
        y,
        Z_labelled=seen(embedder.labelled_embeddings_) if labelled else None,
        y_labelled=embedder.classes_[embedder.labelled_codes_] if labelled else None,
        seed=seed,
        margin=embedder.settings_["margin"],
        **options,
    )
    if labelled:
        metrics |= evaluate_prediction(embedder.predict_proba(X), embedder.classes_, y)
    metrics |= _of_the_parts(embedder, X, seed, likelihood_samples)
    return Z, metrics


def classes_without_label(given: np.ndarray, y: np.ndarray) -> dict[Any, int]:
    """Return the classes of these labels (n,) that are not among the given ones, and how many rows each has.

    None where no label was given: nothing is predicted then.

    >>> classes_without_label(np.array([0, 1, 1]), np.array([0, 2, 2, 3, -1]))
    {2: 2, 3: 1}
    """
    if not len(given):
        return {}
    names, counts = np.unique(y[labelled_rows(y)].tolist(), return_counts=True)
    unseen = ~np.isin(names, given.tolist())
    return dict(zip(names[unseen].tolist(), counts[unseen].tolist(), strict=True))


def _of_the_parts(embedder: MetricEmbedder, X: np.ndarray, seed: int, likelihood_samples: int) -> dict[str, float]:
    model = embedder.model_
    metrics: dict[str, float] = {}
    if model.decoder is not None:
        metrics["reconstruction_error"] = embedder.reconstruction_error(X)
    if likelihood_samples or (model.decoder is not None and model.prior is not None):
        terms = embedder.likelihood_terms(X, samples=likelihood_samples, random_state=seed)
        metrics |= {name: float(values.mean()) for name, values in terms.items() if name != "reconstruction"}
        metrics["vae_loss"] = float((terms["reconstruction"] + terms["kl"]).mean())
    elif model.prior is not None:
        metrics["kl"] = float(embedder.kl(X, random_state=seed).mean())
    return metrics


def on_the_sphere(Z: np.ndarray) -> np.ndarray:
    """Return the rows at length 1; those of length 0 stay."""
    length = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z / np.where(length > 0, length, 1)
