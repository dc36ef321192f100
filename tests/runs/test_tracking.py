"""What is reported to trackers, offline, read back from what they wrote; and that none of them can harm a run."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from semimetric.runs import RunConfig, RunDirectory, execute
from semimetric.runs.trackers import TRACKERS, Tracker
from semimetric.runs.tracking import Tracking, TrackingPlan, check_trackers, plan_tracking

SETTINGS = {"preset": "dml", "latent_dim": 10, "alpha": 0.5, "labels": None}
HISTORY = [
    {"epoch": 1.0, "train_metric": 0.5, "held_out_total": math.nan},
    {"epoch": 2.0, "train_metric": 0.25, "held_out_total": 0.75},
    {"epoch": 3.0, "train_metric": 0.125, "held_out_total": 0.5},
]
SCORES = {"knn_accuracy": 0.875, "pca.knn_accuracy": 0.5, "few_label_accuracy": None}


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "runs" / "0123abcd")


@pytest.fixture
def config(tmp_path):
    """Two epochs on vectors of three classes that lie apart."""
    y = np.arange(90) % 3
    X = np.random.default_rng(0).normal(size=(90, 6)).astype(np.float32)
    X[:, 0] += 3 * y
    np.savez(tmp_path / "mine.npz", X=X, y=y)
    return RunConfig(str(tmp_path / "mine.npz"), labels=30, estimator={"epochs": 2, "latent_dim": 2})


def report(run, plan, *, epochs=3, resumed=False, scores=None, succeeded=True):
    tracking = Tracking(plan, run)
    tracking.begin(SETTINGS, resumed=resumed)
    for n in range(1, epochs + 1):
        tracking.epochs(HISTORY[:n])
    if scores:
        tracking.scores(scores)
    tracking.close(succeeded)
    assert tracking.failed == {}


def pairs(*values):
    return [(step, pytest.approx(value, nan_ok=True)) for step, value in values]


def test_a_tracker_has_settings_epochs_and_scores(run, tracker, seen, tmp_path):
    store = tmp_path / "study"
    plan = plan_tracking([tracker], group="why", name="DML, digits, 60 labels", store=store)
    report(run, plan, scores=SCORES)
    (one,) = seen(tracker, run.tracking, store if tracker == "mlflow" else None)
    assert one.name == ("DML-digits-60-labels" if tracker == "tensorboard" else "DML, digits, 60 labels")
    assert one.group == (None if tracker == "tensorboard" else "why")
    assert one.status == (None if tracker == "tensorboard" else "FINISHED")
    assert one.terms["train_metric"] == pairs((1, 0.5), (2, 0.25), (3, 0.125))
    if tracker == "wandb":  # which writes NaN as a word
        one.terms["held_out_total"] = [(step, float(value)) for step, value in one.terms["held_out_total"]]
    assert one.terms["held_out_total"] == pairs((1, math.nan), (2, 0.75), (3, 0.5))
    assert one.terms["knn_accuracy"] == pairs((3, 0.875))
    assert one.terms["pca.knn_accuracy"] == pairs((3, 0.5))
    assert set(one.terms) == {"train_metric", "held_out_total", "knn_accuracy", "pca.knn_accuracy"}
    told = {name: str(one.settings[name]) for name in SETTINGS}
    assert told | {"latent_dim": "10"} == {name: str(value) for name, value in SETTINGS.items()}


def test_a_resumed_run_goes_on_in_the_tracker_s_same_run(run, tracker, seen):
    plan = plan_tracking([tracker], name="one")
    report(run, plan, epochs=1, succeeded=False)
    before = json.loads((run.tracking / "told.json").read_text())[tracker]
    assert (before["epochs"], before["begun"]) == (1, True)
    report(run, plan, resumed=True, scores=SCORES)
    (one,) = seen(tracker, run.tracking)
    assert one.terms["train_metric"] == pairs((1, 0.5), (2, 0.25), (3, 0.125))
    assert one.terms["knn_accuracy"] == pairs((3, 0.875))
    assert one.status in (None, "FINISHED")
    after = json.loads((run.tracking / "told.json").read_text())[tracker]
    assert after == {**before, "epochs": 3}


def test_a_run_anew_is_a_run_of_its_own(run, tracker, seen):
    report(run, plan_tracking([tracker], name="old"), epochs=2)
    report(run, plan_tracking([tracker], name="new"), epochs=1)
    found = {one.name: one.terms["train_metric"] for one in seen(tracker, run.tracking)}
    assert found.pop("new") == pairs((1, 0.5))
    assert set(found) <= ({"old"} if tracker == "mlflow" else set())  # in its store, beside other runs


def test_a_run_that_raised_is_reported_as_failed(run, tracker, seen):
    def fail():
        with Tracking(plan_tracking([tracker], name="one"), run) as tracking:
            tracking.begin(SETTINGS, resumed=False)
            tracking.epochs(HISTORY[:1])
            raise MemoryError

    with pytest.raises(MemoryError):
        fail()
    (one,) = seen(tracker, run.tracking)
    assert one.status == (None if tracker == "tensorboard" else "FAILED")
    assert one.terms["train_metric"] == pairs((1, 0.5))


def test_epochs_are_there_as_they_happen(run, seen):
    tracking = Tracking(plan_tracking(["tensorboard"], name="one"), run)
    tracking.begin(SETTINGS, resumed=False)
    tracking.epochs(HISTORY[:1])
    (one,) = seen("tensorboard", run.tracking)
    assert one.terms["train_metric"] == pairs((1, 0.5))
    tracking.close()


def test_mlflow_leaves_the_process_as_it_was(run, monkeypatch):
    """Lightning's logger sets the address for all that follow in the process."""
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("pytorch_lightning")
    import os

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    report(run, plan_tracking(["mlflow"], name="one"))
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert mlflow.get_tracking_uri() == before


