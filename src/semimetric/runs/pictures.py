"""The few inputs that a run keeps so that its report can show them, whatever became of the data since."""

import numpy as np

from semimetric.data import Dataset
from semimetric.data.arrays import labelled_rows
from semimetric.estimator import MetricEmbedder
from semimetric.estimator.spread import SpreadLabels, outwards
from semimetric.priors import Prior

SHOWN = 2_000  # test rows whose inputs are kept
LABELLED = 200  # and labelled training rows
RECONSTRUCTED = 20
SAMPLED = 60  # draws from the prior
TRAVERSED, STEPS = 10, 11  # dimensions walked along, and steps of each walk
COMPONENTS = 1_024  # of a mixture prior that are kept, at most
CLUSTERS, OF_CLUSTER = 20, 10  # clusters that no label reaches, and rows of each


def arrays_to_keep(
    embedder: MetricEmbedder, data: Dataset, X: np.ndarray, y: np.ndarray, Z: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Return the content of ``embedding.npz`` for test rows ``X``, their labels and embeddings: see `RunRecord`."""
    rng = np.random.default_rng([seed, 2])
    shown = np.sort(rng.choice(len(X), min(SHOWN, len(X)), replace=False))
    labelled = embedder.labelled_rows_
    arrays = {
        "Z_test": Z,
        "y_test": _storable(y),
        "Z_labelled": embedder.labelled_embeddings_,
        "y_labelled": _storable(embedder.classes_[embedder.labelled_codes_]),
        "shown_rows": shown,
        "shown_inputs": viewable(embedder, X[shown]),
        "labelled_inputs": viewable(embedder, data.X_train[labelled[:LABELLED]]),
    }
    if len(labelled):
        arrays["predicted_test"] = _storable(embedder.predict(X))
    if embedder.model_.decoder is not None:
        some = _some_of_each_class(y, RECONSTRUCTED, rng)
        arrays["reconstruction_inputs"] = viewable(embedder, X[some])
        arrays["reconstruction_outputs"] = viewable(embedder, embedder.inverse_transform(Z[some]))
        if embedder.model_.prior is not None:
            arrays["samples"] = viewable(embedder, embedder.sample(SAMPLED, random_state=seed))
            arrays |= _traversals(embedder, Z)
    if embedder.model_.prior is not None:
        arrays |= _components(embedder.model_.prior)
    if embedder.spread_labels_ is not None:
        arrays |= _clusters(embedder, embedder.spread_labels_, data.X_train)
    return arrays


def _clusters(embedder: MetricEmbedder, spread: SpreadLabels, X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the sizes of the clusters that no label reaches, and inputs of each from its middle outwards."""
    sizes = np.bincount(spread.clusters[spread.clusters >= 0])
    rows = np.empty((min(len(sizes), CLUSTERS), OF_CLUSTER), np.int64)
    for cluster in range(len(rows)):
        members = np.flatnonzero(spread.clusters == cluster)
        places = np.linspace(0, len(members) - 1, OF_CLUSTER).round().astype(int)
        rows[cluster] = outwards(spread.embeddings, members)[places]
    inputs = viewable(embedder, X[rows.ravel()])
    return {"cluster_sizes": sizes, "cluster_inputs": inputs.reshape(*rows.shape, *inputs.shape[1:])}


def _traversals(embedder: MetricEmbedder, Z: np.ndarray) -> dict[str, np.ndarray]:
    """Walk from the median embedding along the dimensions in which embeddings vary most, over all but 2 % of them."""
    dimensions = np.argsort(-Z.std(0), kind="stable")[:TRAVERSED]
    low, high = np.quantile(Z[:, dimensions], (0.01, 0.99), axis=0)
    values = np.linspace(low, high, STEPS, axis=1).astype(np.float32)
    walks = np.tile(np.median(Z, axis=0), (len(dimensions), STEPS, 1)).astype(np.float32)
    walks[np.arange(len(dimensions)), :, dimensions] = values
    decoded = viewable(embedder, embedder.inverse_transform(walks.reshape(-1, Z.shape[1])))
    return {
        "traversals": decoded.reshape(len(dimensions), STEPS, *decoded.shape[1:]),
        "traversal_dimensions": dimensions,
        "traversal_values": values,
    }


def _components(prior: Prior) -> dict[str, np.ndarray]:
    """Return the prior's Gaussian components, to be drawn in the latent plane; nothing if it is made of others."""
    components = prior.gaussians(COMPONENTS)
    if components is None:
        return {}
    names = ("prior_means", "prior_scales", "prior_weights")
    return {name: tensor.cpu().numpy() for name, tensor in zip(names, components, strict=True)}


def _storable(y: np.ndarray) -> np.ndarray:
    """Return labels as integers, or as text with "" for unlabelled: an array of objects cannot be stored."""
    return np.array(["" if label is None else str(label) for label in y]) if y.dtype == object else y


def viewable(embedder: MetricEmbedder, X: np.ndarray) -> np.ndarray:
    """Return images as uint8 (n, h, w) or (n, h, w, 3) in the range of the training data; vectors as they are."""
    form = embedder.input_form_
    if not form.is_image:
        return np.asarray(X, np.float32)
    if form.layout == "chw":
        X = X.transpose(0, 2, 3, 1)
    if X.ndim == 4 and X.shape[3] == 1:
        X = X[..., 0]
    low, span = float(embedder.normaliser_.shift), float(embedder.normaliser_.scale)
    return np.rint(np.clip((X - low) / span, 0, 1) * 255).astype(np.uint8)


def _some_of_each_class(y: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return up to ``n`` rows, every class in turn; unlabelled rows where there are no others."""
    known = np.flatnonzero(labelled_rows(y))
    rows = rng.permutation(known if len(known) else len(y))
    if len(known):
        _, codes = np.unique(y[rows], return_inverse=True)
        turn = np.array([np.count_nonzero(codes[:i] == code) for i, code in enumerate(codes[: 50 * n])])
        rows = rows[np.lexsort((codes[: len(turn)], turn))]
    return np.asarray(rows[:n])
