"""`MetricEmbedder`: semi-supervised metric learning as a scikit-learn estimator."""

import os
import time
import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from semimetric.data.arrays import as_given, as_labels, check_inputs, check_labels, labelled_rows
from semimetric.data.augmentation import Augmentation, get_augmentation
from semimetric.data.normalisation import Normaliser
from semimetric.estimator.fingerprint import fingerprint
from semimetric.estimator.inference import decode, embed, reconstruction_error
from semimetric.estimator.neighbours import neighbour_search
from semimetric.estimator.networks import check_shapes, compose
from semimetric.estimator.parameters import check_parameters, choose_batch_size, choose_epochs, choose_seed
from semimetric.geometry import Distance
from semimetric.presets import PRESETS, Composition, Preset, get_preset
from semimetric.training import (
    ROUTINES,
    Checkpoint,
    TrainingData,
    TrainingSettings,
    choose_device,
    hold_out,
    train,
)


class MetricEmbedder(ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """Learn a space in which neighbours are alike, from a few labelled rows and all the unlabelled ones.

    Parameters
    ----------
    preset : str
        Which system: "dml" (triplet loss on the labelled rows alone), "dml-autoencoder" (and reconstruction of
        all rows) or "autoencoder" (reconstruction alone).
    latent_dim : int
        Dimensions of the space.
    alpha : float
        In "dml-autoencoder", the weight of reconstruction against that of the metric loss, (1 − alpha): in (0, 1].
        Near 1, because a squared error averaged over the pixels of an image is a small number.
    margin : float
        Of the triplet loss, in the units of ``distance``.
    distance : str or callable
        "euclidean", "squared_euclidean", "manhattan", "cosine", or a function of (n, d) and (m, d) tensors.
    likelihood : str
        What a decoder's output means: "gaussian" (squared error) or "bernoulli" (cross-entropy; inputs in [0, 1]).
    routine : str
        "joint" (labelled and unlabelled rows in every step) or "alternate-epochs" (the routine of Safir et al.).
    augment : str or callable
        Random views for the encoder to read in training: "auto" (small deformations of images, nothing for
        vectors), "deform", "none", or a function of a batch of inputs in [0, 1], (n, c, h, w). Decoders aim at the
        input itself, so that a view's deformation is not kept in its embedding.
    epochs : int or "auto"
        Passes over all rows; "auto" takes as many as make about 7,500 steps, at least 15 and at most 100.
    batch_size, labelled_batch_size : int
        Rows per step from the two streams. On small data batches of the first shrink, to at least 16 an epoch.
    learning_rate, weight_decay : float
        Of Adam. The rate rises over the first tenth of training, and falls along a cosine from there.
    validation_share : float
        Share of the rows held out for early stopping; labels are held out only of classes with ten or more.
    patience : int or None
        Epochs without improvement on the held-out rows after which training stops; None: never.
    n_neighbors : int or None
        Neighbours that `predict` asks; None: one for up to 100 labelled rows, five beyond.
    encoder, decoder : torch.nn.Module, optional
        Networks of your own: (n, c, h, w) or (n, features) → (n, latent_dim), and back. They are copied.
    device : str
        "auto", "cpu", "cuda", "cuda:N" or "mps".
    precision : str
        Of training: "auto" (bfloat16 where the device gains by it), "float32" or "bfloat16".
    checkpoint_dir : path, optional
        Where each epoch leaves what a killed fit needs to go on.
    resume : bool
        Go on from the checkpoint in ``checkpoint_dir``, if there is one; the result is that of an undisturbed fit.
    verbose : bool
        Show progress bars.
    random_state : int, RandomState or None
        Fixes every draw; with an int, the same fit on the same machine gives the same model.

    Attributes
    ----------
    classes_ : array (c,)
        The labels seen, sorted.
    history_ : list of dict
        One row per epoch: ``epoch``, ``train_<term>``, ``held_out_<term>``, ``held_out_total``.
    best_epoch_, stopped_ : int, str
        The epoch whose weights are used; "finished", "early", "interrupted" or "diverged".
    labelled_rows_ : int array (m,)
        The rows of the training data that carried labels: what `predict` and `kneighbors` search.
    labelled_embeddings_ : float32 array (m, latent_dim)
        Their embeddings.
    n_features_in_, seed_, fit_seconds_ : int, int, float
        Features (or rows of pixels) per input; the seed used; how long `fit` took.

    Examples
    --------
    >>> from semimetric import MetricEmbedder
    >>> from semimetric.data import hide_labels, load_dataset
    >>> digits = load_dataset("digits")
    >>> y = hide_labels(digits.y_train, count=50)
    >>> embedder = MetricEmbedder(latent_dim=8, epochs=5, random_state=0).fit(digits.X_train, y)
    >>> embedder.transform(digits.X_test).shape
    (599, 8)

    References
    ----------
    Safir, Zain, Godwin, Miller, Humphrey, Quinn. Variational Autoencoders for Semi-Supervised Deep Metric
    Learning. SciPy 2022.
    """

    def __init__(
        self,
        preset: str = "dml-autoencoder",
        *,
        latent_dim: int = 10,
        alpha: float = 0.97,
        margin: float = 0.2,
        distance: str | Distance = "euclidean",
        likelihood: str = "gaussian",
        routine: str = "joint",
        augment: str | Augmentation = "auto",
        epochs: int | str = "auto",
        batch_size: int = 128,
        labelled_batch_size: int = 64,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        validation_share: float = 0.05,
        patience: int | None = 10,
        n_neighbors: int | None = None,
        encoder: torch.nn.Module | None = None,
        decoder: torch.nn.Module | None = None,
        device: str = "auto",
        precision: str = "auto",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.preset = preset
        self.latent_dim = latent_dim
        self.alpha = alpha
        self.margin = margin
        self.distance = distance
        self.likelihood = likelihood
        self.routine = routine
        self.augment = augment
        self.epochs = epochs
        self.batch_size = batch_size
        self.labelled_batch_size = labelled_batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_share = validation_share
        self.patience = patience
        self.n_neighbors = n_neighbors
        self.encoder = encoder
        self.decoder = decoder
        self.device = device
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.resume = resume
        self.verbose = verbose
        self.random_state = random_state

    # Fitting ------------------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the space.

        Parameters
        ----------
        X : array (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w)
            All rows, labelled and unlabelled; c is 1 or 3. uint8 images are divided by 255.
        y : array (n,), optional
            Integers or strings; −1 (or None, among strings) for unlabelled.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be right; the message says which and why.
        """
        started = time.perf_counter()
        parameters = self.get_params(deep=False)
        check_parameters(parameters)
        device = choose_device(self.device)
        preset = get_preset(self.preset)
        seed = choose_seed(self.random_state)
        rows, form = check_inputs(validate_data(self, X, allow_nd=True, ensure_all_finite=False, dtype="numeric"))
        codes, classes = self._labels(y, len(rows), preset)
        augmentation = get_augmentation(self.augment, form.is_image)
        composition = compose(preset, form.shape, parameters, seed)
        check_shapes(composition, form.shape, self.latent_dim, preset.parameters_per_dimension)
        normaliser = Normaliser(form.shape).fit(rows, form, "unit" if self.likelihood == "bernoulli" else "auto")

        # Nothing above has changed the estimator, so that a mistake leaves an earlier fit whole.
        self.seed_, self.input_form_, self.classes_ = seed, form, classes
        self.model_, self.normaliser_ = composition.model, normaliser
        self._train(composition, TrainingData(rows, codes, normaliser, augmentation), device)
        self.labelled_rows_ = np.flatnonzero(codes >= 0)
        self.labelled_codes_ = codes[self.labelled_rows_]
        self.labelled_embeddings_ = self._embed(rows[self.labelled_rows_])
        self.fit_seconds_ = time.perf_counter() - started
        return self

    def _labels(self, y: ArrayLike | None, n: int, preset: Preset) -> tuple[np.ndarray, np.ndarray]:
        codes, classes = check_labels(None if y is None else column_or_1d(as_labels(y), warn=True), n)
        if len(classes) < 2 and preset.metric is not None:
            found = "no labels" if len(classes) == 0 else f"labels of one class only ({classes.tolist()[0]!r})"
            if preset.needs_labels:
                raise ValueError(
                    f"preset {preset.name!r} learns from labels alone and needs at least two classes, but y holds "
                    f"{found}: label more rows, or use preset 'autoencoder'"
                )
            warnings.warn(f"y holds {found}: training without the metric loss", stacklevel=3)
        return codes, classes

    def _train(self, composition: Composition, data: TrainingData, device: torch.device) -> None:
        codes = data.y.numpy()
        weights = composition.weights
        if len(self.classes_) < 2:
            weights = weights.only(*weights.unsupervised)
        split = hold_out(codes, self.validation_share, self.seed_)
        batch_size = choose_batch_size(self.batch_size, len(split.train))
        settings = TrainingSettings(
            epochs=choose_epochs(self.epochs, -(-len(split.train) // batch_size)),
            batch_size=batch_size,
            labelled_batch_size=self.labelled_batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            device=device,
            precision=self.precision,
            seed=self.seed_,
            show_progress=bool(self.verbose),
        )
        checkpoint = None
        if self.checkpoint_dir is not None:
            parameters = self.get_params(deep=False)
            checkpoint = Checkpoint(self.checkpoint_dir, fingerprint(parameters, settings, data))
        result = train(
            composition.model,
            composition.objective,
            ROUTINES[self.routine](weights),
            data,
            split,
            settings,
            checkpoint,
            bool(self.resume),
        )
        self.history_, self.best_epoch_, self.stopped_ = result.history, result.best_epoch, result.stopped
        self.n_epochs_ = settings.epochs

    # Embedding ----------------------------------------------------------------------------------------

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the embeddings (n, latent_dim), float32: the posterior means."""
        return self._embed(self._checked(X), show=bool(self.verbose))

    def inverse_transform(self, Z: ArrayLike) -> np.ndarray:
        """Return what embeddings (n, latent_dim) decode to, float32, in the training data's units and layout.

        Raises
        ------
        ValueError
            If the preset has no decoder, or ``Z`` the wrong shape.
        """
        check_is_fitted(self)
        if self.model_.decoder is None:
            able = ", ".join(repr(name) for name, preset in PRESETS.items() if preset.decoder)
            raise ValueError(f"preset {self.preset!r} has no decoder: inverse_transform needs one of {able}")
        Z = np.asarray(Z, np.float32)
        if Z.ndim != 2 or Z.shape[1] != self.latent_dim:
            raise ValueError(f"Z must have shape (n, {self.latent_dim}), got {Z.shape}")
        if not (finite := np.isfinite(Z).all(axis=1)).all():
            raise ValueError(f"Z contains NaN or infinity in row {int(np.argmin(finite))}")
        out = decode(self.model_.decoder, self.normaliser_, Z, self.input_form_.shape, self._device())
        return as_given(out, self.input_form_)

    def reconstruction_error(self, X: ArrayLike) -> float:
        """Return the decoder's mean error per input, summed over its elements, in normalised units."""
        rows = self._checked(X)
        if self.model_.decoder is None:
            raise ValueError(f"preset {self.preset!r} has no decoder, hence no reconstruction error")
        return reconstruction_error(self.model_, self.model_.decoder, self.normaliser_, rows, self._device())

    # Neighbours ---------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class (n,) that most of the nearest labelled rows have."""
        codes = self._neighbours().predict(self._embed(self._checked(X)))
        return self.classes_[codes]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the share of each class among the nearest labelled rows, (n, classes), columns as ``classes_``."""
        return self._neighbours().predict_proba(self._embed(self._checked(X)))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of the labelled rows of ``X`` whose class `predict` names; NaN if none is labelled."""
        labels = as_labels(y)
        known = labelled_rows(labels)
        if not known.any():
            return float("nan")
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        right = self.predict(X)[known] == labels[known]
        return float(np.average(right, weights=weights))

    def kneighbors(
        self, X: ArrayLike, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[np.ndarray, np.ndarray] | np.ndarray:
        """Return the nearest labelled rows of each input.

        Returns
        -------
        distances : array (n, n_neighbors), if ``return_distance``
            In the learned space, ascending.
        rows : int array (n, n_neighbors)
            Their places in the ``X`` that `fit` was given.
        """
        neighbours = self._neighbours()
        k = neighbours.n_neighbors if n_neighbors is None else n_neighbors
        if not 1 <= k <= len(self.labelled_rows_):
            raise ValueError(f"n_neighbors must be between 1 and the {len(self.labelled_rows_)} labelled rows, got {k}")
        distances, places = neighbours.kneighbors(self._embed(self._checked(X)), k)
        return (distances, self.labelled_rows_[places]) if return_distance else self.labelled_rows_[places]

    def _neighbours(self) -> KNeighborsClassifier:
        check_is_fitted(self)
        return neighbour_search(self.labelled_embeddings_, self.labelled_codes_, self.n_neighbors, self.distance)

    # Files --------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the fitted model as a directory of JSON and safetensors, replacing a model that is there.

        Networks of your own are saved as weights only: `load` will ask for the modules.
        """
        from semimetric.estimator.modelfile import save_model

        check_is_fitted(self)
        return save_model(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], **own: Any) -> "MetricEmbedder":
        """Read a model that `save` wrote; nothing in the file can run code.

        Parameters
        ----------
        path : path
        **own
            The modules and functions that the model was fitted with (``encoder``, ``decoder``, ``distance``,
            ``augment``), where they were your own.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, of a newer format, or not a model; the message says which.
        """
        from semimetric.estimator.modelfile import load_model

        return load_model(Path(path), own)

    # Inside -------------------------------------------------------------------------------------------

    def _checked(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        array = check_array(X, allow_nd=True, ensure_all_finite=False, dtype="numeric")
        if array.ndim == 2 and not self.input_form_.is_image:  # of images, scikit-learn would miscount the features
            validate_data(self, X, reset=False, skip_check_array=True)
        return check_inputs(array, self.input_form_)[0]

    def _embed(self, rows: np.ndarray, show: bool = False) -> np.ndarray:
        return embed(self.model_, self.normaliser_, rows, self.latent_dim, self._device(), show)

    def _device(self) -> torch.device:
        """The device to embed on; the model is moved there if it is elsewhere."""
        device = choose_device(self.device)
        self.model_.to(device)
        self.normaliser_.to(device)
        return device

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False  # unlabelled data are welcome
        tags.transformer_tags.preserves_dtype = []  # embeddings are float32, whatever came in
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        return tags
