"""From a configuration to a finished run directory: load, hide labels, fit, evaluate, write."""

import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from semimetric import __version__
from semimetric.data import Dataset, hide_labels, load_dataset
from semimetric.data.arrays import labelled_rows
from semimetric.data.tables import TABLES
from semimetric.errors import RunError
from semimetric.estimator import MetricEmbedder
from semimetric.estimator.parameters import check_parameters, resolve
from semimetric.evaluation import evaluate_baselines
from semimetric.evaluation.inputs import check_seed
from semimetric.progress import progress
from semimetric.runs.code import code_version
from semimetric.runs.config import RunConfig
from semimetric.runs.directory import RUNNING, UNFINISHED, RunDirectory, RunRecord, flat_scores, write_whole
from semimetric.runs.pictures import arrays_to_keep
from semimetric.runs.scores import score
from semimetric.runs.tracking import Tracking, TrackingPlan
from semimetric.training import after_each_epoch

OF_THE_CALL = ("checkpoint_dir", "resume", "verbose")  # arguments of the estimator that are not the model's


def execute(
    config: RunConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    overwrite: bool = False,
    show_progress: bool = False,
    command: str = "",
    load: Callable[..., Dataset] = load_dataset,
    baselines: Callable[..., dict[str, dict[str, Any]]] = evaluate_baselines,
    on_epoch: Callable[[MetricEmbedder, Dataset, np.ndarray, int], None] | None = None,
    tracking: Tracking | None = None,
) -> RunRecord:
    """Fit, evaluate, and write the run directory; return what was written.

    Whoever executes many runs on the same data may give a ``load`` and ``baselines`` that remember. ``on_epoch`` is
    called after each epoch with the estimator as it then is, the data, the labels that it is given, and the epoch's
    number. ``tracking`` is told of the run's settings, epochs and scores; to open and close it is the caller's.

    A run killed while it was fitted goes on with ``resume=True``, and ends as it would have without the kill.
    After Ctrl-C the best model so far is evaluated and kept, with ``config["stopped"] == "interrupted"``, and can
    be resumed still.

    Raises
    ------
    RunError
        If the directory holds a run already and neither ``resume`` nor ``overwrite`` is set, or the run to
        resume was configured otherwise.
    ValueError
        If the data or an argument cannot be right.
    OSError
        If the directory cannot be written.
    """
    embedder = MetricEmbedder(
        **config.estimator,
        checkpoint_dir=run.checkpoint,
        resume=resume,
        verbose=show_progress,
        random_state=config.seed,
    )
    check_parameters(embedder.get_params(deep=False))
    check_seed(config.seed)
    _check_directory(run, config, resume, overwrite)
    tracking = tracking or Tracking(TrackingPlan(), run)
    tracking.begin(_hyperparameters(config, embedder), resumed=resume)
    described = {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_version(),
        **_plain(config),
    }
    with _undone_if_it_fails(run):
        run.write_json("config.json", {**described, "stopped": RUNNING})  # now, not after the fit, if it cannot be
        data = load(config.dataset, show_progress=show_progress, seed=config.seed, **config.loading)
        _check_columns(config, data)
        y = data.named(_labels(config, data))
        if overwrite:
            shutil.rmtree(run.checkpoint, ignore_errors=True)

        def look_on(history: Sequence[Mapping[str, float]]) -> None:
            tracking.epochs(history)
            if on_epoch is not None:
                try:
                    on_epoch(embedder, data, y, len(history))
                finally:
                    embedder.model_.train()  # to embed rows is to leave it in its other mode

        with after_each_epoch(look_on):
            embedder.fit(data.X_train, y)
        tracking.epochs(embedder.history_)  # those that nobody was told of: of a fit on several devices, all
        embedder.save(run.model)
    described |= _outcome(embedder, data)
    run.write_history(embedder.history_)

    embedder.set_params(verbose=False)  # one bar for all that follows
    with progress("evaluating", 3, show=show_progress) as bar:
        started = time.perf_counter()
        X, y_test, split = (data.X_test, data.y_test, "test") if data.X_test is not None else (data.X_train, y, "train")
        assert y_test is not None
        y_test = y_test if split == "train" else data.named(y_test)
        metrics: dict[str, float] = {}
        beside: dict[str, dict[str, Any]] = {}
        if split == "test" and labelled_rows(y_test).any():
            Z, metrics = score(embedder, X, y_test, seed=config.seed)
            bar.advance(note="baselines")
            beside = _beside(config, data, embedder.settings_, baselines)
            bar.advance()
        else:  # labels that were trained on would flatter: embed, show, but do not score
            Z = embedder.transform(X)
            bar.advance(2)
        described["seconds_evaluate"] = time.perf_counter() - started
        described |= {"evaluated_on": split, "n_test": len(X) if split == "test" else 0}
        run.write_arrays(arrays_to_keep(embedder, data, X, y_test, Z, config.seed))
        bar.advance()

    run.write_json("metrics.json", {**metrics, "baselines": beside})
    tracking.scores(flat_scores(metrics, beside))
    run.write_json("config.json", described)
    if embedder.stopped_ != "interrupted":
        shutil.rmtree(run.checkpoint, ignore_errors=True)
    return run.read()


def score_beside(
    config: RunConfig, run: RunDirectory, *, load: Callable[..., Dataset], baselines: Callable[..., dict[str, Any]]
) -> None:
    """Score the baselines of a finished run anew, into its ``metrics.json``; the model stays as it is."""
    metrics = run.read_json("metrics.json")
    data = load(config.dataset, show_progress=False, seed=config.seed, **config.loading)
    if metrics and data.X_test is not None:
        parameters = run.read_json("config.json")["parameters"]
        run.write_json("metrics.json", {**metrics, "baselines": _beside(config, data, parameters, baselines)})


