"""What the preset `best` is made of, and what it is for: ablation, labels by `suggest`, classes without a label.

    python experiments/few_labels.py ablation --data-dir DATA --out runs/few-labels-experiments [--workers 2]
    python experiments/few_labels.py medical --data-dir DATA
    python experiments/few_labels.py retinas --data-dir DATA
    python experiments/few_labels.py full-size --data-dir DATA
    python experiments/few_labels.py suggest --data-dir DATA
    python experiments/few_labels.py classes --data-dir DATA
    python experiments/few_labels.py calibration --study runs/studies/few-labels-full
    python experiments/few_labels.py vectors --data-dir DATA
    python experiments/few_labels.py scales --data-dir DATA

Every run is one line of GROUP.jsonl in --out; a second call does what is missing and prints the table. What has been
measured so far lies in experiments/results: `--out experiments/results` prints it, and goes on with it.

ablation     `best` with each ingredient taken away in turn, on 20,000 training images of MNIST (60 labels) and
             Fashion-MNIST (100), ten epochs, three seeds; scored on 10,000 others of them. No test image is read. Its
             network is that of `best-fast`, which takes a quarter of the time, but in the row with max-pooling. What
             acts where labels are fewest is also taken away with 10 of MNIST, what acts where they are many with 1,000
             of Fashion-MNIST and 6,000 of MNIST, and what needs no images from 50 principal components of
             Fashion-MNIST (100) and MNIST (10); what acts where classes have no label, in `classes`.
medical      `best-fast` with what acts on images that are no clusters taken away in turn: on two thirds of the training
             images of PneumoniaMNIST (40 labels) and RetinaMNIST (100), scored on the others; beside UMAP, label
             spreading and self-training. No test image is read. Five seeds.
retinas      of RetinaMNIST what lies within chance of `best-fast` in `medical`, and two presets that spread no labels.
             No test image is read. Twenty-five seeds.
full-size    `best`, and changes to it that 20,000 rows do not decide on: 50,000 training images of MNIST (60 and 6,000
             labels) and Fashion-MNIST (1,000), scored on the 10,000 others. No test image is read. One seed.
suggest      ten labels of MNIST, then forty more: by `suggest` of `best-fast`, or drawn at random. Test images, five
             seeds.
classes      six labels of MNIST drawn from all: some classes have none. Test images, five seeds; `best-fast` also with
             all rows taken to be reached by the labels, and with clusters that are trained on as no classes.
calibration  60 labels of MNIST: the probabilities of `best` beside those of a logistic regression on its embeddings.
             Test images, five seeds, of the finished runs of `semimetric study few-labels`: nothing is fitted again.
             Of other runs of the study by now, remove calibration.jsonl first.
vectors      digits as 64 numbers (50 labels), 50 principal components of Fashion-MNIST (100), beside a triplet loss, a
             VAE, UMAP, label spreading and self-training on the same vectors, and with features of variance 1 compared
             instead of features over their range. Test rows, five seeds.
scales       by what features of vectors are divided before rows are compared: labels spread over the graph of inputs
             alone, of at most 10,000 training rows of each dataset. No test row is read. Ten seeds.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a worker; more would wait for each other

import numpy as np
from torch import nn

from semimetric.errors import RunError
from semimetric.runs import RunDirectory, RunRecord
from semimetric.runs.directory import write_whole
from semimetric.training import LABELLED, PAIRED, UNLABELLED, SelfTraining

Run = dict[str, Any]
Scores = dict[str, float]


class Where(NamedTuple):
    """The folders to read from: datasets (None: they are downloaded), and a study's."""

    data_dir: str | None
    study: Path


