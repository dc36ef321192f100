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
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from semimetric.data.arrays import as_labels, check_inputs, check_labels
from semimetric.data.augmentation import Augmentation, get_augmentation
from semimetric.data.normalisation import Normaliser
from semimetric.estimator.fingerprint import fingerprint
from semimetric.estimator.generative import Generative
from semimetric.estimator.inference import Inputs, embed
from semimetric.estimator.networks import check_parts, check_shapes, compose
from semimetric.estimator.parameters import (
    check_parameters,
    choose_routine,
    choose_seed,
    resolve,
    training_settings,
)
from semimetric.estimator.spread import SpreadLabels
from semimetric.estimator.suggestions import Suggestions
from semimetric.geometry import Distance
from semimetric.losses import MetricLoss
from semimetric.presets import Composition, Preset, get_preset
from semimetric.priors import Prior
from semimetric.training import (
    LABELLED,
    PAIRED,
    UNLABELLED,
    Checkpoint,
    Routine,
    SelfTraining,
    TrainingData,
    choose_device,
    hold_out,
    space_and_labels,
    train_on,
)


class MetricEmbedder(
    Suggestions, Generative, ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Learn a space in which neighbours are alike, from a few labelled rows and all the unlabelled ones.

    Parameters
    ----------
    preset : str
        Which system: "best" (for few labels: views and neighbours drawn together, labels spread over their graph),
        "best-fast" (the same in less time),
        "dml" (triplet loss on the labelled rows alone), "dml-autoencoder" (and reconstruction of all rows),
        "dml-unit-prior", "dml-gmm-prior", "metric-vae", "joint-mvae", "tvae", or, without labels, "autoencoder", "vae",
        "vamp-vae". ``None`` for a parameter below means the preset's own value.
    latent_dim : int or None
        Dimensions of the space; 10, in "best" and "best-fast" 32, in "tvae" 20.
    alpha, beta, gamma : float or None
        Weights of the loss terms. ``(1 − alpha) · metric + alpha · (reconstruction + beta · KL)`` in
        "dml-autoencoder", "dml-*-prior" and "metric-vae", of what these have; ``reconstruction + beta · KL +
        gamma · metric`` in "joint-mvae", "vae" and "vamp-vae"; ``alpha · KL + beta · reconstruction + gamma · metric``
        in "tvae", its eq. 5; ``(contrast + gamma · metric) / (1 + gamma)`` in "best" by another routine than its own.
        alpha is in (0, 1], and near 1 where it stands before an error averaged over pixels, which is a small number;
        the others are at least 0.
    loss : str, MetricLoss or None
        "triplet", "random-triplet", "contrastive", "center", "softmax", "normalised-softmax", "n-pair", "nt-xent",
        "supervised-contrastive", or a `semimetric.losses.MetricLoss` of your own, `PyTorchMetricLearning(…)` among
        them.
    margin : float or None
        Of the triplet and contrastive losses, in the units of ``distance``.
    distance : str or callable
        "euclidean", "squared_euclidean", "manhattan", "cosine", or a function of (n, d) and (m, d) tensors. The graphs
        of "self-training" are Euclidean whatever it is.
    metric_on : str or None
        Whether the metric loss sees a "sample" of the posterior, or its "mean".
    prior : str, Prior or None
        "unit", "hypercube", "simplex", "mixture" (learned), "classes" (learned, one component per class), "vamp",
        "fitted" (to the embeddings, by ``routine="staged"``), or a `semimetric.priors.Prior` of your own.
    n_components : int or None
        Of "mixture" (None: 10), "simplex" (as many as there is room for) and "fitted" (one per class), or pseudo-inputs
        of "vamp" (100).
    log_variance : float or None
        Of the components of "hypercube" (None: 1, the paper's), "simplex" (0), "mixture" and "classes", whose learned
        ones start there (0).
    kl_estimator : str
        "auto" (closed form where there is one, else Monte Carlo), "closed-form", "monte-carlo", "quadrature", and to
        study published results two that are wrong: "as-printed" and "sign-mended".
    kl_samples : int
        Of a Monte Carlo estimate, per row and step.
    free_bits : float or None
        Nats of KL that cost nothing.
    warm_up : float or None
        Share of the training over which the KL's weight rises from 0.
    likelihood : str
        What a decoder's output means: "gaussian" (squared error) or "bernoulli" (cross-entropy; inputs in [0, 1]).
    reconstruction : str or None
        Whether the reconstruction error is the "mean" or the "sum" over the elements of an input.
    network : str or None
        "auto" (convolutional for images, dense for vectors), "pooled" (wider, and images are halved by max-pooling),
        "convolutional", "dense" or "two-layer".
    routine : str, Routine class or None
        "joint" (labelled and unlabelled rows in every step), "alternate-epochs" (the routine of Safir et al.),
        "alternate-batches", "staged" (metric loss, then a prior fitted to the space, then everything),
        "self-training" (what needs no label, then labels spread over the graph of neighbours, anew for every epoch),
        or a subclass of `semimetric.training.Routine`.
    separate_optimisers : bool
        Whether each phase of a routine that has phases has an optimiser of its own.
    balance : str
        "fixed" weights, or "uncertainty": learned from there on.
    augment : str or callable
        Random views for the encoder to read in training: "auto" (small deformations of images, for vectors nothing
        but in "best" a tenth of the features replaced by other rows'; in "metric-vae" and "joint-mvae" of labelled
        batches only, in "tvae", "vae" and "vamp-vae" none), "deform", "flip" (deformations and mirror images, for
        what has no left and right), "natural" (crops, flips and colours, for photographs), "corrupt", "none", or a
        function of a batch of inputs, (n, c, h, w) in [0, 1] or (n, features), such as
        `semimetric.data.augmentation.Deform(0.2)`. Decoders aim at the input itself, so that a view's deformation is
        not kept in its embedding.
    epochs : int or "auto"
        Passes over all rows; "auto" takes as many as make about 7,500 steps, at least 15 and at most 100; in "best"
        1,600 and at least 10, in "best-fast" 800 and at least 5.
    batch_size, labelled_batch_size : int
        Rows per step from the two streams. On small data batches of the first shrink, to at least 16 an epoch.
    learning_rate, weight_decay : float
        Of Adam. The rate rises over the first tenth of training, and falls along a cosine from there.
    averaging : float
        Decay, per step, of a running average of the model that is then the one used; 0 for none.
    validation_share : float or None
        Share of the rows held out for early stopping; labels are held out only of classes with ten or more.
    patience : int or None
        Epochs without improvement on the held-out rows after which training stops; None: never.
    n_neighbors : int or None
        Labelled neighbours that `predict` asks; None: one for up to 100 labelled rows, five beyond. After
        self-training, neighbours among all training rows; None: from twenty, where they tell all, to eighty.
    encoder, decoder : torch.nn.Module, optional
        Networks of your own: (n, c, h, w) or (n, features) → (n, latent_dim), or with a prior (n, 2 · latent_dim),
        means and log-variances, and back. They are copied.
    device : str
        "auto", "cpu", "cuda", "cuda:N" or "mps".
    devices : int
        How many of them to train on, one process each ("cpu": as many processes): batches are dealt out, and metric
        losses see the rows of all. What is sent to them must be picklable, as functions at the top of a module are.
    precision : str
        Of training: "auto" (bfloat16 where the device gains by it), "float32" or "bfloat16".
    chunk_size : int or None
        Rows that the networks compute at a time within a step; None: all. The gradient is that of the whole batch,
        memory that of a chunk, so that time alone limits batches (gradient caching; a third more of it).
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
    spread_labels_ : SpreadLabels or None
        After "self-training", of all training rows: their ``embeddings`` (n, latent_dim), the ``distributions``
        (n, classes) over classes that the labels spread to them, and which of them are ``reached`` (n,); rows that are
        not may be of a class that nobody labelled, and have the numbers of the ``clusters`` (n,) they fall into. A
        ``classifier`` of the inputs had this ``share`` in the distributions.
    settings_ : dict
        The parameters as used: the preset's own values in the places of None.
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
        latent_dim: int | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        gamma: float | None = None,
        loss: str | MetricLoss | None = None,
        margin: float | None = None,
        distance: str | Distance = "euclidean",
        metric_on: str | None = None,
        prior: str | Prior | None = None,
        n_components: int | None = None,
        log_variance: float | None = None,
        kl_estimator: str = "auto",
        kl_samples: int = 1,
        free_bits: float | None = None,
        warm_up: float | None = None,
        likelihood: str = "gaussian",
        reconstruction: str | None = None,
        network: str | None = None,
        routine: str | type[Routine] | None = None,
        separate_optimisers: bool = False,
        balance: str = "fixed",
        augment: str | Augmentation = "auto",
        epochs: int | str = "auto",
        batch_size: int = 128,
        labelled_batch_size: int = 64,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        averaging: float = 0.0,
        validation_share: float | None = None,
        patience: int | None = 10,
        n_neighbors: int | None = None,
        encoder: torch.nn.Module | None = None,
        decoder: torch.nn.Module | None = None,
        device: str = "auto",
        devices: int = 1,
        precision: str = "auto",
        chunk_size: int | None = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.preset = preset
        self.latent_dim = latent_dim
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.loss = loss
        self.margin = margin
        self.distance = distance
        self.metric_on = metric_on
        self.prior = prior
        self.n_components = n_components
        self.log_variance = log_variance
        self.kl_estimator = kl_estimator
        self.kl_samples = kl_samples
        self.free_bits = free_bits
        self.warm_up = warm_up
        self.likelihood = likelihood
        self.reconstruction = reconstruction
        self.network = network
        self.routine = routine
        self.separate_optimisers = separate_optimisers
        self.balance = balance
        self.augment = augment
        self.epochs = epochs
        self.batch_size = batch_size
        self.labelled_batch_size = labelled_batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.averaging = averaging
        self.validation_share = validation_share
        self.patience = patience
        self.n_neighbors = n_neighbors
        self.encoder = encoder
        self.decoder = decoder
        self.device = device
        self.devices = devices
        self.precision = precision
        self.chunk_size = chunk_size
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
        check_parameters(self.get_params(deep=False))
        settings = resolve(self.get_params(deep=False))
        device = choose_device(self.device, self.devices)
        preset = get_preset(self.preset)
        seed = choose_seed(self.random_state)
        rows, form = check_inputs(validate_data(self, X, allow_nd=True, ensure_all_finite=False, dtype="numeric"))
        codes, classes = self._labels(y, len(rows), preset)
        augmentation = get_augmentation(self.augment, form.is_image, preset.deformation, preset.corruption)
        composition = compose(preset, form.shape, settings, len(classes), seed)
        check_shapes(composition, form.shape, settings["latent_dim"], preset.parameters_per_dimension)
        check_parts(composition, form.shape, settings["kl_estimator"], len(rows), len(classes))
        normaliser = Normaliser(form.shape).fit(rows, form, "unit" if self.likelihood == "bernoulli" else "auto")

        # Nothing above has changed the estimator, so that a mistake leaves an earlier fit whole.
        self.seed_, self.settings_, self.input_form_, self.classes_ = seed, settings, form, classes
        self.model_, self.normaliser_ = composition.model, normaliser
        views = (
            preset.views if isinstance(self.augment, str) and self.augment == "auto" else (LABELLED, UNLABELLED, PAIRED)
        )
        data = TrainingData(rows, codes, normaliser, augmentation, views)
        self._train(composition, data, device)
        self.spread_labels_ = self._spread_labels(data, codes)
        self.labelled_rows_ = np.flatnonzero(codes >= 0)
        self.labelled_codes_ = codes[self.labelled_rows_]
        labelled = Inputs(rows[self.labelled_rows_], form, normaliser, self._device())
        self.labelled_embeddings_ = embed(self.model_, labelled, self._n_features_out)
        self.fit_seconds_ = time.perf_counter() - started
        return self

    def _labels(self, y: ArrayLike | None, n: int, preset: Preset) -> tuple[np.ndarray, np.ndarray]:
        codes, classes = check_labels(None if y is None else column_or_1d(as_labels(y), warn=True), n)
        if len(classes) < 2 and preset.metric:
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
        split = hold_out(codes, self.settings_["validation_share"], self.seed_)
        settings = training_settings(self.settings_, len(split.train), device, self.seed_)
        checkpoint = None
        if self.checkpoint_dir is not None:
            checkpoint = Checkpoint(self.checkpoint_dir, fingerprint(self.settings_, settings, data))
        composition.model.compute_in_chunks(self.chunk_size)
        result = train_on(
            self.devices,
            composition.model,
            composition.objective,
            choose_routine(self.settings_, weights, settings.epochs),
            data,
            split,
            settings,
            checkpoint,
            bool(self.resume),
        )
        self.history_, self.best_epoch_, self.stopped_ = result.history, result.best_epoch, result.stopped
        self.n_epochs_ = settings.epochs

    def _spread_labels(self, data: TrainingData, codes: np.ndarray) -> SpreadLabels | None:
        """Spread the labels over the space as it has become, if that is how it was trained."""
        routine = self.settings_["routine"]
        self_trained = routine == "self-training" or (isinstance(routine, type) and issubclass(routine, SelfTraining))
        if not self_trained or len(self.classes_) < 2:
            return None
        Z, spread, evidence = space_and_labels(self.model_, data, codes)
        distributions = spread.probabilities.astype(np.float32)
        return SpreadLabels(Z, distributions, spread.clusters, evidence.share, evidence.classifier)

    # Embedding ----------------------------------------------------------------------------------------

    def transform(self, X: ArrayLike, out: np.ndarray | None = None) -> np.ndarray:
        """Return the embeddings (n, latent_dim), float32: the posterior means.

        Parameters
        ----------
        X : array
            As `fit` takes it. It is read a part at a time, so that a memory map may be larger than the memory.
        out : float32 array (n, latent_dim), optional
            Where to write them, such as a memory map; of a row of ``X`` that is refused, and those after it, nothing
            is written.

        Raises
        ------
        ValueError
            If ``X`` is not of the form that was fitted, or a value is NaN or infinite; if ``out`` cannot hold them.
        """
        inputs = self._inputs(X)
        return embed(self.model_, inputs, self._n_features_out, out, show=bool(self.verbose))

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
            The objects and functions that the model was fitted with (``encoder``, ``decoder``, ``loss``, ``prior``,
            ``distance``, ``augment``), where they were your own.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, of a newer format, or not a model; the message says which.
        """
        from semimetric.estimator.modelfile import load_model

        return load_model(Path(path), own)

    # Inside -------------------------------------------------------------------------------------------

    @property
    def _n_features_out(self) -> int:
        return int(self.settings_["latent_dim"])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False  # unlabelled data are welcome
        tags.transformer_tags.preserves_dtype = []  # embeddings are float32, whatever came in
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        return tags
