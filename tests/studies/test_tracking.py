"""Studies whose runs are reported to trackers: which are asked for, what travels to a worker, what comes back."""

import json
import sys
from dataclasses import asdict

import pytest

from semimetric.errors import StudyError
from semimetric.runs.trackers import TRACKERS, Tracker
from semimetric.studies import Settings, expand, read_study, run_study
from semimetric.studies.engines.ray_cluster import _compute
from semimetric.studies.perform import Job, Outcome, perform

ONE = {"grid": {}, "rows": [{"name": "DML", "preset": "dml", "latent_dim": 2}]}


@pytest.fixture(autouse=True)
def of_no_one(monkeypatch):
    for tracker in TRACKERS.values():
        for variable in tracker.variables:
            monkeypatch.delenv(variable, raising=False)


class Frail(Tracker):
    packages = ()

    def __init__(self, run, identity):
        raise ConnectionError("no route to host")


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_trackers_are_no_part_of_what_a_run_is(study):
    plain, tracked = expand(study()), expand(study(trackers=["tensorboard", "wandb"]))
    assert [task.key for task in plain] == [task.key for task in tracked]


def test_a_study_may_name_one_tracker_or_several(study):
    assert study(trackers="mlflow").trackers == ["mlflow"]
    assert study(trackers=["mlflow", "wandb"]).trackers == ["mlflow", "wandb"]
    assert study().trackers == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("trackers: [tensorboard, wandbb]", "unknown tracker 'wandbb': did you mean 'wandb'? Known: mlflow, "),
        ("trackers: tensorbord", "unknown tracker 'tensorbord': did you mean 'tensorboard'? Known: mlflow, "),
        ("trackers: [3]", "trackers.1 must be text, got 3"),
        ("budgets: {smoke: {trackers: [mlfow]}}", "unknown tracker 'mlfow': did you mean 'mlflow'? Known: mlflow, "),
    ],
)
def test_a_tracker_that_is_unknown_is_told_with_its_line(tmp_path, line, told):
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ndataset: digits\nlabels: 50\n{line}\n")
    with pytest.raises(StudyError) as error:
        read_study(str(file), "smoke" if "smoke" in line else None)
    assert str(error.value).startswith(f"{file}, line 4: {told}")


def test_what_is_missing_is_said_before_anything_is_begun(study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    out = tmp_path / "out"
    with pytest.raises(StudyError, match=r"the tracker 'wandb' needs .*: pip install 'semimetric\[wandb\]'"):
        run_study(study(trackers=["wandb"]), out)
    with pytest.raises(StudyError, match="unknown tracker 'tensorbord': did you mean 'tensorboard'"):
        run_study(study(), out, Settings(track=["tensorbord"]))
    assert not out.exists()


def test_jobs_tell_their_workers_what_to_report_as_what(study, inline, scored, tmp_path, monkeypatch):
    monkeypatch.setattr("semimetric.runs.tracking.check_trackers", lambda names: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracks.example")
    engine = inline(lambda job: scored(job, knn_accuracy=0.5))
    run_study(study(**ONE, trackers=["mlflow"]), tmp_path, Settings(track=["tensorboard", "mlflow"]))
    (job,) = engine.submitted
    assert json.loads(json.dumps(asdict(job)))["tracking"] == {
        "trackers": ["mlflow", "tensorboard"],
        "group": "small",
        "name": "DML, mine.npz, 30 labels, seed 0, latent_dim 2",
        "store": str(tmp_path / "tracking"),
        "environment": {"MLFLOW_TRACKING_URI": "http://tracks.example"},
    }


def test_nothing_is_reported_of_itself(study, inline, tmp_path):
    engine = inline()
    run_study(study(**ONE), tmp_path)
    assert [job.tracking for job in engine.submitted] == [None]
    assert not list(tmp_path.rglob("tracking"))


@pytest.mark.parametrize("way", ["local", "ray"])
def test_a_run_is_reported_wherever_it_is_computed(study, inline, tmp_path, way):
    pytest.importorskip("tensorboard")

    def through_json(job):
        return perform(Job(**json.loads(json.dumps(asdict(job)))))

    def as_a_task(job):
        return Outcome(**_compute(asdict(job)))

    engine = inline(through_json if way == "local" else as_a_task)
    (result,) = run_study(study(**ONE, trackers=["tensorboard"]), tmp_path)
    assert result.status == "done"
    (job,) = engine.submitted
    steps = scalars(
        tmp_path / "runs" / job.key / "tracking" / "tensorboard" / "DML-mine.npz-30-labels-seed-0-latent_dim-2"
    )
    assert steps["train_metric"] == [1, 2]
    assert steps["knn_accuracy"] == steps["pca.knn_accuracy"] == [2]


def test_a_tracker_that_fails_costs_a_warning_and_no_run(study, inline, tmp_path, monkeypatch):
    monkeypatch.setitem(TRACKERS, "mlflow", Frail)
    inline()
    told = []
    with pytest.warns(UserWarning, match="reporting to mlflow failed, and the run goes on"):
        (result,) = run_study(
            study(**ONE, trackers=["mlflow"]), tmp_path, watch=lambda standing: told.extend(standing.last)
        )
    assert result.status == "done"
    assert not any((tmp_path / "failed").glob("*"))
    assert told[0][1].startswith("knn_accuracy ")
    assert told[0][1].endswith("; reporting to mlflow failed: no route to host")


@pytest.mark.slow
def test_two_workers_report_to_one_store(study, tmp_path):
    for package in TRACKERS["mlflow"].packages:
        pytest.importorskip(package)
    from mlflow import MlflowClient

    results = run_study(study(trackers=["mlflow"], base={"epochs": 1}), tmp_path, Settings(workers=2))
    assert [result.status for result in results] == ["done"] * 4
    client = MlflowClient(f"sqlite:///{tmp_path / 'tracking' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert sorted(run.info.run_name for run in runs) == sorted(
        f"{row}, mine.npz, 30 labels, seed 0, latent_dim {n}" for row in ("DML", "both") for n in (2, 3)
    )
    assert {run.info.status for run in runs} == {"FINISHED"}