FITTED_ROWS, SCORED_ROWS = 20_000, 10_000  # of the ablation
ABLATION_EPOCHS = 10  # as `best` makes
AS_VECTORS = " as vectors"
LARGER = 50_000  # rows fitted at full size
SEEDS = 5
ABLATION_SEEDS = 3
MEDICAL_SEEDS = 5
RETINA_SEEDS = 25
MEDICAL_LABELS = {"pneumoniamnist": 40, "retinamnist": 100}
PEERS = ("umap", "label-spreading", "self-training")
SCALED_SEEDS = 10
SCALED_ROWS = 10_000
SCALED_LABELS = {"digits": 50, "fashion-mnist": 100, "mnist": 60, "wine": 9, "breast_cancer": 10, "iris": 9}
TABLES = ("wine", "breast_cancer", "iris")  # of scikit-learn, whose columns have units of their own
SCALES: dict[str, Callable[[np.ndarray], Any]] = {
    "range": lambda X: np.ptp(X, axis=0),
    "standard deviation": lambda X: X.std(axis=0),
    "1": lambda X: 1,
}


# The ingredients --------------------------------------------------------------------------------------


class WithoutLabelledBatch(SelfTraining):
    """Given labels stand among the others, and not in the first stage."""

    def steps(self, epoch, length):
        """Leave the labelled stream out."""
        for step in super().steps(epoch, length):
            streams = {name: terms for name, terms in step.streams.items() if name != LABELLED}
            terms = [term for terms in streams.values() for term in terms]
            yield type(step)(streams, step.weights.only(*terms), step.optimiser)


class WithoutInputs(SelfTraining):
    """After the first round labels are spread over the space's graph alone."""

    def before_epoch(self, epoch, model, data):
        """Empty the graph of the inputs once labels have been spread over it."""
        super().before_epoch(epoch, model, data)
        if epoch == self.first:
            data.input_graph = replace(data.input_graph, graph=0 * data.input_graph.graph)


class WithoutPartners(SelfTraining):
    """A row's partner is itself."""

    def before_epoch(self, epoch, model, data):
        """Forget the neighbours."""
        super().before_epoch(epoch, model, data)
        data.neighbours = None


class WithoutConfidence(SelfTraining):
    """Every row with a label counts as much as any."""

    def before_epoch(self, epoch, model, data):
        """Forget how sure the labels are."""
        super().before_epoch(epoch, model, data)
        data.weights = None


class WithoutClusters(SelfTraining):
    """Rows in parts of the graph without a label are trained on no class."""

    def before_epoch(self, epoch, model, data):
        """Take their numbers away, and let the loss know of none."""
        super().before_epoch(epoch, model, data)
        data.y[data.y >= data.n_classes] = -1
        data.centres = data.centres[:0]


class ContrastLater(SelfTraining):
    """Contrast in the second stage too, at a twentieth, of two views of every row, both trained on its label."""

    def steps(self, epoch, length):
        """Put pairs of views in the place of all rows."""
        for step in super().steps(epoch, length):
            if epoch < self.first:
                yield step
            else:
                streams = {PAIRED: tuple(self.weights), LABELLED: step.streams[LABELLED]}
                yield type(step)(streams, self.weights, step.optimiser)


class TwoViewsLater(SelfTraining):
    """Every row in two views in each step of the second stage."""

    def steps(self, epoch, length):
        """Put pairs of views in the place of all rows."""
        for step in super().steps(epoch, length):
            streams = {PAIRED if name == UNLABELLED else name: terms for name, terms in step.streams.items()}
            yield type(step)(streams, step.weights, step.optimiser)


TRAINED_IN = "semimetric.training.routines.self_training"
DESCRIBED_IN = "semimetric.training.descriptions"
FEATURES_IN = "semimetric.training.descriptor"
BORDERS_IN = "semimetric.graphs.borders"
WEIGHED_IN = "semimetric.training.evidence"
PREDICTED_IN = "semimetric.estimator.spread"

