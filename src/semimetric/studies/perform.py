"""One task, in whichever process: from a job to its finished run directory."""

import hashlib
import json
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from semimetric.data import Dataset, load_dataset
from semimetric.data.catalog import check_dataset
from semimetric.data.dataset import hold_out
from semimetric.errors import DataError, RunError
from semimetric.evaluation import evaluate_baselines, evaluate_peer
from semimetric.runs import RunConfig, RunDirectory, execute
from semimetric.runs.code import code_version
from semimetric.runs.directory import plain
from semimetric.runs.execution import score_beside
from semimetric.runs.tracking import Tracking, TrackingPlan
from semimetric.studies.directory import StudyDirectory, lacking, summary
from semimetric.studies.lock import only_one, only_worker
from semimetric.studies.task import SCORED_ON, VALIDATION

VALIDATION_SHARE = 0.2
DONE, FAILED, LOST, PRUNED = "done", "error", "lost", "pruned"


@dataclass(frozen=True)
class Job:
    """A task as it is sent to a worker: plain values only.

    key, config : of the task.
    folder : the study's directory.
    working_directory : where relative paths of data begin.
    data_dir : where local copies of named datasets are.
    device : where to compute, unless the configuration says.
    peers : names in `semimetric.evaluation.peers.PEERS`, of baselines to score beside the run.
    trial : for a run of a search that may be pruned, what `semimetric.studies.pruning.Pruning` takes.
    tracking : for a run that is reported to trackers, what `semimetric.runs.tracking.TrackingPlan` takes.
    """

    key: str
    config: Mapping[str, Any]
    folder: str
    working_directory: str
    data_dir: str | None = None
    device: str | None = None
    peers: Sequence[str] = ()
    trial: Mapping[str, Any] | None = None
    tracking: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job: ``kind`` is "done", "error" (an exception), "lost" (its worker died) or "pruned".

    row : of a finished run, what it adds to the results.
    error : else, in one line, why there is none.
    warning : of a finished run, what did not go well beside it.
    """

    key: str
    kind: str
    row: dict[str, Any] | None = None
    error: str = ""
    traceback: str = field(default="", repr=False)
    warning: str = ""


class Pruned(Exception):
    """Raised in a fit that its search has given up."""


def perform(job: Job) -> Outcome:
    """Execute a job's run, going on with it if it was begun, and say what came of it; raises nothing.

    Whatever a killed process has left in the run's directory is gone on with or removed: it never blocks.
    """
    try:
        row, warning = _run(job)
        return Outcome(job.key, DONE, row, warning=warning)
    except Pruned:
        return Outcome(job.key, PRUNED)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(job.key, FAILED, error=told, traceback=traceback.format_exc())


def _run(job: Job) -> tuple[dict[str, Any], str]:
    import torch

    torch.set_num_threads(1)
    study = StudyDirectory(job.folder)
    run = study.run(job.key)
    run.path.mkdir(parents=True, exist_ok=True)
    device = {} if job.device is None else {"device": job.device}
    config = RunConfig(**{**job.config, "estimator": {**device, **job.config["estimator"]}})
    with only_worker(run.path):
        row = summary(run)
        if row is not None:  # by another driver, by this one before it was killed, or by a study of fewer peers
            if lacking(row, job.peers):
                score_beside(config, run, load=_loader(config, job), baselines=_baselines(config, job))
                row = summary(run)
            assert row is not None
            return row, ""
        if _begun(run):
            try:
                warning = _execute(config, run, job, resume=True)
            except RunError:  # a checkpoint of other code, or damaged: nothing to go on with
                _clear(run)
                warning = _execute(config, run, job, resume=False)
        else:
            _clear(run)
            warning = _execute(config, run, job, resume=False)
        row = summary(run)
        assert row is not None
        return row, warning


def _begun(run: RunDirectory) -> bool:
    try:
        return bool(run.read_json("config.json").get("stopped"))
    except RunError:
        return False


def _clear(run: RunDirectory) -> None:
    """Empty the run's directory; the directory itself is what is locked."""
    for entry in run.path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _execute(config: RunConfig, run: RunDirectory, job: Job, *, resume: bool) -> str:
    """Return what did not go well beside the run."""
    on_epoch = None
    if job.trial is not None:
        from semimetric.studies.pruning import Pruning

        on_epoch = Pruning(**job.trial)
    load, baselines = _loader(config, job), _baselines(config, job)
    with Tracking(TrackingPlan(**(job.tracking or {})), run) as tracking:
        execute(config, run, resume=resume, load=load, baselines=baselines, on_epoch=on_epoch, tracking=tracking)
    return "; ".join(f"reporting to {name} failed: {reason}" for name, reason in tracking.failed.items())


