"""Every mistake at the doors of the API, and the whole sentence that answers it."""

import re
import warnings

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from torch import nn

from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset
from semimetric.errors import DataError, ModelFileError
from semimetric.evaluation import evaluate
from semimetric.losses import TripletLoss
from semimetric.priors import MixturePrior, UnitPrior, VampPrior

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5)).astype(np.float32)
Y = np.arange(40) % 2
IMAGES = rng.uniform(size=(40, 8, 8)).astype(np.float32)
PIXELS = (IMAGES * 255).astype(np.uint8)
PRESETS = (
    "autoencoder, best, best-fast, dml, dml-autoencoder, dml-gmm-prior, dml-unit-prior, joint-mvae, metric-vae, tvae, "
    "vae, vamp-vae"
)
DATASETS = (
    "bloodmnist, breastmnist, dermamnist, digits, fashion-mnist, mnist, octmnist, organamnist, organcmnist, "
    "organsmnist, pathmnist, pneumoniamnist, retinamnist, tissuemnist"
)
DISTANCES = "cosine, euclidean, manhattan, squared_euclidean"
NOT_FITTED = (
    "This MetricEmbedder instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator."
)
WHOLE = "must be a whole number of at least"
LOSSES = (
    "center, contrastive, n-pair, normalised-softmax, nt-xent, random-triplet, softmax, supervised-contrastive, triplet"
)
PRIORS = "classes, fitted, hypercube, mixture, simplex, unit, vamp"
WITH_PRIOR = "'dml-unit-prior', 'dml-gmm-prior', 'metric-vae', 'joint-mvae', 'tvae', 'vae', 'vamp-vae'"
WITH_BOTH = "'metric-vae', 'joint-mvae', 'tvae', 'vae', 'vamp-vae'"


def embedder(**parameters):
    return MetricEmbedder(**{"latent_dim": 2, "epochs": 1, "random_state": 0} | parameters)


def fit(rows=X, y=Y, **parameters):
    """A case: fit with these arguments."""
    return lambda _: embedder(**parameters).fit(rows, y)


def vae(**parameters):
    """A case: fit "metric-vae" with these arguments."""
    return fit(preset="metric-vae", **parameters)


class NoRoutine:
    """A class that is no `Routine`."""


def changed(array, row, value):
    copy = array.copy()
    copy[row, -1] = value
    return copy


