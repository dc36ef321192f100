"""A search by Optuna: trials over all seeds, pruned by epoch, resumed, and the best arguments on the test rows."""

import math
import sys

import pytest

from semimetric.studies import run_study
from semimetric.studies.directory import StudyDirectory
from semimetric.studies.perform import Outcome, perform

optuna = pytest.importorskip("optuna")

from semimetric.studies.search import Trials, best_trial, open_storage, runs_at_most  # noqa: E402

SPACE = {"margin": {"low": 0.1, "high": 0.9}, "latent_dim": {"choices": [2, 3]}}


@pytest.fixture
def searched(study):
    """Return a study that searches."""

    def made(trials=6, seeds=2, **search):
        search = {"trials": trials, "space": SPACE, "prune": False, **search}
        return study(rows=None, grid=None, seeds=seeds, search=search, metrics=["knn_accuracy"])

    return made


@pytest.fixture
def computed(scored, tmp_path):
    """Answer jobs with a score that is best at a margin of 0.6, and a little better for odd seeds."""

    def answer(job):
        (tmp_path / "runs" / job.key).mkdir(parents=True, exist_ok=True)
        return scored(job, knn_accuracy=score(job.config["estimator"]["margin"], job.config["seed"]))

    return answer


def score(margin, seed):
    return 1 - abs(margin - 0.6) + 0.01 * (seed % 2)


def test_a_trial_s_value_is_the_mean_over_its_seeds_and_the_best_is_run_on_the_test_rows(
    searched, inline, computed, tmp_path
):
    engine = inline(computed)
    study = searched()
    results = run_study(study, tmp_path)
    assert runs_at_most(study) == 7 * 2 == len(engine.submitted) == len(results)
    trials = Trials(study, StudyDirectory(tmp_path)).optuna.trials
    for trial in trials:
        assert trial.value == pytest.approx(score(trial.params["margin"], 0) + 0.005)
    best = max(trials, key=lambda trial: trial.value)
    told = {"trial": best.number, "metric": "knn_accuracy", "value": best.value, "arguments": best.params}
    assert best_trial(study, tmp_path) == told
    *of_trials, one, two = engine.submitted
    assert {job.config["loading"]["scored_on"] for job in of_trials} == {"validation"}
    assert [job.config["loading"] for job in (one, two)] == [{}, {}]
    assert one.config["estimator"]["margin"] == two.config["estimator"]["margin"] == best.params["margin"]
    assert [r.place["trial"] for r in results] == [n for n in range(6) for _ in range(2)] + ["best", "best"]
    assert results[0].place.keys() == {"dataset", "labels", "seed", "trial", "margin", "latent_dim"}


@pytest.mark.parametrize("method", ["random", "tpe"])
@pytest.mark.parametrize("stopped_after", [1, 5, 6])
def test_a_search_that_was_stopped_goes_on_as_it_would_have(
    searched, inline, computed, tmp_path, monkeypatch, method, stopped_after
):
    study = searched(method=method)
    inline(computed).capacity = 1
    whole = [dict(r.place) for r in run_study(study, tmp_path / "whole")]
    answered = 0

    def stopping(job):
        nonlocal answered
        answered += 1
        if answered == stopped_after + 1:
            raise KeyboardInterrupt
        return computed(job)

    (tmp_path / "runs").rename(tmp_path / "runs-of-the-whole")
    inline(stopping).capacity = 1
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path)
    engine = inline(computed)
    engine.capacity = 1
    again = run_study(study, tmp_path)
    assert [dict(r.place) for r in again] == whole
    assert [r.status for r in again] == ["done"] * 14
    assert len(engine.submitted) == 14 - stopped_after


def test_a_trial_that_fails_is_no_candidate_and_its_other_seeds_are_spared(searched, inline, computed, tmp_path):
    def failing(job):
        if job.config["estimator"]["margin"] > 0.5 and job.config["seed"] == 0:
            return Outcome(job.key, "error", error="ValueError: no", traceback="")
        return computed(job)

    engine = inline(failing)
    engine.capacity = 1
    study = searched()
    results = run_study(study, tmp_path)
    trials = Trials(study, StudyDirectory(tmp_path)).optuna.trials
    failed = [trial for trial in trials if trial.params["margin"] > 0.5]
    assert failed
    assert {trial.state.name for trial in failed} == {"FAIL"}
    assert sum(r.status == "failed" for r in results) == len(failed)
    assert sum(r.status == "missing" for r in results) == len(failed)
    assert best_trial(study, tmp_path)["arguments"]["margin"] <= 0.5


