"""One task in one process: what a killed process has left is gone on with or removed, and what is shared is shared."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from semimetric.data import load_dataset
from semimetric.evaluation import evaluate_baselines, evaluate_peer
from semimetric.runs import RunConfig, RunDirectory, execute
from semimetric.studies import expand, perform
from semimetric.studies.perform import Job


@pytest.fixture
def task(study):
    return expand(study(grid={}, rows=[{"preset": "dml-autoencoder", "latent_dim": 2}]))[0]


@pytest.fixture(scope="module")
def baselines(tmp_path_factory):
    """A folder of baselines that the tests share, for they take their time."""
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture
def job(tmp_path, baselines):
    """Return a task as a job in this test's directory."""
    (tmp_path / "baselines").symlink_to(baselines)

    def made(task, **changes):
        content = {"folder": str(tmp_path), "working_directory": str(tmp_path)}
        return Job(task.key, asdict(task.config), **{**content, **changes})

    return made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return a configuration's run by `execute` itself."""
    made = {}

    def run(config):
        if repr(config) not in made:
            made[repr(config)] = RunDirectory(tmp_path_factory.mktemp("undisturbed") / "run")
            execute(config, made[repr(config)])
        return made[repr(config)]

    return run


def same(run, other):
    return all(
        (run.path / name).read_bytes() == (other.path / name).read_bytes() for name in ("metrics.json", "history.csv")
    )


def kill_in_epoch(number, monkeypatch):
    """Have fits end in this epoch as if their process had been killed: nothing is cleaned up."""

    class Killed(BaseException):
        pass

    def after(history):
        if len(history) == number:
            raise Killed

    monkeypatch.setattr("semimetric.training.loop.tell_epoch", after)
    return Killed


def test_a_task_s_run_is_what_execute_makes_of_its_configuration(task, job, undisturbed, tmp_path):
    outcome = perform.perform(job(task))
    run, other = RunDirectory(tmp_path / "runs" / task.key), undisturbed(task.config)
    assert (outcome.key, outcome.kind, outcome.error) == (task.key, "done", "")
    assert same(run, other)
    record = run.read()
    assert outcome.row["metrics"] == {
        **record.metrics, **{f"{b}.{name}": v for b, scores in record.baselines.items() for name, v in scores.items()}
    }  # fmt: skip
    assert outcome.row["metrics"]["pca.knn_accuracy"] == record.baselines["pca"]["knn_accuracy"]
    assert outcome.row["seconds"] == record.config["seconds_fit"] + record.config["seconds_evaluate"]
    assert outcome.row["code"] == record.config["code"]


def test_a_finished_run_is_not_done_again(task, job, undisturbed, tmp_path, monkeypatch):
    shutil.copytree(undisturbed(task.config).path, tmp_path / "runs" / task.key)
    monkeypatch.setattr(perform, "execute", None)
    assert perform.perform(job(task)).kind == "done"


@pytest.mark.parametrize("left", ["a partial file", "half a config", "a config alone", "a torn checkpoint"])
def test_no_half_made_directory_blocks(task, job, undisturbed, tmp_path, left):
    run, other = RunDirectory(tmp_path / "runs" / task.key), undisturbed(task.config)
    run.path.mkdir(parents=True)
    if left == "a partial file":
        (run.path / ".config.json.123.partial").write_text("{")
    elif left == "half a config":
        (run.path / "config.json").write_text('{"dataset": ')
        (run.path / "model").mkdir()
    else:
        before = json.loads((other.path / "config.json").read_text())
        run.write_json("config.json", {**before, "stopped": "running"})
        run.checkpoint.mkdir()
        if left != "a config alone":
            (run.checkpoint / "last.pt").write_bytes(
                b"of another time" if left == "an old checkpoint" else b"PK\x03\x04"
            )
    outcome = perform.perform(job(task))
    assert (outcome.kind, outcome.error) == ("done", "")
    assert same(run, other)
    assert not run.checkpoint.exists()


def test_a_killed_run_goes_on_from_its_checkpoint(task, job, undisturbed, tmp_path, monkeypatch):
    run = RunDirectory(tmp_path / "runs" / task.key)
    with monkeypatch.context() as patch:
        killed = kill_in_epoch(1, patch)
        with pytest.raises(killed):
            perform.perform(job(task))
    assert run.read_json("config.json")["stopped"] == "running"
    epochs = []
    monkeypatch.setattr("semimetric.training.loop.tell_epoch", lambda history: epochs.append(history[-1]["epoch"]))
    assert perform.perform(job(task)).kind == "done"
    assert epochs == [2]
    assert same(run, undisturbed(task.config))


def test_what_goes_wrong_is_told_with_its_traceback(task, job, tmp_path):
    outcome = perform.perform(job(replace(task, config=replace(task.config, labels=73))))
    assert outcome.kind == "error"
    assert (
        outcome.error == "ValueError: labels must be between 1 and the 72 training rows of mine that have one, got 73"
    )
    assert "Traceback (most recent call last)" in outcome.traceback
    assert outcome.row is None


