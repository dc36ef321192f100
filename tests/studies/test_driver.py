"""What is done is left alone, what fails is tried once more, and nothing stops the rest."""

import json

import pytest

from semimetric.errors import StudyError
from semimetric.runs import RunConfig
from semimetric.studies import Settings, collect, expand, run_study
from semimetric.studies.collecting import other_code
from semimetric.studies.directory import StudyDirectory
from semimetric.studies.perform import Outcome
from semimetric.studies.standing import Standing, described
from semimetric.studies.task import Task


@pytest.fixture
def answers(scored, tmp_path):
    """Return an answer to jobs that follows a plan: preset and dimension → what comes of its first attempts."""

    def planned(plan):
        left = {key: list(kinds) for key, kinds in plan.items()}

        def answer(job):
            arguments = job.config["estimator"]
            kinds = left.get((arguments["preset"], arguments["latent_dim"]), [])
            kind = kinds.pop(0) if kinds else "done"
            if kind == "stop":
                raise KeyboardInterrupt
            if kind != "done":
                return Outcome(job.key, kind, error=f"{kind} happened", traceback="Traceback …")
            (tmp_path / "runs" / job.key).mkdir(parents=True, exist_ok=True)
            return scored(job, knn_accuracy=arguments["latent_dim"] / 10)

        return answer

    return planned


def test_a_baseline_whose_package_is_not_installed_is_told_before_anything_runs(study, inline, tmp_path, monkeypatch):
    engine = inline()
    monkeypatch.setattr("semimetric.evaluation.peers.importlib.util.find_spec", lambda name: None)
    for content in ({"table": {"baselines": ["umap"]}}, {"metrics": ["accuracy", "umap.accuracy"]}):
        with pytest.raises(StudyError, match=r"'umap' needs umap-learn, .*pip install 'semimetric\[umap\]'"):
            run_study(study(**content), tmp_path / "out")
    assert not engine.submitted
    assert not (tmp_path / "out").exists()


def test_the_peers_that_a_study_names_go_along_with_its_jobs(study, inline, scored, tmp_path):
    engine = inline(lambda job: scored(job, accuracy=0.5))
    named = study(metrics=["accuracy", "self-training.accuracy"], table={"baselines": ["pca", "label-spreading"]})
    run_study(named, tmp_path)
    assert {tuple(job.peers) for job in engine.submitted} == {("label-spreading", "self-training")}


def test_runs_done_before_a_study_named_a_peer_are_sent_out_once_more(study, inline, scored, tmp_path):
    def answer(job):
        (tmp_path / "runs" / job.key).mkdir(parents=True, exist_ok=True)
        return scored(job, accuracy=0.5, **{f"{peer}.accuracy": 0.4 for peer in job.peers})

    engine = inline(answer)
    run_study(study(metrics=["accuracy"]), tmp_path)
    more = study(metrics=["accuracy"], table={"baselines": ["label-spreading"]})
    results = run_study(more, tmp_path)
    assert [result.metrics for result in results] == [{"accuracy": 0.5, "label-spreading.accuracy": 0.4}] * 4
    assert len(engine.submitted) == 2 * 4
    assert run_study(more, tmp_path) == results
    assert len(engine.submitted) == 2 * 4


def statuses(results):
    return {(r.place["preset"], r.place["latent_dim"]): r.status for r in results}


ALL = [("dml", 2), ("dml", 3), ("dml-autoencoder", 2), ("dml-autoencoder", 3)]


def test_every_run_is_done_once_and_a_second_call_does_nothing(study, inline, answers, tmp_path):
    engine = inline(answers({}))
    results = run_study(study(), tmp_path)
    assert statuses(results) == dict.fromkeys(ALL, "done")
    assert [r.metrics for r in results] == [{"knn_accuracy": n / 10} for n in (2, 3, 2, 3)]
    assert sum(r.seconds for r in results) == 6.0
    assert len(engine.submitted) == 4
    assert run_study(study(), tmp_path) == results
    bigger = run_study(study(grid={"latent_dim": [2, 3, 4]}), tmp_path)  # another study in the same directory
    assert len(engine.submitted) == 4 + 2
    assert [r.status for r in bigger] == ["done"] * 6


def test_a_failure_is_tried_once_more_and_does_not_stop_the_rest(study, inline, answers, tmp_path):
    engine = inline(answers({("dml", 2): ["error"], ("dml", 3): ["error", "error"], ("dml-autoencoder", 2): ["lost"]}))
    results = run_study(study(), tmp_path)
    assert statuses(results) == {**dict.fromkeys(ALL, "done"), ("dml", 3): "failed"}
    assert len(engine.submitted) == 4 + 3
    (failed,) = (r for r in results if r.status == "failed")
    assert (failed.error, failed.seconds, failed.metrics) == ("error happened", 0.0, {})
    (file,) = (tmp_path / "failed").iterdir()
    record = json.loads(file.read_text())
    assert record["config"]["estimator"]["latent_dim"] == 3
    assert record["place"]["row"] == "DML"
    assert [attempt["traceback"] for attempt in record["attempts"]] == ["Traceback …"] * 2