ABLATIONS: dict[str, dict[str, Any]] = {
    "best": {},
    "without labels in the first stage, and without their batch": {"routine": WithoutLabelledBatch},
    "pixels for gradients": {"constants": {f"{FEATURES_IN}.oriented_gradients": nn.Flatten()}},
    "without curved borders": {"constants": {f"{WEIGHED_IN}.CURVED": ()}},
    "without a new row's own inputs": {"constants": {f"{PREDICTED_IN}.OWN_SHARE": 0.0}},
    "without the graph of the inputs after the first round": {"routine": WithoutInputs},
    "without a classifier of the inputs": {"constants": {f"{WEIGHED_IN}.SHARES": (0.0,), f"{WEIGHED_IN}.CURVED": ()}},
    "without neighbours as partners": {"routine": WithoutPartners},
    "without spread labels": {"routine": "joint"},
    "contrast in the second stage too": {"routine": ContrastLater},
    "two views of every row in the second stage": {"routine": TwoViewsLater},
    "all labels count alike": {"routine": WithoutConfidence},
    "without views": {"augment": "none"},
    "triplet loss instead of normalised softmax": {"loss": "triplet"},
    "sixteen dimensions": {"latent_dim": 16},
    "max-pooling": {"network": "pooled"},
}
OF_FEWEST_LABELS = (
    "best",
    "pixels for gradients",
    "without the graph of the inputs after the first round",
    "all labels count alike",
)
OF_MANY_LABELS = (
    "best",
    "without labels in the first stage, and without their batch",
    "without a classifier of the inputs",
    "without curved borders",
    "without a new row's own inputs",
    "all labels count alike",
)
OF_VECTORS = (
    "best",
    "without labels in the first stage, and without their batch",
    "without the graph of the inputs after the first round",
    "without a classifier of the inputs",
    "without neighbours as partners",
    "all labels count alike",
)
OF_FEWEST_VECTORS = ("best", "all labels count alike")
OF_SOME_CLASSES: dict[str, dict[str, Any]] = {  # where all have labels, these change next to nothing
    "best-fast, all rows reached": {"constants": {f"{BORDERS_IN}.CONDUCTANCE": 0.0}},
    "best-fast, clusters no classes": {"routine": WithoutClusters},
}

FITTED_TO_VECTORS: dict[str, dict[str, Any]] = {
    "best": {},
    "best, features of variance 1": {"constants": {f"{DESCRIBED_IN}._ranges": lambda data: np.ones(1, np.float32)}},
    "triplet loss": {"preset": "dml", "augment": "none"},
    "vae": {"preset": "vae", "augment": "none"},
}
OF_MEDICAL: dict[str, dict[str, Any]] = {
    "best-fast": {},
    "gradients alone": {"constants": {f"{TRAINED_IN}.pixels": lambda data: []}},
    **{
        name: ABLATIONS[name]
        for name in (
            "pixels for gradients",
            "without a classifier of the inputs",
            "without curved borders",
            "without a new row's own inputs",
            "without the graph of the inputs after the first round",
            "without neighbours as partners",
            "all labels count alike",
        )
    },
    "without colours": {"constants": {f"{TRAINED_IN}.colours": lambda data: []}},
    "twenty neighbours asked": {"constants": {f"{PREDICTED_IN}.SpreadLabels.asked": 20}},
    "always squared": {"constants": {f"{WEIGHED_IN}.LEAST_POWER": 2.0, f"{WEIGHED_IN}.MOST_POWER": 2.0}},
}
OF_RETINAS = (
    "best-fast",
    "without a new row's own inputs",
    "without the graph of the inputs after the first round",
    "without neighbours as partners",
    "without colours",
    "twenty neighbours asked",
)
OTHER_PRESETS = {name: {"preset": name} for name in ("dml-autoencoder", "dml-gmm-prior")}

CANDIDATES: dict[str, dict[str, Any]] = {
    "best": {},
    "pixels for gradients": ABLATIONS["pixels for gradients"],
}


# What is run ------------------------------------------------------------------------------------------


def ablation() -> Iterator[Run]:
    """Yield all ingredients of one seed before the next seed."""
    for seed in range(ABLATION_SEEDS):
        for dataset, labels, names in (
            ("mnist", 60, ABLATIONS),
            ("fashion-mnist", 100, ABLATIONS),
            ("mnist", 10, OF_FEWEST_LABELS),
            ("fashion-mnist", 1_000, OF_MANY_LABELS),
            ("mnist", 6_000, OF_MANY_LABELS),
            (f"fashion-mnist{AS_VECTORS}", 100, OF_VECTORS),
            (f"mnist{AS_VECTORS}", 10, OF_FEWEST_VECTORS),
        ):
            for name in names:
                yield {"group": "ablation", "dataset": dataset, "labels": labels, "row": name, "seed": seed}