def network(inputs, outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


@pytest.fixture(scope="module")
def fitted():
    return {
        "vectors": embedder().fit(X, Y),
        "images": embedder().fit(IMAGES, Y),
        "pixels": embedder().fit(PIXELS, Y),
        "dml": embedder(preset="dml").fit(X, Y),
        "dml-autoencoder": embedder(preset="dml-autoencoder").fit(X, Y),
        "dml-unit-prior": embedder(preset="dml-unit-prior").fit(X, Y),
        "vae": embedder(preset="vae").fit(X, Y),
        "unlabelled": embedder(preset="autoencoder").fit(X),
        "nothing": embedder(),
    }


# Mistake, what is raised, and the whole sentence.
CASES = [
    # The rows
    ("a NaN", fit(changed(X, 7, np.nan)), ValueError, "X contains NaN in row 7: remove the row or fill the value in"),
    (
        "infinity",
        fit(changed(X, 3, -np.inf)),
        ValueError,
        "X contains infinity or a value too large for float32 in row 3: remove the row or fill the value in",
    ),
    (
        "too large",
        fit(changed(X.astype(float), 9, 1e39)),
        ValueError,
        "X contains infinity or a value too large for float32 in row 9: remove the row or fill the value in",
    ),
    (
        "five axes",
        fit(np.zeros((40, 2, 2, 2, 2))),
        ValueError,
        "X has shape (40, 2, 2, 2, 2); it must be (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w) "
        "with 1 or 3 channels",
    ),
    (
        "two channels",
        fit(np.zeros((40, 9, 9, 2))),
        ValueError,
        "X has shape (40, 9, 9, 2); it must be (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w) "
        "with 1 or 3 channels",
    ),
    (
        "tiny images",
        fit(np.zeros((40, 4, 4))),
        ValueError,
        "X holds images of 4 × 4 pixels; images must be at least 8 × 8: give smaller ones as vectors, "
        "X.reshape(len(X), -1)",
    ),
    (
        "no rows",
        fit(X[:0], Y[:0]),
        ValueError,
        "Found array with 0 sample(s) (shape=(0, 5)) while a minimum of 1 is required by MetricEmbedder.",
    ),
    (
        "no features",
        fit(X[:, :0]),
        ValueError,
        "Found array with 0 feature(s) (shape=(40, 0)) while a minimum of 1 is required by MetricEmbedder.",
    ),
    (
        "a sparse matrix",
        fit(csr_matrix(X)),
        TypeError,
        "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy array.",
    ),
    # The labels
    (
        "dml without labels",
        fit(y=None, preset="dml"),
        ValueError,
        "preset 'dml' learns from labels alone and needs at least two classes, but y holds no labels: "
        "label more rows, or use preset 'autoencoder'",
    ),
    (
        "dml with only −1",
        fit(y=np.full(40, -1), preset="dml"),
        ValueError,
        "preset 'dml' learns from labels alone and needs at least two classes, but y holds no labels: "
        "label more rows, or use preset 'autoencoder'",
    ),
    (
        "dml with one class",
        fit(y=np.full(40, 3), preset="dml"),
        ValueError,
        "preset 'dml' learns from labels alone and needs at least two classes, but y holds labels of one class "
        "only (3): label more rows, or use preset 'autoencoder'",
    ),
    (
        "more labels than rows",
        fit(y=np.arange(41)),
        ValueError,
        "y has 41 labels but X has 40 rows: give one label per row, −1 for unlabelled",
    ),
    (
        "fewer labels than rows",
        fit(y=Y[:39]),
        ValueError,
        "y has 39 labels but X has 40 rows: give one label per row, −1 for unlabelled",
    ),
    (
        "one-hot labels",
        fit(y=np.eye(40)),
        ValueError,
        "y should be a 1d array, got an array of shape (40, 40) instead.",
    ),
    (
        "labels of two kinds",
        fit(y=np.array([1, "a"] * 20, dtype=object)),
        ValueError,
        "y mixes labels of types int, str: use integers or strings throughout, None for unlabelled",
    ),
    (
        "real-valued labels",
        fit(y=Y + 0.5),
        ValueError,
        "Unknown label type: continuous. y must hold classes (integers or strings)",
    ),
    (
        "NaN for unlabelled",
        fit(y=np.where(Y == 1, np.nan, 0.0)),
        ValueError,
        "Input y contains NaN or infinity at row 1: write −1 for unlabelled",
    ),
    # The parameters
    ("latent_dim 0", fit(latent_dim=0), ValueError, f"latent_dim {WHOLE} 1, got 0"),
    ("latent_dim 1.5", fit(latent_dim=1.5), TypeError, f"latent_dim {WHOLE} 1, got 1.5"),
    ("latent_dim '10'", fit(latent_dim="10"), TypeError, f"latent_dim {WHOLE} 1, got '10'"),
    ("latent_dim True", fit(latent_dim=True), TypeError, f"latent_dim {WHOLE} 1, got True"),
    ("alpha 0", fit(alpha=0), ValueError, "alpha must be above 0 and at most 1, got 0"),
    ("alpha 1.5", fit(alpha=1.5), ValueError, "alpha must be above 0 and at most 1, got 1.5"),
    ("alpha NaN", fit(alpha=float("nan")), ValueError, "alpha must be above 0 and at most 1, got nan"),
    ("alpha 'half'", fit(alpha="half"), TypeError, "alpha must be a number above 0 and at most 1, got 'half'"),
    ("margin −1", fit(margin=-1), ValueError, "margin must be at least 0, got -1"),
    ("epochs 0", fit(epochs=0), ValueError, f"epochs {WHOLE} 1, or 'auto', got 0"),
    ("epochs 'ten'", fit(epochs="ten"), TypeError, f"epochs {WHOLE} 1, or 'auto', got 'ten'"),
    ("batch_size 1", fit(batch_size=1), ValueError, f"batch_size {WHOLE} 2, got 1"),
    ("labelled_batch_size 2", fit(labelled_batch_size=2), ValueError, f"labelled_batch_size {WHOLE} 4, got 2"),
    ("patience 0", fit(patience=0), ValueError, f"patience {WHOLE} 1, or None, got 0"),
    ("n_neighbors 0", fit(n_neighbors=0), ValueError, f"n_neighbors {WHOLE} 1, or None, got 0"),
    ("learning_rate 0", fit(learning_rate=0), ValueError, "learning_rate must be above 0, got 0"),
    ("weight_decay −1", fit(weight_decay=-1), ValueError, "weight_decay must be at least 0, got -1"),
    (
        "validation_share 1",
        fit(validation_share=1),
        ValueError,
        "validation_share must be at least 0 and below 1, got 1",
    ),
    ("random_state −1", fit(random_state=-1), ValueError, "random_state must be between 0 and 2**32 − 1, got -1"),
    (
        "random_state 0.5",
        fit(random_state=0.5),
        ValueError,
        "0.5 cannot be used to seed a numpy.random.RandomState instance",
    ),
    # The names
    (
        "an unknown preset",
        fit(preset="dml-autoencodr"),
        ValueError,
        f"unknown preset 'dml-autoencodr': did you mean 'dml-autoencoder' or 'autoencoder'? Known: {PRESETS}",
    ),
    ("no preset", fit(preset=None), TypeError, "preset must be a string, got None"),
    (
        "an unknown routine",
        fit(routine="jiont"),
        ValueError,
        "unknown routine 'jiont': did you mean 'joint'? Known: alternate-batches, alternate-epochs, joint, "
        "self-training, staged",
    ),
    (
        "an unknown likelihood",
        fit(likelihood="gausian"),
        ValueError,
        "unknown likelihood 'gausian': did you mean 'gaussian'? Known: bernoulli, gaussian",
    ),
    (
        "an unknown distance",
        fit(distance="cosin"),
        ValueError,
        f"unknown distance 'cosin': did you mean 'cosine'? Known: {DISTANCES}",
    ),
    (
        "an unknown precision",
        fit(precision="float16"),
        ValueError,
        "unknown precision 'float16': did you mean 'bfloat16' or 'float32'? Known: auto, bfloat16, float32",
    ),
    (
        "an unknown augmentation",
        fit(IMAGES, augment="deformm"),
        ValueError,
        "unknown augmentation 'deformm': did you mean 'deform'? Known: auto, corrupt, deform, flip, natural, none",
    ),
    (
        "an augmentation of images for vectors",
        fit(augment="deform"),
        ValueError,
        "augmentation 'deform' is for images, but X holds vectors: use 'none' or 'auto'",
    ),
    (
        "an unknown device",
        fit(device="gpu"),
        ValueError,
        "device must be one of auto, cpu, cuda, mps or 'cuda:N', got 'gpu'",
    ),
    ("a device by number", fit(device=0), TypeError, "device must be a string, got 0"),
    (
        "a device that is not there",
        fit(device="cuda:97"),
        ValueError,
        f"device 'cuda:97' was asked for, but PyTorch finds {torch.cuda.device_count()} CUDA devices",
    ),
    # Loss, prior, KL and balance
    (
        "an unknown loss",
        vae(loss="tripplet"),
        ValueError,
        f"unknown loss 'tripplet': did you mean 'triplet' or 'random-triplet'? Known: {LOSSES}",
    ),
    (
        "a loss that is none",
        vae(loss=nn.CrossEntropyLoss()),
        TypeError,
        "loss must be a name or a metric loss of your own, got a CrossEntropyLoss",
    ),
    (
        "a loss of pytorch-metric-learning as it is",
        lambda f: vae(loss=pytest.importorskip("pytorch_metric_learning.losses").NPairsLoss())(f),
        TypeError,
        "loss must be a name or a metric loss of your own, got a NPairsLoss: wrap it, "
        "PyTorchMetricLearning(NPairsLoss(…))",
    ),
    (
        "a loss's class",
        vae(loss=TripletLoss),
        TypeError,
        "loss must be a name or a metric loss of your own, got <class 'semimetric.losses.triplet.TripletLoss'>: "
        "give an object of it, TripletLoss(…)",
    ),
    (
        "an unknown prior",
        vae(prior="vampp"),
        ValueError,
        f"unknown prior 'vampp': did you mean 'vamp'? Known: {PRIORS}",
    ),
    ("a prior that is none", vae(prior=3), TypeError, "prior must be a name or a prior of your own, got 3"),
    (
        "a prior's class",
        vae(prior=UnitPrior),
        TypeError,
        "prior must be a name or a prior of your own, got <class 'semimetric.priors.unit.UnitPrior'>: "
        "give an object of it, UnitPrior(…)",
    ),
    (
        "a prior for a preset without",
        fit(preset="dml", prior="unit"),
        ValueError,
        f"a prior was given, but preset 'dml' has none: use one of {WITH_PRIOR}",
    ),
    (
        "a prior of one's own for a preset without",
        fit(prior=UnitPrior(2)),
        ValueError,
        f"a prior was given, but preset 'dml-autoencoder' has none: use one of {WITH_PRIOR}",
    ),
    (
        "a fitted prior without stages",
        vae(prior="fitted"),
        ValueError,
        "prior 'fitted' takes the shape of a trained space: it needs routine='staged'",
    ),
    (
        "a prior of another dimension",
        vae(prior=UnitPrior(3)),
        ValueError,
        "prior must have 2 dimensions, as the space has, but its event shape is (3,)",
    ),
    (
        "a mixture of another dimension",
        vae(prior=MixturePrior(torch.zeros(4, 5))),
        ValueError,
        "prior must have 2 dimensions, as the space has, but its event shape is (5,)",
    ),
    (
        "pseudo-inputs of another shape",
        vae(prior=VampPrior(3, (7,))),
        ValueError,
        "prior does not fit the encoder and the data: mat1 and mat2 shapes cannot be multiplied (3x7 and 5x256)",
    ),
    (
        "a simplex without room",
        vae(prior="simplex", n_components=4),
        ValueError,
        "prior 'simplex' has room for 3 components in 2 dimensions, got n_components=4: lower it, or raise latent_dim",
    ),
    (
        "more components than embeddings",
        vae(routine="staged", epochs=2, n_components=41),
        ValueError,
        "a mixture of 41 components needs as many rows, got 40: lower n_components",
    ),
    ("n_components 0", vae(n_components=0), ValueError, f"n_components {WHOLE} 1, or None, got 0"),
    ("n_components 2.5", vae(n_components=2.5), TypeError, f"n_components {WHOLE} 1, or None, got 2.5"),
    (
        "log_variance 'wide'",
        vae(log_variance="wide"),
        TypeError,
        "log_variance must be a number between -20 and 20, or None, got 'wide'",
    ),
    ("log_variance 21", vae(log_variance=21), ValueError, "log_variance must be between -20 and 20, or None, got 21"),
    (
        "an unknown kl_estimator",
        vae(kl_estimator="montecarlo"),
        ValueError,
        "unknown kl_estimator 'montecarlo': did you mean 'monte-carlo'? Known: as-printed, auto, closed-form, "
        "monte-carlo, quadrature, sign-mended",
    ),
    (
        "a closed form of a VampPrior",
        vae(kl_estimator="closed-form"),
        ValueError,
        "the KL to a VampPrior has no closed form: use 'monte-carlo' or 'auto'",
    ),
    (
        "a closed form where there is none",
        vae(kl_estimator="closed-form", prior="hypercube"),
        ValueError,
        "the KL to a HypercubePrior has no closed form: use 'monte-carlo' or 'auto'",
    ),
    (
        "quadrature of a mixture",
        vae(kl_estimator="quadrature", prior=MixturePrior(torch.zeros(3, 2))),
        ValueError,
        "a MixturePrior is no product over dimensions: quadrature cannot find its KL",
    ),
    ("kl_samples 0", vae(kl_samples=0), ValueError, f"kl_samples {WHOLE} 1, got 0"),
    ("kl_samples 1.5", vae(kl_samples=1.5), TypeError, f"kl_samples {WHOLE} 1, got 1.5"),
    ("free_bits −1", vae(free_bits=-1), ValueError, "free_bits must be at least 0, got -1"),
    ("beta −1", vae(beta=-1), ValueError, "beta must be at least 0, got -1"),
    ("gamma infinite", vae(gamma=np.inf), ValueError, "gamma must be at least 0, got inf"),
    ("warm_up 2", vae(warm_up=2), ValueError, "warm_up must be between 0 and 1: a share of the training, got 2"),
    (
        "warm_up −0.1",
        vae(warm_up=-0.1),
        ValueError,
        "warm_up must be between 0 and 1: a share of the training, got -0.1",
    ),
    (
        "an unknown network",
        vae(network="convolution"),
        ValueError,
        "unknown network 'convolution': did you mean 'convolutional'? Known: auto, convolutional, dense, pooled, "
        "two-layer",
    ),
    (
        "a convolutional network for vectors",
        vae(network="convolutional"),
        ValueError,
        "network 'convolutional' needs images, and these are vectors: use 'dense' or 'auto'",
    ),
    (
        "an unknown reconstruction",
        vae(reconstruction="average"),
        ValueError,
        "unknown reconstruction 'average': known: mean, sum",
    ),
    (
        "an unknown metric_on",
        vae(metric_on="means"),
        ValueError,
        "unknown metric_on 'means': did you mean 'mean'? Known: mean, sample",
    ),
    (
        "an unknown balance",
        vae(balance="uncertain"),
        ValueError,
        "unknown balance 'uncertain': did you mean 'uncertainty'? Known: fixed, uncertainty",
    ),
    ("balance True", vae(balance=True), TypeError, "balance must be a string, got True"),
    (
        "a class that is no routine",
        vae(routine=NoRoutine),
        TypeError,
        f"routine must be a name or a subclass of Routine of your own, got {NoRoutine!r}",
    ),
    (
        "no routine",
        vae(routine=3),
        TypeError,
        "routine must be a name or a subclass of Routine of your own, got 3",
    ),
    # Networks of one's own
    (
        "an encoder of another output",
        fit(encoder=network(5, 3)),
        ValueError,
        "encoder must map (n, 5) → (n, 2), but for n = 2 it gave shape (2, 3)",
    ),
    (
        "an encoder of another input",
        fit(IMAGES, encoder=network(7, 2)),
        ValueError,
        "encoder must map (n, 1, 8, 8) → (n, 2), but it failed on such an input: "
        "mat1 and mat2 shapes cannot be multiplied (2x64 and 7x2)",
    ),
    (
        "a decoder of another output",
        fit(IMAGES, decoder=network(2, 64)),
        ValueError,
        "decoder must map (n, 2) → (n, 1, 8, 8), but for n = 2 it gave shape (2, 64)",
    ),
    (
        "a decoder for dml",
        fit(decoder=network(2, 5), preset="dml"),
        ValueError,
        "a decoder was given, but preset 'dml' has none",
    ),
    (
        "an encoder that is none",
        fit(encoder="resnet"),
        TypeError,
        "encoder must be a torch.nn.Module or None, got str",
    ),
    # After fitting, or before
    ("transform before fit", lambda f: f["nothing"].transform(X), NotFittedError, NOT_FITTED),
    ("predict before fit", lambda f: f["nothing"].predict(X), NotFittedError, NOT_FITTED),
    ("save before fit", lambda f: f["nothing"].save("model"), NotFittedError, NOT_FITTED),
    (
        "other features",
        lambda f: f["vectors"].transform(X[:, :3]),
        ValueError,
        "X has 3 features, but MetricEmbedder is expecting 5 features as input.",
    ),
    (
        "another width",
        lambda f: f["images"].transform(np.zeros((3, 8, 9))),
        ValueError,
        "X has rows of shape (8, 9), read as (1, 8, 9), but the model was fitted on (1, 8, 8)",
    ),
    (
        "colour for grey",
        lambda f: f["images"].transform(np.zeros((3, 8, 8, 3))),
        ValueError,
        "X has rows of shape (8, 8, 3), read as (3, 8, 8), but the model was fitted on (1, 8, 8)",
    ),
    (
        "uint8 for floats",
        lambda f: f["images"].transform(PIXELS),
        ValueError,
        "X holds uint8 images but the model was fitted on floating-point ones, whose pixels are on another scale: "
        "convert X first",
    ),
    (
        "floats for uint8",
        lambda f: f["pixels"].transform(IMAGES),
        ValueError,
        "X holds float32 images but the model was fitted on uint8 ones, whose pixels are on another scale: "
        "convert X first",
    ),
    (
        "a NaN to transform",
        lambda f: f["vectors"].transform(changed(X, 5, np.nan)),
        ValueError,
        "X contains NaN in row 5: remove the row or fill the value in",
    ),
    (
        "predict without labels",
        lambda f: f["unlabelled"].predict(X),
        ValueError,
        "the model was fitted without labels: predict and kneighbors need labelled rows to search",
    ),
    (
        "too many neighbours",
        lambda f: f["vectors"].kneighbors(X, 41),
        ValueError,
        "n_neighbors must be between 1 and the 40 labelled rows, got 41",
    ),
    (
        "no neighbours",
        lambda f: f["vectors"].kneighbors(X, 0),
        ValueError,
        "n_neighbors must be between 1 and the 40 labelled rows, got 0",
    ),
    (
        "neighbours in words",
        lambda f: f["vectors"].kneighbors(X, "3"),
        ValueError,
        "n_neighbors must be between 1 and the 40 labelled rows, got '3'",
    ),
    (
        "decoding without a decoder",
        lambda f: f["dml"].inverse_transform(X[:, :2]),
        ValueError,
        "preset 'dml' has no decoder: inverse_transform needs one of 'dml-autoencoder', 'metric-vae', 'joint-mvae', "
        "'tvae', 'autoencoder', 'vae', 'vamp-vae'",
    ),
    (
        "embeddings of another dimension",
        lambda f: f["vectors"].inverse_transform(X),
        ValueError,
        "Z must have shape (n, 2), got (40, 5)",
    ),
    (
        "reconstruction error without a decoder",
        lambda f: f["dml"].reconstruction_error(X),
        ValueError,
        "preset 'dml' has no decoder: reconstruction_error needs one of 'dml-autoencoder', 'metric-vae', 'joint-mvae', "
        "'tvae', 'autoencoder', 'vae', 'vamp-vae'",
    ),
    (
        "samples without a prior",
        lambda f: f["dml-autoencoder"].sample(3),
        ValueError,
        f"preset 'dml-autoencoder' has no prior: sample needs one of {WITH_BOTH}",
    ),
    (
        "samples without a decoder",
        lambda f: f["dml-unit-prior"].sample(3),
        ValueError,
        f"preset 'dml-unit-prior' has no decoder: sample needs one of {WITH_BOTH}",
    ),
    ("no samples", lambda f: f["vae"].sample(0), ValueError, "n must be at least 1, got 0"),
    (
        "a KL without a prior",
        lambda f: f["dml"].kl(X),
        ValueError,
        f"preset 'dml' has no prior: kl needs one of {WITH_PRIOR}",
    ),
    (
        "a likelihood without a decoder",
        lambda f: f["dml-unit-prior"].likelihood_terms(X),
        ValueError,
        f"preset 'dml-unit-prior' has no decoder: likelihood_terms needs one of {WITH_BOTH}",
    ),
    (
        "a likelihood without a prior",
        lambda f: f["unlabelled"].likelihood_terms(X),
        ValueError,
        f"preset 'autoencoder' has no prior: likelihood_terms needs one of {WITH_BOTH}",
    ),
    (
        "a likelihood of minus one sample",
        lambda f: f["vae"].likelihood_terms(X, samples=-1),
        ValueError,
        "samples must be at least 0, got -1",
    ),
    ("sampling before fit", lambda f: f["nothing"].sample(), NotFittedError, NOT_FITTED),
    ("a KL before fit", lambda f: f["nothing"].kl(X), NotFittedError, NOT_FITTED),
    (
        "a model that is not there",
        lambda f: MetricEmbedder.load("nowhere"),
        ModelFileError,
        "there is no saved model at nowhere",
    ),
    # Data
    (
        "an unknown dataset",
        lambda f: load_dataset("mnits"),
        DataError,
        f"unknown dataset 'mnits': did you mean 'mnist' or 'octmnist'? Known: {DATASETS} "
        "(nor is there a file or folder of that name)",
    ),
    (
        "an option of other data",
        lambda f: load_dataset("digits", image_size=8),
        ValueError,
        "image_size=8 does not apply to 'digits', which has its own labels and splits",
    ),
    (
        "no budget of labels",
        lambda f: hide_labels(Y),
        ValueError,
        "give exactly one of count and percent; neither was given",
    ),
    (
        "two budgets of labels",
        lambda f: hide_labels(Y, count=1, percent=1),
        ValueError,
        "give exactly one of count and percent; got count=1 and percent=1",
    ),
    (
        "more labels than there are",
        lambda f: hide_labels(Y, count=41),
        ValueError,
        "count=41 must be at most the number of labelled rows in y, 40",
    ),
    (
        "no labels",
        lambda f: hide_labels(Y, count=0),
        ValueError,
        "count=0 must be a whole number of labels, at least 1",
    ),
    (
        "less than one label",
        lambda f: hide_labels(Y, percent=0.1),
        ValueError,
        "percent=0.1 of 40 rows is less than one row; give at least 2.5",
    ),
    ("101 percent", lambda f: hide_labels(Y, percent=101), ValueError, "percent=101 must be above 0 and at most 100"),
    (
        "real numbers to hide",
        lambda f: hide_labels(Y + 0.5, count=1),
        ValueError,
        "y holds float64 values; labels must be integers (−1 = unlabelled) or strings",
    ),
    # Evaluation and losses
    (
        "nothing to evaluate on",
        lambda f: evaluate(X, np.full(40, -1)),
        ValueError,
        "y has no known class (all −1 or None); an evaluation needs the classes of some rows",
    ),
    (
        "evaluation of a NaN",
        lambda f: evaluate(changed(X, 4, np.nan), Y),
        ValueError,
        "Z row 4 holds NaN or infinity; every value must be finite",
    ),
    ("a loss's margin −1", lambda f: TripletLoss(margin=-1), ValueError, "margin must be at least 0, got -1"),
    ("a loss's margin NaN", lambda f: TripletLoss(margin=np.nan), ValueError, "margin must be at least 0, got nan"),
    (
        "a loss's reduction",
        lambda f: TripletLoss(reduction="mean"),
        ValueError,
        "reduction must be one of ('active', 'all'), got 'mean'",
    ),
    (
        "a loss's distance",
        lambda f: TripletLoss(distance="euclid"),
        ValueError,
        f"unknown distance 'euclid': did you mean 'euclidean'? Known: {DISTANCES}",
    ),
]


def parameters(name, *rest):
    return pytest.param(*rest, id=name)


@pytest.mark.parametrize(("mistake", "kind", "sentence"), [parameters(*case) for case in CASES])
def test_every_mistake_is_answered_by_one_sentence(fitted, mistake, kind, sentence):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind) as error:
            mistake(fitted)
    assert type(error.value) is kind
    assert str(error.value) == sentence