def test_what_the_environment_says_of_a_tracker_goes_with_the_plan_but_no_credentials(monkeypatch):
    monkeypatch.setattr("semimetric.runs.tracking.check_trackers", lambda names: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracks.example")
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    plan = plan_tracking(["wandb", "mlflow", "wandb"])
    assert plan.trackers == ("wandb", "mlflow")
    assert plan.environment == {"WANDB_PROJECT": "mine", "MLFLOW_TRACKING_URI": "http://tracks.example"}
    assert plan_tracking(["tensorboard"]).environment == {}


def test_an_environment_s_address_is_used(run, seen, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("pytorch_lightning")
    elsewhere = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}", "MLFLOW_EXPERIMENT_NAME": "theirs"}
    report(run, TrackingPlan(("mlflow",), name="one", environment=elsewhere))
    assert [(one.name, one.group) for one in seen("mlflow", run.tracking, tmp_path)] == [("one", "theirs")]
    assert not (run.tracking / "mlflow.db").exists()


# Runs -------------------------------------------------------------------------------------------------


def test_a_run_s_history_settings_and_scores_are_reported_and_change_nothing(config, run, seen, tmp_path):
    plain = execute(config, RunDirectory(tmp_path / "plain"))
    with Tracking(plan_tracking(["tensorboard"], name="one"), run) as tracking:
        record = execute(config, run, tracking=tracking)
    assert (record.metrics, record.history) == (plain.metrics, plain.history)
    assert (run.path / "metrics.json").read_bytes() == (tmp_path / "plain" / "metrics.json").read_bytes()
    (one,) = seen("tensorboard", run.tracking)
    for term in record.history[0].keys() - {"epoch"}:
        assert one.terms[term] == pairs(*((int(row["epoch"]), row[term]) for row in record.history))
    assert one.terms["knn_accuracy"] == pairs((2, record.metrics["knn_accuracy"]))
    assert one.terms["pca.knn_accuracy"] == pairs((2, record.baselines["pca"]["knn_accuracy"]))
    told = {"preset": "dml-autoencoder", "latent_dim": 2, "margin": pytest.approx(0.2), "labels": 30, "seed": 0}
    assert {name: one.settings[name] for name in told} == told
    assert one.settings["dataset"] == config.dataset
    assert one.settings["code"] == record.config["code"]
    assert not {"checkpoint_dir", "resume", "verbose", "random_state"} & set(one.settings)


def test_epochs_that_nobody_was_told_of_are_reported_after_the_fit(config, run, seen, monkeypatch):
    monkeypatch.setattr("semimetric.training.loop.tell_epoch", lambda history: None)  # as on several devices
    with Tracking(plan_tracking(["tensorboard"], name="one"), run) as tracking:
        record = execute(config, run, tracking=tracking)
    (one,) = seen("tensorboard", run.tracking)
    assert one.terms["train_metric"] == pairs(*((int(row["epoch"]), row["train_metric"]) for row in record.history))


def test_a_killed_and_resumed_run_is_reported_once(config, run, seen):
    class Killed(BaseException):
        pass

    def kill(embedder, data, y, epoch):
        raise Killed

    plan = plan_tracking(["tensorboard"], name="one")
    with pytest.raises(Killed), Tracking(plan, run) as tracking:
        execute(config, run, on_epoch=kill, tracking=tracking)
    with Tracking(plan, run) as tracking:
        record = execute(config, run, resume=True, tracking=tracking)
    (one,) = seen("tensorboard", run.tracking)
    assert one.terms["train_metric"] == pairs(*((int(row["epoch"]), row["train_metric"]) for row in record.history))
    assert len(record.history) == 2


def test_a_run_that_cannot_be_fitted_is_not_reported(config, run):
    with (
        pytest.raises(ValueError, match="labels must be between"),
        Tracking(plan_tracking(["tensorboard"]), run) as tracking,
    ):
        execute(RunConfig(config.dataset, labels=73), run, tracking=tracking)
    assert not run.path.exists()


def test_a_run_written_over_takes_its_reports_along(config, run):
    with Tracking(plan_tracking(["tensorboard"]), run) as tracking:
        execute(config, run, tracking=tracking)
    assert (run.tracking / "tensorboard").is_dir()
    execute(config, run, overwrite=True)
    assert list(run.tracking.iterdir()) == []


# Failures ---------------------------------------------------------------------------------------------


class Recorder(Tracker):
    """Keeps what it was told, and fails where it is told to."""

    packages = ()
    fails_at = ""
    calls: list

    def __init__(self, run, identity):
        self.of(self, "open")

    def of(self, _, what, *arguments):
        type(self).calls.append((what, *arguments))
        if what == type(self).fails_at:
            raise ConnectionError("no route\n to host")

    def begin(self, settings):
        self.of(self, "begin")

    def epoch(self, number, terms):
        self.of(self, "epoch", number)

    def scores(self, number, metrics):
        self.of(self, "scores", number)

    def close(self, succeeded):
        self.of(self, "close", succeeded)


@pytest.fixture
def recorders(monkeypatch):
    """Two trackers, of which the first fails where it is told to."""
    kinds = [type(name, (Recorder,), {"calls": []}) for name in ("Frail", "Sound")]
    for name, kind in zip(("frail", "sound"), kinds, strict=True):
        monkeypatch.setitem(TRACKERS, name, kind)
    return kinds


WHOLE = [("open",), ("begin",), ("epoch", 1), ("epoch", 2), ("scores", 2), ("close", True)]


@pytest.mark.parametrize("where", ["open", "begin", "epoch", "scores", "close"])
def test_a_tracker_that_fails_is_given_up_with_one_warning_and_the_run_goes_on(config, run, recorders, where):
    frail, sound = recorders
    frail.fails_at = where
    with (
        pytest.warns(UserWarning, match="reporting to") as warned,
        Tracking(TrackingPlan(("frail", "sound")), run) as tracking,
    ):
        record = execute(config, run, tracking=tracking)
    told = "reporting to frail failed, and the run goes on without it: no route to host"
    assert [str(each.message) for each in warned] == [told]
    assert tracking.failed == {"frail": "no route to host"}
    assert record.config["stopped"] == "finished"
    assert sound.calls == WHOLE
    at = next(n for n, call in enumerate(WHOLE) if call[0] == where)
    ended = [] if where in ("open", "close") else [("close", False)]
    assert frail.calls == WHOLE[: at + 1] + ended


def test_what_a_failed_tracker_was_not_told_a_resumed_run_tells_it(run, recorders):
    frail, _ = recorders
    frail.fails_at = "epoch"
    with Tracking(TrackingPlan(["frail"]), run) as tracking:
        tracking.begin(SETTINGS, resumed=False)
        with pytest.warns(UserWarning, match="no route to host"):
            tracking.epochs(HISTORY[:1])
        tracking.epochs(HISTORY[:2])
    assert frail.calls == [("open",), ("begin",), ("epoch", 1), ("close", False)]
    frail.fails_at, frail.calls = "", []
    report(run, TrackingPlan(["frail"]), resumed=True)
    assert frail.calls == [("open",), ("epoch", 1), ("epoch", 2), ("epoch", 3), ("close", True)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of TensorBoard's writer
def test_a_full_disk_costs_the_report_alone(small_disk):
    run = RunDirectory(small_disk / "run")
    with Tracking(plan_tracking(["tensorboard"]), run) as tracking:
        tracking.begin(SETTINGS, resumed=False)
        tracking.epochs(HISTORY[:1])
        with (small_disk / "rest").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(512)):
                    pass
            except OSError:
                pass
        with pytest.warns(UserWarning, match="reporting to tensorboard failed, .*No space left on device"):
            tracking.epochs([HISTORY[0]] * 200)
        tracking.epochs([HISTORY[0]] * 201)
        tracking.scores(SCORES)


def test_a_damaged_note_of_what_was_told_begins_a_new_report(run, recorders):
    _, sound = recorders
    run.tracking.mkdir(parents=True)
    (run.tracking / "told.json").write_text('{"sound": 3')
    report(run, TrackingPlan(["sound"]), epochs=1, resumed=True)
    assert sound.calls[:3] == WHOLE[:3]


@pytest.mark.parametrize("name", TRACKERS)
def test_what_is_missing_is_named_with_what_brings_it(name, monkeypatch, run):
    for package in TRACKERS[name].packages:
        monkeypatch.setitem(sys.modules, package, None)
    *rest, last = TRACKERS[name].packages
    what = f"{' and '.join([*rest, last])}, which {'are' if rest else 'is'} not installed"
    with pytest.raises(ImportError) as error:
        Tracking(TrackingPlan([name]), run)
    assert str(error.value) == f"the tracker {name!r} needs {what}: pip install 'semimetric[{name}]'"
    assert not run.path.exists()


def test_a_folder_of_its_name_is_not_the_package(monkeypatch, tmp_path):
    (tmp_path / "tensorboard").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match="needs tensorboard, which is not installed"):
        check_trackers(["tensorboard"])


def test_an_unknown_tracker_is_told_with_the_nearest_name():
    with pytest.raises(ValueError, match="unknown tracker 'mlfow': did you mean 'mlflow'"):
        check_trackers(["mlfow"])


def test_every_tracker_has_an_extra_that_brings_its_packages():
    import tomllib

    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for name, tracker in TRACKERS.items():
        brought = {line.partition(">")[0].removesuffix("-skinny").replace("-", "_") for line in extras[name]}
        assert brought == set(tracker.packages)