def test_a_trial_that_lost_its_worker_is_taken_up_by_the_next_call(searched, inline, computed, tmp_path):
    lost = []

    def losing(job):
        if job.config["seed"] == 1 and len(lost) < 2:
            lost.append(job.key)
            return Outcome(job.key, "lost", error="killed")
        return computed(job)

    inline(losing).capacity = 1
    study = searched(trials=3)
    results = run_study(study, tmp_path)
    assert lost[0] == lost[1]
    assert [r.status for r in results] == ["done", "failed"] + ["done"] * 4  # and no best yet
    results = run_study(study, tmp_path)
    assert [r.status for r in results] == ["done"] * 8
    assert {t.state.name for t in Trials(study, StudyDirectory(tmp_path)).optuna.trials} == {"COMPLETE"}


def test_half_a_line_in_the_journal_is_cut_off(searched, inline, computed, tmp_path):
    inline(computed)
    run_study(searched(trials=2, seeds=1), tmp_path)
    with (tmp_path / "search.journal").open("a") as file:
        file.write('{"op_code":4,"worker')
    assert [r.status for r in run_study(searched(trials=3, seeds=1), tmp_path)] == ["done"] * 4


def test_more_trials_go_on_with_the_same_search_and_another_space_is_another(searched, inline, computed, tmp_path):
    engine = inline(computed)
    run_study(searched(trials=3, seeds=1), tmp_path)
    assert len(engine.submitted) == 3 + 1
    results = run_study(searched(trials=5, seeds=1), tmp_path)
    assert len(results) == 6
    assert len(engine.submitted) in (4 + 2, 4 + 3)  # the best may be the same as before
    other = searched(trials=2, seeds=1, space={"margin": {"low": 0.1, "high": 0.2}})
    assert [r.place["trial"] for r in run_study(other, tmp_path)] == [0, 1, "best"]


def test_a_run_behind_the_others_is_pruned_after_some_epochs(searched, inline, tmp_path, monkeypatch):
    """Real fits of five epochs: the metric is made the margin, so that the least margins are behind."""

    def margin_of(metric, embedder, data, y):
        return embedder.margin

    def scored_so(embedder, X, y, seed):
        return embedder.transform(X), {"knn_accuracy": embedder.margin}

    monkeypatch.setattr(sys.modules["semimetric.runs.execution"], "score", scored_so)
    monkeypatch.setattr("semimetric.studies.perform.evaluate_baselines", lambda *_, **__: {})

    monkeypatch.setattr("semimetric.studies.pruning.metric_now", margin_of)
    inline(perform).capacity = 1
    study = searched(trials=8, seeds=1, prune=True, method="random")
    study = study.model_copy(update={"base": {"epochs": 5, "preset": "dml", "latent_dim": 2}})
    results = run_study(study, tmp_path)
    trials = Trials(study, StudyDirectory(tmp_path)).optuna.trials
    states = [trial.state.name for trial in trials]
    assert "PRUNED" not in states[:5]
    assert "PRUNED" in states[5:]
    for number, trial in enumerate(trials):
        others = sorted(t.params["margin"] for t in trials[:number] if t.state.name in ("COMPLETE",))
        behind = number >= 5 and trial.params["margin"] < sorted_median(others)
        assert (trial.state.name == "PRUNED") == behind, number
        assert sorted(trial.intermediate_values) == ([1, 2] if behind else [1, 2, 4])
    missing = [r.place["trial"] for r in results if r.status == "missing"]
    assert missing == [n for n, state in enumerate(states) if state == "PRUNED"]


def sorted_median(values):
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def test_a_score_on_the_way_is_the_score_at_the_end(study, tmp_path, vector_file):
    """After the last epoch of a fit that keeps the last epoch, `metric_now` is what `score` then says."""
    from semimetric.runs import RunConfig, RunDirectory, execute
    from semimetric.studies.pruning import metric_now

    names = ("knn_accuracy", "few_label_accuracy", "few_label_mlp_ami", "linear_accuracy", "map_at_r", "cluster_ami")
    names += ("triplet_accuracy",)
    seen = {}

    def look(embedder, data, y, epoch):
        seen[epoch] = {name: metric_now(name, embedder, data, y) for name in names}

    estimator = {"epochs": 2, "latent_dim": 2, "validation_share": 0.0, "distance": "cosine"}
    config = RunConfig(vector_file, labels=30, estimator=estimator, seed=3)
    looked_on = execute(config, RunDirectory(tmp_path / "on"), on_epoch=look)
    assert looked_on.history == execute(config, RunDirectory(tmp_path / "off")).history
    assert sorted(seen) == [1, 2]
    assert {name: looked_on.metrics[name] for name in names} == pytest.approx(seen[2])
    assert all(math.isfinite(value) for value in seen[1].values())


def test_the_journal_lies_in_the_study_s_directory(searched, inline, computed, tmp_path):
    inline(computed)
    run_study(searched(trials=2, seeds=1), tmp_path)
    (summary,) = optuna.get_all_study_summaries(open_storage(str(tmp_path / "search.journal")))
    assert summary.study_name.startswith("small-")