def test_every_mistake_is_another_one():
    assert len({case[0] for case in CASES}) == len(CASES) > 60


@pytest.mark.parametrize(
    "mistake",
    [{"prior": "hypercube", "kl_estimator": "closed-form"}, {"prior": UnitPrior(3)}, {"prior": VampPrior(3, (7,))}],
    ids=["estimator", "dimension", "pseudo-inputs"],
)
def test_a_mistake_leaves_an_earlier_fit_whole(mistake):
    fitted = embedder(preset="metric-vae").fit(X, Y)
    before = fitted.transform(X)
    state = torch.random.get_rng_state()
    with pytest.raises(ValueError, match=r"closed form|event shape|does not fit"):
        fitted.set_params(**mistake).fit(X[::-1], Y)
    assert np.array_equal(fitted.transform(X), before)
    assert torch.random.get_rng_state().equal(state)


def test_a_file_where_checkpoints_should_go(tmp_path):
    file = tmp_path / "file"
    file.write_text("precious")
    for directory in (file, file / "below"):
        with pytest.raises(OSError, match=f"checkpoint_dir .*{re.escape(str(file))}"):
            embedder(checkpoint_dir=directory).fit(X, Y)
    assert file.read_text() == "precious"


# What looks like a mistake and is none ----------------------------------------------------------------


