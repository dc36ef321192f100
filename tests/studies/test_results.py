"""Results of many runs without opening many files, and whatever a killed driver has left of them."""

import json
import tracemalloc
from pathlib import Path

import pytest

from semimetric.runs import RunDirectory
from semimetric.studies import Study, collect, expand
from semimetric.studies.directory import Failure, StudyDirectory, summary

ROW = {"metrics": {"knn_accuracy": 0.5}, "seconds": 2.0, "code": "c", "stopped": "finished"}


@pytest.fixture
def directory(tmp_path):
    return StudyDirectory(tmp_path)


def finish(directory, key, accuracy=0.25, stopped="finished"):
    """Leave a run as `execute` does."""
    run = directory.run(key)
    run.write_json("metrics.json", {"knn_accuracy": accuracy, "baselines": {"pca": {"knn_accuracy": 0.125}}})
    config = {"stopped": stopped, "seconds_fit": 3.0, "seconds_evaluate": 0.5, "code": "c"}
    run.write_json("config.json", config)


@pytest.mark.slow
def test_ten_thousand_results_come_out_of_one_file(directory, monkeypatch):
    study = Study(name="many", dataset="digits", seeds=2_500, grid={"latent_dim": [2, 3, 4, 5]})
    tasks = expand(study)
    assert len(tasks) == 10_000
    metrics = {f"{name}_{n}": 1 / (n + 3) for name in ("model", "pca.model", "raw.model") for n in range(4)}
    directory.append({task.key: {**ROW, "metrics": {**metrics, "seed": task.place["seed"]}} for task in tasks})
    for task in tasks:
        directory.run(task.key).path.mkdir(parents=True)
    opened = []
    for function in ("open", "read_text", "read_bytes"):
        real = getattr(Path, function)
        monkeypatch.setattr(
            Path, function, lambda self, *a, real=real, **k: (opened.append(self.name), real(self, *a, **k))[1]
        )
    tracemalloc.start()
    try:
        results = collect(study, directory.path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert opened == ["results.jsonl"]
    assert peak < 60e6
    assert [result.status for result in results] == ["done"] * 10_000
    assert all(result.metrics["seed"] == result.place["seed"] for result in results)


def test_a_run_without_a_line_is_read_from_its_directory(directory):
    finish(directory, "aa")
    finish(directory, "bb", stopped="running")
    directory.run("cc").path.mkdir()
    (directory.run("dd").path).mkdir()
    (directory.run("dd").path / "config.json").write_text("{")
    found = directory.results(["aa", "bb", "cc", "dd", "ee"])
    scores = {"knn_accuracy": 0.25, "pca.knn_accuracy": 0.125}
    assert found == {"aa": {"metrics": scores, "seconds": 3.5, "code": "c", "stopped": "finished"}}


@pytest.mark.parametrize("rest", ['{"key": "bb", "met', '{"key": "bb"}\n', "\x00\x00", "null\n", "\n"])
def test_half_a_line_is_passed_over_and_the_next_one_is_whole(directory, rest):
    for key in ("aa", "bb", "cc"):
        directory.run(key).path.mkdir(parents=True)
    directory.append({"aa": ROW})
    with (directory.path / "results.jsonl").open("a") as file:
        file.write(rest)
    directory.append({"cc": ROW})
    assert directory.results(["aa", "bb", "cc"]) == {"aa": ROW, "cc": ROW}


def test_the_later_line_of_a_run_counts_and_one_without_its_directory_does_not(directory):
    directory.run("aa").path.mkdir(parents=True)
    directory.append({"aa": ROW, "bb": ROW})
    directory.append({"aa": {**ROW, "seconds": 9.0}})
    assert directory.results(["aa", "bb"]) == {"aa": {**ROW, "seconds": 9.0}}


def test_a_score_that_is_undefined_is_none(directory):
    directory.run("aa").path.mkdir(parents=True)
    directory.append({"aa": {**ROW, "metrics": {"knn_accuracy": float("nan")}}})
    assert directory.results(["aa"])["aa"]["metrics"] == {"knn_accuracy": None}


def test_a_failure_is_final_after_two_errors_and_never_for_want_of_a_worker(directory):
    failure = Failure("aa", {"dataset": "digits"}, {"seed": 0})
    final = []
    for kind in ("lost", "error", "lost", "lost", "error"):
        directory.record_failure(failure, kind, f"it was {kind}", "Traceback …", "c")
        (read,) = directory.failures().values()
        assert read == failure
        final.append(read.final)
    assert final == [False, False, False, False, True]
    written = json.loads((directory.failed / "aa.json").read_text())
    assert (written["key"], written["config"], len(written["attempts"])) == ("aa", {"dataset": "digits"}, 5)
    assert failure.error == "it was error"
    directory.forget_failure("aa")
    assert directory.failures() == {}


def test_results_are_one_for_each_place(directory, study):
    small = study(rows=[{"name": "A", "alpha": 1}, {"name": "B", "alpha": 1.0}, {"name": "C"}], grid={})
    one, _, three = expand(small)
    finish(directory, one.key)
    directory.record_failure(Failure(three.key, {}, {}), "error", "ValueError: no", "", "c")
    results = collect(small, directory.path)
    assert [(r.place["row"], r.status, r.seconds) for r in results] == [
        ("A", "done", 3.5),
        ("B", "done", 3.5),
        ("C", "failed", 0),
    ]
    assert results[2].error == "ValueError: no"
    assert summary(RunDirectory(directory.path / "none")) is None
