"""MLflow: a run of its experiment, in a database beside the study's runs unless MLFLOW_TRACKING_URI names a server."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from semimetric.runs.trackers.base import TrackedRun, Tracker

LOUD = ("mlflow", "pytorch_lightning.loggers.mlflow", "alembic")
URI = "MLFLOW_TRACKING_URI"


class MLflow(Tracker):
    """An MLflow run; the runs of one study are an MLflow experiment of its name."""

    packages = ("mlflow", "sqlalchemy", "alembic", "pytorch_lightning")
    variables = (URI, "MLFLOW_EXPERIMENT_NAME")

    def __init__(self, run: TrackedRun, identity: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before it is imported
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from pytorch_lightning.loggers import MLFlowLogger

        uri = run.environment.get(URI)
        own = None if uri else run.store
        files = None if own is None else str(own / "mlflow-artifacts")
        uri = uri or f"sqlite:///{run.store / 'mlflow.db'}"
        experiment = run.environment.get("MLFLOW_EXPERIMENT_NAME", run.group)
        with _quiet(), _tracking_uri_kept():
            with nullcontext() if own is None else _alone(own):
                client = MlflowClient(uri)
                if client.get_experiment_by_name(experiment) is None:
                    with suppress(MlflowException):  # another worker may have been faster
                        client.create_experiment(experiment, artifact_location=files)
            self.logger: MLFlowLogger = MLFlowLogger(
                experiment, run.name, tracking_uri=uri, run_id=identity or None, artifact_location=files
            )
            self.identity = str(self.logger.run_id)  # opened now, if it can be


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Make other workers wait: two that make the tables of one database at a time leave it broken."""
    store.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows, where there are no studies, and so no other workers
        yield
        return
    with (store / "mlflow.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep it from announcing that it makes tables, and an experiment."""
    levels = {name: logging.getLogger(name).level for name in LOUD}
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _tracking_uri_kept() -> Iterator[None]:
    """Undo what Lightning's logger does to the whole process, in which the next study may have another store."""
    before = os.environ.get(URI)
    try:
        yield
    finally:
        with suppress(ImportError):
            import mlflow

            mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ[URI] = before
