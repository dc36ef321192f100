"""Why do the priors of Safir et al. 2022 collapse the metric space, and what mends it? The runs.

    python experiments/why_priors_collapse.py --data-dir DATA --out runs/why-priors-collapse [--workers 2]

Every run is one JSON file in --out, named by its settings; a second call does what is missing. `summary.py` in the
same folder makes the tables and pictures of docs/why-priors-collapse.md from them.

Five groups of runs, all on MNIST:

grid        triplet loss on the labels + KL of all rows: KL estimator × routine × prior × alpha × dimensions × labels.
            Two-layer networks, 4 epochs (5 where an unsupervised epoch is to come last), batches of 256, no views.
            One seed; three where the argument rests on it (alpha 0.33, the paper's priors, 6,000 labels).
rows        the rows of the paper's Table 3 under one setting for all (SETTING below), and plain DML beside them.
metric-vae  a VAE with that metric loss, under three routines.
printed     the published estimator and routine with the library's own convolutional network, in the rows of Table 3.
curves      twelve epochs of the published routine under each estimator, for the curves of its losses.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a worker; more would wait for each other

import numpy as np

SEEDS = 3
GRID = {"epochs": 4, "batch_size": 256, "network": "two-layer", "augment": "none", "precision": "float32"}
# The last epoch's model: the best one would hide a collapse.
NO_EARLY_STOP = {"validation_share": 0.0, "patience": None}
# The one setting of group "rows"; these are the presets' own defaults, written out so that it can be read here.
SETTING: dict[str, Any] = {
    "routine": "joint",
    "beta": 0.001,
    "margin": 0.3,
    "warm_up": 0.3,
    "free_bits": 1.0,
    "metric_on": "mean",
}
ROWS = {"epochs": 2}  # convolutional networks and views: the library's own defaults
PRIORS = {
    "unit": {"preset": "dml-unit-prior"},
    "hypercube, log-variance 1": {"preset": "dml-gmm-prior", "log_variance": 1.0},
    "hypercube, log-variance 0": {"preset": "dml-gmm-prior", "log_variance": 0.0},
    "hypercube, log-variance -2": {"preset": "dml-gmm-prior", "log_variance": -2.0},
}
PAPER_PRIORS = ("unit", "hypercube, log-variance 1")
ESTIMATORS = ("as-printed", "sign-mended", "monte-carlo", "closed-form")
ROUTINES = {
    "alternate-epochs": {"routine": "alternate-epochs"},
    "alternate-epochs, unsupervised last": {"routine": "alternate-epochs", "epochs": 5},
    "alternate-batches": {"routine": "alternate-batches"},
    "joint": {"routine": "joint"},
}
# Algorithm 3 as it stands but for the estimator: beta 1, the metric loss on samples, no warm-up, no free bits; and
# the margin of plain DML.
PLAIN = {"margin": 0.2, "beta": 1.0, "warm_up": 0.0, "free_bits": 0.0, "metric_on": "sample"}

Run = dict[str, Any]


def grid() -> Iterator[Run]:
    """Yield the runs of the grid: those of the first seed, then the others where the argument rests on them."""
    for seed in range(SEEDS):
        for d, labels in itertools.product((2, 4), (60, 6000)):
            yield _run(
                "grid", d, labels, seed, {"preset": "dml", **GRID}, estimator="none", prior="none", routine="joint"
            )
        for (prior, choice), estimator, (routine, how), alpha, d, labels in itertools.product(
            PRIORS.items(), ESTIMATORS, ROUTINES.items(), (0.33, 0.66), (2, 4), (60, 6000)
        ):
            if estimator == "closed-form" and prior != "unit":
                continue
            argued = alpha == 0.33 and prior in PAPER_PRIORS
            if ("last" in routine and not argued) or (seed and not (argued and labels == 6000)):
                continue
            yield _run(
                "grid",
                d,
                labels,
                seed,
                {**GRID, **PLAIN, **choice, **how, "alpha": alpha, "kl_estimator": estimator},
                estimator=estimator,
                prior=prior,
                routine=routine,
                alpha=alpha,
            )


def rows() -> Iterator[Run]:
    """Yield the rows of Table 3 under one setting, and plain DML."""
    for seed, d, labels in itertools.product(range(SEEDS), (2, 4), (6, 60, 6000)):
        yield _run("rows", d, labels, seed, {"preset": "dml", **ROWS}, prior="none", alpha=0.0)
        for prior, alpha in itertools.product(PAPER_PRIORS, (0.33, 0.66)):
            yield _run(
                "rows", d, labels, seed, {**ROWS, **SETTING, **PRIORS[prior], "alpha": alpha}, prior=prior, alpha=alpha
            )


def metric_vae() -> Iterator[Run]:
    """Yield the runs of `metric-vae` under three routines."""
    for seed, routine, labels in itertools.product(range(SEEDS), ("alternate-epochs", "joint", "staged"), (60, 6000)):
        how = {"preset": "metric-vae", "routine": routine, "network": "two-layer", "epochs": 8, "batch_size": 256}
        yield _run(
            "metric-vae", 4, labels, seed, how, prior="fitted" if routine == "staged" else "vamp", routine=routine
        )


def printed() -> Iterator[Run]:
    """Yield the rows of Table 3 by the published estimator and routine, with convolutional networks."""
    how = {"epochs": 16, "routine": "alternate-epochs", "kl_estimator": "as-printed"}
    for seed, d, labels, prior, alpha in itertools.product(
        range(SEEDS), (2, 4), (6, 60, 6000), PAPER_PRIORS, (0.33, 0.66)
    ):
        if seed and (alpha != 0.33 or labels != 6000):
            continue
        choice = {**PLAIN, **PRIORS[prior], **how, "alpha": alpha}
        yield _run("printed", d, labels, seed, choice, prior=prior, alpha=alpha, estimator="as-printed")


def curves() -> Iterator[Run]:
    """Yield longer runs of the published routine, one per estimator, with the unit prior."""
    for estimator in ESTIMATORS:
        choice = {**GRID, **PLAIN, **PRIORS["unit"], "routine": "alternate-epochs", "epochs": 12, "alpha": 0.33}
        yield _run("curves", 2, 6000, 0, {**choice, "kl_estimator": estimator}, prior="unit", estimator=estimator)


GROUPS = {"grid": grid, "rows": rows, "metric-vae": metric_vae, "printed": printed, "curves": curves}


def _run(group: str, d: int, labels: int, seed: int, choice: dict[str, Any], **told: Any) -> Run:
    arguments = {"latent_dim": d, **NO_EARLY_STOP, **choice, "random_state": seed}
    return {"group": group, "d": d, "labels": labels, "seed": seed, **told, "arguments": arguments}


def name_of(run: Run) -> str:
    """Return a name that is another one for other settings."""
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()[:16]


@cache
def mnist(data_dir: str | None) -> Any:
    from semimetric.data import load_dataset

    return load_dataset("mnist", data_dir)


def execute(run: Run, data_dir: str | None, out: str) -> str:
    """Fit, evaluate, write; a run whose numbers leave the finite ones is a collapse, not an error."""
    import torch

    from semimetric import MetricEmbedder
    from semimetric.data import hide_labels
    from semimetric.evaluation.inputs import standard_position
    from semimetric.evaluation.probes import probe_scores, stratified_halves

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    data = mnist(data_dir)
    y = hide_labels(data.y_train, count=run["labels"], seed=run["seed"])
    started = time.perf_counter()
    outcome: dict[str, Any] = {"knn_accuracy": None, "knn_ami": None, "finite": False}
    try:
        embedder = MetricEmbedder(**run["arguments"]).fit(data.X_train, y)
        Z = embedder.transform(data.X_test)
        outcome["history"] = embedder.history_
        outcome["stopped"] = embedder.stopped_
        if np.isfinite(Z).all() and embedder.stopped_ == "finished":
            unit, _ = standard_position(Z)
            fit, score = stratified_halves(data.y_test, seed=run["seed"])
            accuracy, ami = probe_scores(
                "knn", (unit[fit], data.y_test[fit]), (unit[score], data.y_test[score]), n_neighbors=5, seed=run["seed"]
            )
            kl = embedder.kl(data.X_test).mean() if embedder.model_.prior is not None else 0.0
            outcome |= {"finite": True, "knn_accuracy": accuracy, "knn_ami": ami, "kl": float(kl)}
            outcome["size"] = float(np.linalg.norm(Z, axis=1).mean())
            if embedder.model_.decoder is not None:
                outcome["reconstruction_error"] = embedder.reconstruction_error(data.X_test)
            if run["d"] == 2 and run["seed"] == 0:
                np.savez_compressed(Path(out, name_of(run)), Z=Z[:2000], y=data.y_test[:2000])
    except FloatingPointError as error:
        outcome["stopped"] = str(error)
    outcome["seconds"] = time.perf_counter() - started
    target = Path(out, f"{name_of(run)}.json")
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps({"run": run, "outcome": _plain(outcome)}))
    partial.replace(target)
    told = " ".join(str(run.get(k)) for k in ("group", "prior", "estimator", "routine", "alpha", "d", "labels", "seed"))
    return f"{told}: kNN {outcome['knn_accuracy']} in {outcome['seconds']:.0f} s"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> int:
    """Do what is missing of the chosen groups."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with mnist/, as for `semimetric fit`")
    parser.add_argument("--out", type=Path, default=Path("runs/why-priors-collapse"))
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = [run for group in arguments.groups for run in GROUPS[group]()]
    missing = [run for run in wanted if not (arguments.out / f"{name_of(run)}.json").exists()]
    print(f"{len(wanted)} runs, {len(missing)} to do", flush=True)
    failed = 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        running = [pool.submit(execute, run, arguments.data_dir, str(arguments.out)) for run in missing]
        try:
            for number, future in enumerate(as_completed(running), 1):
                try:
                    print(f"{number}/{len(missing)} {future.result()}", flush=True)
                except Exception:
                    failed += 1
                    traceback.print_exc()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print("interrupted: call again to go on")
            return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