def _beside(
    config: RunConfig, data: Dataset, parameters: Mapping[str, Any], baselines: Callable[..., dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the baselines' scores on the test rows, from the labels that the run has."""
    assert data.y_test is not None
    y, y_test = data.named(_labels(config, data)), data.named(data.y_test)
    settings = {"seed": config.seed, "margin": parameters["margin"]}
    return baselines(data.X_train, y, data.X_test, y_test, parameters["latent_dim"], **settings)


def _check_directory(run: RunDirectory, config: RunConfig, resume: bool, overwrite: bool) -> None:
    """Refuse to write over another run, or into a folder that is no run."""
    existing = (run.path / "config.json").is_file()
    if existing and resume:
        before = run.read_json("config.json")
        now = _plain(config)
        changed = [key for key in now if before.get(key) != now[key]]
        if changed:
            told = "; ".join(f"{key} was {before.get(key)!r}, now {now[key]!r}" for key in changed)
            raise RunError(f"{run.path} holds another run ({told}): resume it with its own arguments")
        if before.get("stopped") not in UNFINISHED:
            raise RunError(f"{run.path} is finished: there is nothing to resume")
    elif existing and not overwrite:
        unfinished = run.read_json("config.json").get("stopped") in UNFINISHED
        advice = "go on with it by --resume, or start anew" if unfinished else "choose another --out, or replace it"
        raise RunError(
            f"{run.path} holds {'an unfinished' if unfinished else 'a'} run already: {advice} by --overwrite"
        )
    elif not existing and run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
        raise RunError(f"{run.path} exists and is not a run directory: choose another --out")


@contextmanager
def _undone_if_it_fails(run: RunDirectory) -> Iterator[None]:
    """Leave the directory as it was if there is nothing to resume, so that a wrong argument costs nothing."""
    config = run.path / "config.json"
    before = config.read_bytes() if config.is_file() else None
    checkpoints = _stamps(run)
    made = [folder for folder in (run.checkpoint, run.path, *run.path.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        if _stamps(run) == checkpoints:
            with suppress(OSError):
                if before is not None:
                    write_whole(config, before)
                else:
                    config.unlink(missing_ok=True)
            for folder in made:
                with suppress(OSError):  # of one that is not empty, for example
                    folder.rmdir()
        raise


def _stamps(run: RunDirectory) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in run.checkpoint.glob("*")}


def _check_columns(config: RunConfig, data: Dataset) -> None:
    """Warn of a table of which no column was named: its labels, as numbers, would be taken for a feature."""
    if data.source.lower().endswith(TABLES) and config.loading.get("label_column") is None:
        warnings.warn(
            f"{data.source} is read without labels, all its {data.X_train.shape[1]} columns as features; if one holds "
            "the labels, say so with label_column (--label-column)",
            stacklevel=3,
        )


def _labels(config: RunConfig, data: Dataset) -> np.ndarray:
    if config.labels is None and config.percent is None:
        return data.y_train
    known = int(labelled_rows(data.y_train).sum())
    if config.labels is not None and not 1 <= config.labels <= known:
        raise ValueError(
            f"labels must be between 1 and the {known} training rows of {data.name} that have one, got {config.labels}"
        )
    return hide_labels(
        data.y_train, count=config.labels, percent=config.percent, balanced=config.balanced, seed=config.seed
    )


def _plain(config: RunConfig) -> dict[str, Any]:
    content = asdict(config)
    content["loading"] = {key: None if value is None else str(value) for key, value in content["loading"].items()}
    return content


def _hyperparameters(config: RunConfig, embedder: MetricEmbedder) -> dict[str, Any]:
    """What is reported of a run to compare it by: all that it is, and not where its data lie."""
    data = {name: value for name, value in vars(config).items() if name not in ("estimator", "loading")}
    loading = {f"loading.{name}": value for name, value in config.loading.items() if name != "data_dir"}
    parameters = resolve(embedder.get_params(deep=False))
    model = {name: value for name, value in parameters.items() if name not in (*OF_THE_CALL, "random_state")}
    return {**data, **loading, **model, "code": code_version()}


def _outcome(embedder: MetricEmbedder, data: Dataset) -> dict[str, Any]:
    """What there is to say about the fit, for the report and for whoever finds the directory in a year."""
    packages = ("torch", "numpy", "scikit-learn", "lightning-fabric")
    return {
        "preset": embedder.preset,
        "parameters": {k: v for k, v in embedder.settings_.items() if k not in OF_THE_CALL},
        "data_source": data.source,
        "class_names": data.class_names,
        "n_train": len(data.X_train),
        "n_labelled": len(embedder.labelled_rows_),
        "labelled_rows": embedder.labelled_rows_,
        "n_known": int(labelled_rows(data.y_train).sum()),
        "epochs": len(embedder.history_),
        "epochs_planned": embedder.n_epochs_,
        "best_epoch": embedder.best_epoch_,
        "stopped": embedder.stopped_,
        "n_unreached": None if embedder.spread_labels_ is None else int((~embedder.spread_labels_.reached).sum()),
        "seconds_fit": embedder.fit_seconds_,
        "versions": {
            "semimetric": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
            "platform": f"{sys.platform} {platform.machine()}",
        },
    }
