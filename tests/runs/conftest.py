"""What a tracker has of the runs that were reported to it, read from what it wrote, without its logger."""

import json
import time
from dataclasses import dataclass, field

import pytest

PACKAGES = {
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic", "pytorch_lightning"),
    "wandb": ("wandb", "pytorch_lightning"),
}


@dataclass
class Seen:
    """A run as its tracker has it: ``terms`` is a name's (step, value) pairs."""

    name: str
    group: str | None = None
    settings: dict = field(default_factory=dict)
    terms: dict = field(default_factory=dict)
    status: str | None = None


@pytest.fixture
def seen(monkeypatch):
    """Return what a tracker, which must be installed, has in a run's ``tracking`` folder (or ``store``)."""
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_RUN_ID", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)

    def read(tracker, folder, store=None):
        return {"tensorboard": _event_files, "mlflow": _database, "wandb": _offline_runs}[tracker](store or folder)

    return read


def needs(tracker):
    """Skip a test whose tracker is not installed."""
    for package in PACKAGES[tracker]:
        pytest.importorskip(package)


@pytest.fixture(params=PACKAGES)
def tracker(request):
    """Each tracker that is installed."""
    needs(request.param)
    return request.param


def _event_files(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    found = []
    for one in sorted((folder / "tensorboard").iterdir()):
        events = EventAccumulator(str(one))
        events.Reload()
        run = Seen(one.name)
        run.terms = {
            tag: sorted((event.step, event.value) for event in events.Scalars(tag)) for tag in events.Tags()["scalars"]
        }
        start = events.summary_metadata.get("_hparams_/session_start_info")
        if start is not None:
            content = plugin_data_pb2.HParamsPluginData.FromString(start.plugin_data.content)
            values = content.session_start_info.hparams
            run.settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in values.items()}
        found.append(run)
    return found


def _database(folder):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    found = []
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            terms = {
                name: sorted((metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name))
                for name in run.data.metrics
            }
            found.append(Seen(run.info.run_name, experiment.name, run.data.params, terms, run.info.status))
    return found


def _offline_runs(folder):
    """The runs of the offline files, those of one identity joined in the order in which they were written."""
    found = {}
    for file in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        run = None
        for record in _written(file):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                run = found.setdefault(record.run.run_id, Seen(record.run.display_name, record.run.run_group))
                run.settings |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            elif kind == "config":
                run.settings |= {item.key: json.loads(item.value_json) for item in record.config.update}
            elif kind == "history":
                row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
                step = row["trainer/global_step"]
                for name, value in row.items():
                    if not name.startswith("_") and name != "trainer/global_step":
                        run.terms.setdefault(name, []).append((step, value))
            elif kind == "exit":
                run.status = "FAILED" if record.exit.exit_code else "FINISHED"
    return list(found.values())


def _written(file, seconds=30):
    """The messages of a run that has ended: another process writes them, and is not waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        records = list(_records(file.read_bytes()))
        if any(record.WhichOneof("record_type") == "exit" for record in records):
            return records
        time.sleep(0.1)
    raise TimeoutError(file)


def _records(content):
    """The messages of a .wandb file: LevelDB's log format after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    block, header = 32768, 7
    at, message = header, b""
    while at + header <= len(content):
        if block - at % block < header:
            at += block - at % block
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        message += content[at + header : at + header + length]
        at += header + length
        if kind in (1, 4):  # a whole message, or the last part of one
            yield Record.FromString(message)
            message = b""