def test_what_failed_for_good_is_tried_again_only_if_asked_for(study, inline, answers, tmp_path):
    engine = inline(answers({("dml", 2): ["error", "error"]}))
    run_study(study(), tmp_path)
    assert statuses(run_study(study(), tmp_path))["dml", 2] == "failed"
    assert len(engine.submitted) == 5
    results = run_study(study(), tmp_path, Settings(retry_failed=True))
    assert statuses(results) == dict.fromkeys(ALL, "done")
    assert len(engine.submitted) == 6
    assert list((tmp_path / "failed").iterdir()) == []


def test_what_lost_its_workers_is_tried_again_by_the_next_call(study, inline, answers, tmp_path):
    engine = inline(answers({("dml", 2): ["lost", "lost"]}))
    assert statuses(run_study(study(), tmp_path))["dml", 2] == "failed"
    assert statuses(run_study(study(), tmp_path))["dml", 2] == "done"
    assert len(engine.submitted) == 6


def test_one_error_before_the_driver_was_stopped_leaves_one_attempt(study, inline, answers, tmp_path):
    inline(answers({("dml", 2): ["error"], ("dml", 3): ["stop"]}))
    with pytest.raises(KeyboardInterrupt):
        run_study(study(), tmp_path)
    engine = inline(answers({("dml", 2): ["error"]}))
    assert statuses(run_study(study(), tmp_path)) == {**dict.fromkeys(ALL, "done"), ("dml", 2): "failed"}
    assert len(engine.submitted) == 4


def test_two_places_of_one_run_are_computed_once(study, inline, answers, tmp_path):
    engine = inline(answers({}))
    rows = [{"name": "A", "preset": "dml", "alpha": 1}, {"name": "B", "preset": "dml", "alpha": 1.0}]
    results = run_study(study(rows=rows), tmp_path)
    assert len(engine.submitted) == 2
    assert [(r.place["row"], r.status) for r in results] == [("A", "done"), ("A", "done"), ("B", "done"), ("B", "done")]


def test_a_display_sees_the_numbers_grow(study, inline, answers, tmp_path):
    inline(answers({("dml", 3): ["error", "error"]}))
    seen = []

    def watch(standing):
        assert standing.done + standing.failed + len(standing.running) + standing.left in (4, 3)  # 3: one waits again
        seen.append((standing.done, standing.failed, len(standing.running)))

    run_study(study(), tmp_path, watch=watch)
    assert seen[0] == (0, 0, 2)
    assert seen[-1] == (3, 1, 0)


def test_remaining_time_is_the_pace_so_far():
    standing = Standing(10, done=5)
    assert standing.remaining is None
    standing.finished_here = 2
    standing.began -= 8
    assert standing.remaining == pytest.approx(8 / 2 * 5, rel=1e-3)


def test_runs_by_other_code_are_warned_of(study, inline, answers, tmp_path, monkeypatch):
    assert other_code(study(), tmp_path) == ""
    inline(answers({}))
    run_study(study(), tmp_path)
    monkeypatch.setattr("semimetric.studies.collecting.code_version", lambda: "9.9+abc")
    told = other_code(study(), tmp_path)
    assert told.startswith(f"{tmp_path}: 4 of its 4 runs were made by other code (")
    assert ") than this (9.9+abc), and may not be comparable: to make runs anew, remove their directories" in told


def test_study_json_says_what_was_run_by_which_code(study, inline, answers, tmp_path):
    inline(answers({}))
    small = study()
    run_study(small, tmp_path)
    described_there = StudyDirectory(tmp_path).described()
    assert described_there["study"]["grid"] == {"latent_dim": [2, 3]}
    assert described_there["name"] == "small"
    assert "+" in described_there["code"]


def test_results_are_collected_while_nothing_is_done(study, tmp_path):
    results = collect(study(), tmp_path)
    assert [r.status for r in results] == ["missing"] * 4 == ["missing"] * len(expand(study()))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"dataset": "digits", "seed": 0}, "digits, seed 0"),
        ({"dataset": "data/mine.npz", "labels": None, "seed": 0}, "mine.npz, all labels, seed 0"),
        ({"dataset": "d", "percent": 0.5, "seed": 1, "preset": "dml"}, "d, 0.5 % labels, seed 1, preset dml"),
        ({"dataset": "d", "seed": 1, "row": "DML", "preset": "dml", "alpha": 0.123456}, "DML, d, seed 1, alpha 0.123"),
    ],
)
def test_a_place_is_told_in_a_few_words(place, words):
    assert described(Task(RunConfig("digits"), place)) == words