def medical() -> Iterator[Run]:
    """Yield what few images with less to tell them apart by are given."""
    for seed in range(MEDICAL_SEEDS):
        for dataset, labels in MEDICAL_LABELS.items():
            for row in (*OF_MEDICAL, *PEERS):
                if row != "without colours" or dataset == "retinamnist":  # X-rays have none
                    yield {"group": "medical", "dataset": dataset, "labels": labels, "row": row, "seed": seed}


def retinas() -> Iterator[Run]:
    """Yield rows of `medical` that five draws do not decide on."""
    for seed in range(RETINA_SEEDS):
        for row in (*OF_RETINAS, *OTHER_PRESETS, "self-training"):
            labels = MEDICAL_LABELS["retinamnist"]
            yield {"group": "retinas", "dataset": "retinamnist", "labels": labels, "row": row, "seed": seed}


def full_size() -> Iterator[Run]:
    """Yield what may yet change about `best`."""
    for dataset, labels in (("mnist", 60), ("mnist", 6_000), ("fashion-mnist", 1_000)):
        for name in CANDIDATES:
            yield {"group": "full-size", "dataset": dataset, "labels": labels, "row": name, "seed": 0}


def suggest() -> Iterator[Run]:
    """Yield both ways of choosing forty labels."""
    for seed in range(SEEDS):
        for row in ("suggested", "random"):
            yield {"group": "suggest", "dataset": "mnist", "labels": 50, "row": row, "seed": seed}


def classes() -> Iterator[Run]:
    """Yield six labels drawn from all, also without what is made of the classes that have none."""
    for seed in range(SEEDS):
        for row in ("best", "best-fast", *OF_SOME_CLASSES):
            yield {"group": "classes", "dataset": "mnist", "labels": 6, "row": row, "seed": seed}


def calibration() -> Iterator[Run]:
    """Yield fits whose probabilities are looked at."""
    for seed in range(SEEDS):
        yield {"group": "calibration", "dataset": "mnist", "labels": 60, "row": "best", "seed": seed}


def vectors() -> Iterator[Run]:
    """Yield `best` and its peers on vectors."""
    for seed in range(SEEDS):
        for dataset, labels in (("digits", 50), ("fashion-mnist", 100)):
            for row in (*FITTED_TO_VECTORS, *PEERS):
                yield {"group": "vectors", "dataset": dataset, "labels": labels, "row": row, "seed": seed}


def scales() -> Iterator[Run]:
    """Yield graphs of vectors."""
    for seed in range(SCALED_SEEDS):
        for dataset, labels in SCALED_LABELS.items():
            yield {"group": "scales", "dataset": dataset, "labels": labels, "row": "graph alone", "seed": seed}


GROUPS: dict[str, Callable[[], Iterator[Run]]] = {
    "ablation": ablation,
    "medical": medical,
    "retinas": retinas,
    "full-size": full_size,
    "suggest": suggest,
    "classes": classes,
    "calibration": calibration,
    "vectors": vectors,
    "scales": scales,
}


# How --------------------------------------------------------------------------------------------------