def test_data_are_read_once_and_baselines_computed_once_for_all_that_share_them(study, job, tmp_path, monkeypatch):
    read, computed = [], []
    (tmp_path / "baselines").unlink()
    perform._dataset.cache_clear()

    def loading(*arguments, **options):
        read.append(arguments)
        return load_dataset(*arguments, **options)

    def computing(*arguments, **options):
        computed.append(arguments[4])
        return evaluate_baselines(*arguments, **options)

    monkeypatch.setattr(perform, "load_dataset", loading)
    monkeypatch.setattr(perform, "evaluate_baselines", computing)
    rows = [{"preset": "dml"}, {"preset": "autoencoder"}, {"preset": "dml", "latent_dim": 3}]
    tasks = expand(study(grid={}, rows=rows, base={"epochs": 1, "latent_dim": 2}))
    outcomes = [perform.perform(job(task)) for task in tasks]
    assert [outcome.kind for outcome in outcomes] == ["done"] * 3
    assert len(read) == 1
    assert computed == [2, 3]
    assert len(list((tmp_path / "baselines").iterdir())) == 2
    one, two, _ = (
        {key: value for key, value in o.row["metrics"].items() if key.startswith(("raw", "pca"))} for o in outcomes
    )
    assert one == two != {}
    perform._dataset.cache_clear()


def test_a_peer_is_computed_once_whatever_the_dimensions_and_stands_beside_each_run(study, job, tmp_path, monkeypatch):
    computed = []
    (tmp_path / "baselines").unlink()

    def computing(name, *arguments, **options):
        computed.append(name)
        return evaluate_peer(name, *arguments, **options)

    monkeypatch.setattr(perform, "evaluate_peer", computing)
    tasks = expand(study(grid={}, rows=[{"preset": "dml", "latent_dim": size} for size in (2, 3)], base={"epochs": 1}))
    outcomes = [perform.perform(job(task, peers=("label-spreading",))) for task in tasks]
    assert computed == ["label-spreading"]
    one, two = (outcome.row["metrics"]["label-spreading.accuracy"] for outcome in outcomes)
    assert one == two > 0.5


def test_a_finished_run_is_scored_beside_peers_that_a_study_asks_for_later(study, job, tmp_path, monkeypatch):
    (task,) = expand(study(grid={}, rows=[{"preset": "dml", "latent_dim": 2}], base={"epochs": 1}))
    alone = perform.perform(job(task)).row["metrics"]
    assert not any(name.startswith("label-spreading.") for name in alone)
    fitted = (tmp_path / "runs" / task.key / "model" / "weights.safetensors").stat().st_mtime_ns
    beside = perform.perform(job(task, peers=("label-spreading",))).row["metrics"]
    assert {name: value for name, value in beside.items() if name in alone} == alone
    assert beside["label-spreading.accuracy"] > 0.5
    assert (tmp_path / "runs" / task.key / "model" / "weights.safetensors").stat().st_mtime_ns == fitted
    monkeypatch.setattr(perform, "score_beside", None)
    assert perform.perform(job(task, peers=("label-spreading",))).row["metrics"] == beside


def test_workers_that_need_the_same_peer_wait_for_one_of_them(tmp_path, monkeypatch):
    begun, computed = threading.Event(), []

    def slowly(name, *arguments, **options):
        computed.append(name)
        begun.set()
        time.sleep(0.3)
        return {"accuracy": 0.5}

    monkeypatch.setattr(perform, "evaluate_peer", slowly)
    monkeypatch.setattr(perform, "evaluate_baselines", lambda *_, **__: {})
    scored = [perform._remembering(RunConfig("digits"), tmp_path, ["umap"]) for _ in range(2)]
    with ThreadPoolExecutor(2) as workers:
        first = workers.submit(scored[0], None, None, None, None, 2)
        begun.wait()
        second = workers.submit(scored[1], None, None, None, None, 3)
        assert first.result() == second.result() == {"umap": {"accuracy": 0.5}}
    assert computed == ["umap"]


def test_paths_begin_where_the_driver_is(vector_file, tmp_path, study, job, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = expand(study(dataset=Path(vector_file).name, rows=None, grid={}, base={"epochs": 1}))[0]
    assert perform.perform(job(task)).error.startswith("DataError: no file or folder at")
    assert perform.perform(job(task, working_directory=str(Path(vector_file).parent))).kind == "done"
    config = RunDirectory(tmp_path / "runs" / task.key).read_json("config.json")
    assert config["dataset"] == "mine.npz"


def test_where_a_run_is_computed_is_no_part_of_it(task, job, tmp_path):
    outcome = perform.perform(job(task, device="cpu"))
    assert outcome.kind == "done"
    assert outcome.key == task.key
    config = RunDirectory(tmp_path / "runs" / task.key).read_json("config.json")
    assert config["estimator"]["device"] == "cpu"


def test_validation_rows_take_the_place_of_the_test_rows(study, job, tmp_path, vector_file):
    task = expand(study(grid={}, rows=None, loading={"scored_on": "validation"}, labels=None))[0]
    assert perform.perform(job(task)).kind == "done"
    run = RunDirectory(tmp_path / "runs" / task.key).read()
    data = load_dataset(vector_file)
    assert (run.config["n_train"], run.config["n_test"]) == (58, 14)  # of 72; the 18 test rows are not there
    assert run.config["loading"] == {"scored_on": "validation"}
    tests = {row.tobytes() for row in data.X_test}
    assert not tests & {row.astype(np.float32).tobytes() for row in run.arrays["shown_inputs"]}