@pytest.mark.parametrize("y", [None, np.full(40, -1), np.full(40, None)])
def test_without_labels_the_others_train_unsupervised_and_say_so(y):
    with pytest.warns(UserWarning, match="no labels") as told:
        fitted = embedder().fit(X, y)
    assert [str(each.message) for each in told] == ["y holds no labels: training without the metric loss"]
    assert set(fitted.history_[0]) == {"epoch", "train_reconstruction"}
    assert len(fitted.classes_) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder(preset="autoencoder").fit(X, y)


@pytest.mark.parametrize(("label", "told"), [(3, "3"), ("cat", "'cat'")])
def test_with_one_class_they_do_too(label, told):
    with pytest.warns(UserWarning, match="one class only") as warned:
        fitted = embedder().fit(X, np.full(40, label))
    assert [str(each.message) for each in warned] == [
        f"y holds labels of one class only ({told}): training without the metric loss"
    ]
    assert set(fitted.predict(X)) == {label}


@pytest.mark.parametrize("preset", ["dml", "dml-autoencoder", "autoencoder"])
def test_a_class_with_one_labelled_row_is_welcome(preset):
    y = np.full(40, -1)
    y[:3] = [0, 0, 1]
    fitted = embedder(preset=preset).fit(X, y)
    assert fitted.predict(X[:3]).tolist() == [0, 0, 1]
    y[:3] = [0, 1, -1]  # one row of each: not one triplet, and no NaN from it
    fitted = embedder(preset=preset).fit(X, y)
    assert np.isfinite(fitted.transform(X)).all()
    assert fitted.predict(X[:2]).tolist() == [0, 1]


def test_a_single_row_is_welcome():
    fitted = embedder(preset="autoencoder").fit(X[:1])
    assert fitted.transform(X[:1]).shape == (1, 2)


def test_a_bernoulli_likelihood_takes_inputs_of_any_range():
    fitted = embedder(preset="autoencoder", likelihood="bernoulli").fit(X * 100 - 7)
    back = fitted.inverse_transform(fitted.transform(X))
    low, high = (X * 100 - 7).min(), (X * 100 - 7).max()
    assert ((low - 1e-2 <= back) & (back <= high + 1e-2)).all()