@cache
def data(dataset: str, folder: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training and test rows with their labels; of a dataset "… as vectors", at most 64 numbers a row."""
    from sklearn.decomposition import PCA

    from semimetric.data import load_dataset

    loaded = load_dataset(dataset.removesuffix(AS_VECTORS), data_dir=folder)
    X, X_test = loaded.X_train, loaded.X_test
    if dataset.endswith(AS_VECTORS):
        X, X_test = (part.reshape(len(part), -1) / np.float32(X.max()) for part in (X, X_test))
        if X.shape[1] > 64:
            pca = PCA(50, random_state=0).fit(X)
            X, X_test = (pca.transform(part).astype(np.float32) for part in (X, X_test))
    return X, loaded.y_train, X_test, loaded.y_test


def fit(
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    preset: str = "best",
    constants: dict[str, Any] | None = None,
    **parameters: Any,
) -> Any:
    """Return `best`, or another preset, fitted; with modules' constants changed."""
    from semimetric import MetricEmbedder

    change(constants or {})
    return MetricEmbedder(preset, random_state=seed, **parameters).fit(X, y)


def change(constants: dict[str, Any]) -> None:
    """Give modules' constants, named in full, other values: for this process, which does one run."""
    for constant, value in constants.items():
        owner, _, name = constant.rpartition(".")
        setattr(resolve_name(owner), name, value)


def run_ablation(run: Run, where: Where) -> Scores:
    """Fit with an ingredient less on a part of the training rows; score on another part."""
    variant = {"network": "auto", "epochs": ABLATION_EPOCHS, **ABLATIONS[run["row"]]}
    return held_out_scores(run, where, FITTED_ROWS, variant)


def run_medical(run: Run, where: Where) -> Scores:
    """Fit with an ingredient less, another preset or a peer, on two thirds of the rows; score on the others."""
    from semimetric.evaluation import evaluate_peer, evaluate_prediction

    n = len(data(run["dataset"], where.data_dir)[1])
    X, given, X_scored, y_scored = held_out(run, where, 2 * n // 3, split=run["seed"])
    if run["row"] in PEERS:
        found = evaluate_peer(run["row"], X, given, X_scored, y_scored, seed=run["seed"])
    else:
        augment = {"augment": "flip"} if run["dataset"] == "retinamnist" else {}
        variant = (OF_MEDICAL | OTHER_PRESETS)[run["row"]]
        embedder = fit(X, given, run["seed"], **{"preset": "best-fast", **augment, **variant})
        found = evaluate_prediction(embedder.predict_proba(X_scored), embedder.classes_, y_scored)
    return {score: found[score] for score in ("balanced_accuracy", "auc", "nll")}


def run_full_size(run: Run, where: Where) -> Scores:
    """Fit a candidate on all training rows but those it is scored on."""
    return held_out_scores(run, where, LARGER, CANDIDATES[run["row"]])


def held_out_scores(run: Run, where: Where, fitted: int, variant: dict[str, Any]) -> Scores:
    """Fit on so many of the training rows; score on others of them."""
    from semimetric.evaluation import evaluate

    X, given, X_scored, y_scored = held_out(run, where, fitted)
    embedder = fit(X, given, run["seed"], **variant)
    knn = evaluate(embedder.transform(X_scored), y_scored, seed=run["seed"])["knn_accuracy"]
    return {"accuracy": embedder.score(X_scored, y_scored), "knn_accuracy": knn}


def held_out(
    run: Run, where: Where, fitted: int, split: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return so many training rows and the labels given of them, and at most 10,000 others and their classes."""
    from semimetric.data import hide_labels

    X, y, _, _ = data(run["dataset"], where.data_dir)
    order = np.random.default_rng(split).permutation(len(y))
    rows, scored = order[:fitted], order[fitted : fitted + SCORED_ROWS]
    return X[rows], hide_labels(y[rows], count=run["labels"], seed=run["seed"]), X[scored], y[scored]


def run_suggest(run: Run, where: Where) -> Scores:
    """Fit with 10 labels, label 40 rows more, and fit again."""
    from semimetric.data import hide_labels

    X, y, X_test, y_test = data(run["dataset"], where.data_dir)
    given = hide_labels(y, count=10, seed=run["seed"])
    if run["row"] == "suggested":
        more = fit(X, given, run["seed"], "best-fast").suggest(X, run["labels"] - 10, given)
    else:
        rng = np.random.default_rng(run["seed"])
        more = rng.choice(np.flatnonzero(given == -1), run["labels"] - 10, replace=False)
    given[more] = y[more]
    embedder = fit(X, given, run["seed"], "best-fast")
    return {"accuracy": embedder.score(X_test, y_test), "classes": float(len(set(given[given >= 0].tolist())))}


def run_classes(run: Run, where: Where) -> Scores:
    """Fit with labels of some classes; say what becomes of the others."""
    from semimetric.data import hide_labels
    from semimetric.evaluation import evaluate

    X, y, X_test, y_test = data(run["dataset"], where.data_dir)
    given = hide_labels(y, count=run["labels"], balanced=False, seed=run["seed"])
    variant = OF_SOME_CLASSES.get(run["row"], {})
    embedder = fit(X, given, run["seed"], "best-fast" if variant else run["row"], **variant)
    spread = embedder.spread_labels_
    known = np.isin(y, embedder.classes_)
    beyond = spread.clusters >= 0
    named = embedder.predict(X_test)
    of_known = np.isin(y_test, embedder.classes_)
    # The share of the rows in clusters that are of their cluster's most frequent class.
    purity = [
        np.unique(y[spread.clusters == c], return_counts=True)[1].max() for c in np.unique(spread.clusters[beyond])
    ]
    return {
        "classes with a label": float(len(embedder.classes_)),
        "cluster_accuracy": evaluate(embedder.transform(X_test), y_test, seed=run["seed"])["cluster_accuracy"],
        "accuracy where labelled": float((named == y_test)[of_known].mean()),
        "names a class without a label": float(not np.isin(named, given[given >= 0]).all()),
        "reached, of classes with a label": float(spread.reached[known].mean()),
        "reached, of classes without": float(spread.reached[~known].mean()) if (~known).any() else float("nan"),
        "clusters beyond": float(len(purity)),
        "purity of these": float(sum(purity) / beyond.sum()) if beyond.any() else float("nan"),
    }


def run_calibration(run: Run, where: Where) -> Scores:
    """Compare a study's probabilities with a logistic regression's on the same embeddings and labels."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    from semimetric.evaluation import evaluate_prediction

    record = fitted_in_study(run, where.study)
    arrays = record.arrays
    peers = {
        "logistic": LogisticRegression(max_iter=5_000),
        "logistic, strength by cross-validation": LogisticRegressionCV(
            Cs=np.logspace(-2, 6, 17),
            cv=3,
            l1_ratios=(0,),
            max_iter=5_000,
            scoring="neg_log_loss",
            use_legacy_attributes=False,
        ),
    }
    found = {"best": record.metrics}
    for name, peer in peers.items():
        peer.fit(arrays["Z_labelled"], arrays["y_labelled"])
        found[name] = evaluate_prediction(peer.predict_proba(arrays["Z_test"]), peer.classes_, arrays["y_test"])
    return {f"{name}: {score}": each[score] for name, each in found.items() for score in ("accuracy", "ece", "nll")}


def fitted_in_study(run: Run, study: Path) -> RunRecord:
    """Return what a study keeps of the run with this dataset, preset, number of labels and seed."""
    wanted = {"dataset": run["dataset"], "labels": run["labels"], "seed": run["seed"], "balanced": True}
    for folder in map(RunDirectory, sorted((study / "runs").glob("*"))):
        with suppress(RunError):  # it is not finished
            config = folder.finished_config()
            if wanted.items() <= config.items() and config["estimator"] == {"preset": run["row"]}:
                return folder.read()
    raise FileNotFoundError(f"no finished run of {run} in {study}: semimetric study few-labels --out {study}")


def run_vectors(run: Run, where: Where) -> Scores:
    """Fit a preset, or a peer, to vectors."""
    from semimetric.data import hide_labels
    from semimetric.evaluation import evaluate_peer

    X, y, X_test, y_test = data(f"{run['dataset']}{AS_VECTORS}", where.data_dir)
    given = hide_labels(y, count=run["labels"], seed=run["seed"])
    if run["row"] in PEERS:
        return {"accuracy": evaluate_peer(run["row"], X, given, X_test, y_test, seed=run["seed"])["accuracy"]}
    return {"accuracy": fit(X, given, run["seed"], **FITTED_TO_VECTORS[run["row"]]).score(X_test, y_test)}


def run_scales(run: Run, where: Where) -> Scores:
    """Spread labels over graphs of vectors, each with its features divided by something else."""
    from sklearn import datasets

    from semimetric.data import hide_labels
    from semimetric.graphs import nearest_neighbours, neighbour_graph, propagate
    from semimetric.training.routines.self_training import NEIGHBOURS

    if run["dataset"] in TABLES:
        X, y = getattr(datasets, f"load_{run['dataset']}")(return_X_y=True)
    else:
        X, y = (each[:SCALED_ROWS] for each in data(f"{run['dataset']}{AS_VECTORS}", where.data_dir)[:2])
    given = hide_labels(y, count=run["labels"], seed=run["seed"])
    right = {}
    for name, scale in SCALES.items():
        size = scale(X)
        Z = (X / np.where(size > 0, size, 1)).astype(np.float32)
        graph = neighbour_graph(*nearest_neighbours(Z, NEIGHBOURS))
        spread = propagate(graph, given, int(y.max()) + 1).argmax(axis=1)
        right[f"divided by {name}"] = float((spread == y)[given == -1].mean())
    return right


HOW: dict[str, Callable[[Run, Where], Scores]] = {
    "ablation": run_ablation,
    "medical": run_medical,
    "retinas": run_medical,
    "full-size": run_full_size,
    "suggest": run_suggest,
    "classes": run_classes,
    "calibration": run_calibration,
    "vectors": run_vectors,
    "scales": run_scales,
}


def do(run: Run, where: Where) -> tuple[Scores, str]:
    """Compute a run; return its scores, or what went wrong."""
    import torch

    torch.set_num_threads(1)
    try:
        return HOW[run["group"]](run, where), ""
    except Exception:
        return {}, traceback.format_exc()


def key_of(run: Run) -> str:
    """Return a run's settings as text."""
    return json.dumps(run, sort_keys=True)


def line(key: str, scores: Scores) -> str:
    """Return a run's line of a file of results."""
    return json.dumps({**json.loads(key), "scores": scores}) + "\n"


def finished(file: Path) -> dict[str, Scores]:
    """Return the scores in a file of results, by the runs' keys."""
    rows = map(json.loads, file.read_text().splitlines() if file.exists() else ())
    return {key_of({name: value for name, value in row.items() if name != "scores"}): row["scores"] for row in rows}


def table(runs: list[Run], found: dict[str, Scores]) -> str:
    """Return mean ± sd over seeds of what is done, as Markdown, and each row's paired difference to the first."""
    done: dict[tuple[str, int], dict[str, dict[int, Scores]]] = {}
    for run in runs:
        if key_of(run) in found:
            rows = done.setdefault((run["dataset"], run["labels"]), {})
            rows.setdefault(run["row"], {})[run["seed"]] = found[key_of(run)]
    lines = []
    for (dataset, labels), rows in done.items():
        first = next(iter(rows.values()))
        metrics = list(next(iter(first.values())))
        shown = metrics[:2] if len(rows) > 1 else []  # whose differences to the first row
        lines += ["", f"**{dataset}, {labels} labels**", ""]
        headings = ["", *metrics, *(f"difference in {metric}" for metric in shown), "seeds"]
        lines += [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
        for row, seeds in rows.items():
            cells = [_mean([scores[metric] for scores in seeds.values()]) for metric in metrics]
            both = seeds.keys() & first.keys() if seeds is not first else ()
            cells += [_mean([seeds[seed][metric] - first[seed][metric] for seed in both]) for metric in shown]
            lines.append(f"| {row} | {' | '.join(cells)} | {len(seeds)} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}" if values else ""


def main() -> int:
    """Do what is missing of a group, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--data-dir", help="folder with local copies of the datasets; else they are downloaded")
    parser.add_argument(
        "--study",
        type=Path,
        default=Path("runs/studies/few-labels-full"),
        help="of calibration: where `semimetric study few-labels` left its runs",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/few-labels-experiments"))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, help="the first so many of the group's")
    options = parser.parse_args()
    where = Where(options.data_dir, options.study)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"{options.group}.jsonl"
    runs = [run for run in GROUPS[options.group]() if options.seeds is None or run["seed"] < options.seeds]
    found = finished(file)
    missing = [run for run in runs if key_of(run) not in found]
    failed = 0
    with ProcessPoolExecutor(options.workers, max_tasks_per_child=1) as pool:  # constants are changed in there
        waiting = {pool.submit(do, run, where): run for run in missing}
        for number, future in enumerate(as_completed(waiting), 1):
            run = waiting[future]
            scores, error = future.result()
            failed += bool(error)
            if not error:
                found[key_of(run)] = scores
                text = "".join(line(key, scores) for key, scores in found.items())
                write_whole(file, text.encode())
            settings = ", ".join(map(str, run.values()))
            print(f"{number}/{len(missing)} {settings}: {error or 'done'}", file=sys.stderr, flush=True)
    print(table(runs, found))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