def _baselines(config: RunConfig, job: Job) -> Callable[..., dict[str, dict[str, Any]]]:
    return _remembering(config, StudyDirectory(job.folder).baselines, job.peers)


def _loader(config: RunConfig, job: Job) -> Callable[..., Dataset]:
    """Return what loads a job's data, and remembers them for the next."""

    def load(name: str, *, show_progress: bool, seed: int, **loading: Any) -> Dataset:
        if _known_by_name(name):
            seed = 0  # it draws the test split of data that have none
        else:
            name = os.path.join(job.working_directory, os.path.expanduser(name))
        if "labels_file" in loading:
            loading["labels_file"] = os.path.join(job.working_directory, os.path.expanduser(loading["labels_file"]))
        validated = loading.pop(SCORED_ON, None) == VALIDATION
        data = _dataset(name, job.data_dir, seed, json.dumps(loading, sort_keys=True))
        return _with_validation_as_test(data, config.seed) if validated else data

    return load


def _with_validation_as_test(data: Dataset, seed: int) -> Dataset:
    """Return the data without their test rows: in their place are validation rows, or a part of the training rows."""
    if data.X_val is not None:
        return replace(data, X_test=data.X_val, y_test=data.y_val, files_test=data.files_val, X_val=None, y_val=None)
    rest, held_out = hold_out(data.y_train, VALIDATION_SHARE, seed)
    X, y = data.X_train, data.y_train
    return replace(
        data,
        X_train=X[rest],
        y_train=y[rest],
        X_test=X[held_out],
        y_test=y[held_out],
        files_train=None,
        files_test=None,
    )


def _known_by_name(name: str) -> bool:
    try:
        return check_dataset(name) is not None
    except DataError:
        return False


@lru_cache(maxsize=2)
def _dataset(name: str, data_dir: str | None, seed: int, loading: str) -> Dataset:
    return load_dataset(name, data_dir, seed=seed, **json.loads(loading))


def _remembering(config: RunConfig, folder: Path, peers: Sequence[str]) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return what scores baselines and peers, each once for all runs of a study that share what it depends on.

    `evaluate_baselines` depends on data, labels, dimensions and margin; a peer on data and labels alone. Another worker
    that needs the same peer waits for it: it may take many minutes.
    """
    of_the_data = {
        name: getattr(config, name) for name in ("dataset", "loading", "labels", "percent", "balanced", "seed")
    }

    def remembered(
        asked: dict[str, Any], compute: Callable[[], dict[str, Any]], *, wait: bool = False
    ) -> dict[str, Any]:
        asked = {**of_the_data, **asked, "code": code_version()}
        text = json.dumps(plain(asked), sort_keys=True)
        path = folder / f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.json"
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(path.with_suffix(".lock")) if wait else nullcontext():
            try:
                return dict(json.loads(path.read_text())["scores"])
            except (OSError, ValueError, KeyError):
                pass
            scores = compute()
            with tempfile.TemporaryDirectory(dir=folder) as own:  # another worker may be writing the same scores
                file = Path(own) / "scores"
                file.write_text(json.dumps(plain({**asked, "scores": scores}), indent=2))
                os.replace(file, path)
            return scores

    def baselines(
        X_train: Any, y_train: Any, X_test: Any, y_test: Any, latent_dim: int, **options: Any
    ) -> dict[str, dict[str, Any]]:
        rows = (X_train, y_train, X_test, y_test)
        scores = remembered(
            {"latent_dim": latent_dim, **options}, lambda: evaluate_baselines(*rows, latent_dim, **options)
        )
        for name in peers:
            scores[name] = remembered({"peer": name}, partial(evaluate_peer, name, *rows, seed=config.seed), wait=True)
        return scores

    return baselines
