"""From a configuration to a finished run, on data of every degree of labelling."""

import json
import sys

import numpy as np
import pytest

from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset
from semimetric.errors import RunError
from semimetric.evaluation import evaluate_baselines, evaluate_prediction
from semimetric.runs import RunConfig, RunDirectory, execute, score
from semimetric.runs.fitted import load_fitted, load_rows, was_fitted_on

QUICK = {"epochs": 2, "latent_dim": 2}


@pytest.fixture(scope="module")
def vectors():
    y = np.arange(100) % 4
    X = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    X[:, 0] += 2 * y
    return X, y


@pytest.fixture
def write(tmp_path, vectors):
    """Write an .npz out of the vectors, changed as wanted, and return its path."""

    def written(**arrays):
        X, y = vectors
        np.savez(tmp_path / "mine.npz", **{"X": X, "y": y} | arrays)
        return str(tmp_path / "mine.npz")

    return written


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run")


def test_a_run_is_its_parts_put_together(write, run, vectors):
    """Load, hide, fit, score: by hand it gives the same numbers."""
    path = write()
    record = execute(RunConfig(path, labels=20, seed=4, estimator={**QUICK, "margin": 0.5}), run, command="by hand")
    data = load_dataset(path, seed=4)
    y = hide_labels(data.y_train, count=20, seed=4)
    embedder = MetricEmbedder(**QUICK, margin=0.5, random_state=4).fit(data.X_train, y)
    Z, metrics = score(embedder, data.X_test, data.y_test, seed=4)
    assert record.metrics == metrics
    assert record.baselines == evaluate_baselines(data.X_train, y, data.X_test, data.y_test, 2, seed=4, margin=0.5)
    assert record.history == embedder.history_
    assert np.array_equal(record.arrays["Z_test"], Z)
    assert np.array_equal(record.arrays["y_test"], data.y_test)
    assert np.array_equal(record.arrays["predicted_test"], embedder.predict(data.X_test))
    assert np.array_equal(record.arrays["y_labelled"], y[y >= 0])
    assert np.array_equal(MetricEmbedder.load(run.model).transform(data.X_test), Z)


def test_the_predictions_are_scored_as_by_hand(write, run, vectors):
    names = np.array(["north", "east", "south", "west"])
    path = write(y=names[vectors[1]])
    record = execute(RunConfig(path, labels=20, seed=4, estimator=QUICK), run)
    data, embedder = load_dataset(path, seed=4), MetricEmbedder.load(run.model)
    y = data.named(data.y_test)
    assert record.metrics["accuracy"] == embedder.score(data.X_test, y)
    scores = evaluate_prediction(embedder.predict_proba(data.X_test), embedder.classes_, y)
    assert {name: record.metrics[name] for name in scores} == scores
    assert not any("accuracy" in scored for scored in record.baselines.values())


def test_the_configuration_is_kept_with_all_it_takes_to_do_it_again(write, run):
    path = write(y=np.array(["n", "e", "s", "w"] * 25))
    record = execute(RunConfig(path, percent=25, seed=2, estimator=QUICK, loading={"test_share": 0.4}), run)
    config = json.loads((run.path / "config.json").read_text())
    assert config == record.config
    wanted = {"dataset": path, "labels": None, "percent": 25, "balanced": True, "seed": 2, "estimator": QUICK}
    assert {key: config[key] for key in wanted} == wanted
    y = hide_labels(load_dataset(path, test_share=0.4, seed=2).y_train, percent=25, seed=2)
    assert config["labelled_rows"] == np.flatnonzero(y >= 0).tolist()
    assert config["class_names"] == ["e", "n", "s", "w"]
    sizes = {"n_train": 60, "n_known": 60, "n_labelled": 15, "n_test": 40, "epochs": 2, "epochs_planned": 2}
    assert {key: config[key] for key in sizes} == sizes
    assert (config["stopped"], config["evaluated_on"], config["preset"]) == ("finished", "test", "dml-autoencoder")
    assert config["parameters"]["margin"] == 0.2
    assert {"semimetric", "python", "torch", "numpy", "scikit-learn"} <= set(config["versions"])
    assert not run.checkpoint.exists()


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(write, tmp_path):
    path = write()
    first, again, other = (
        (execute(RunConfig(path, labels=20, seed=seed, estimator=QUICK), RunDirectory(tmp_path / name)), name)
        for seed, name in ((0, "first"), (0, "again"), (1, "other"))
    )
    for name in ("metrics.json", "history.csv"):
        one, two, three = ((tmp_path / run / name).read_bytes() for _, run in (first, again, other))
        assert one == two != three


def test_partly_labelled_data_without_a_test_split_are_embedded_but_not_scored(write, run, vectors):
    y = np.where(np.arange(100) < 40, vectors[1], -1)
    record = execute(RunConfig(write(y=y), estimator=QUICK), run)
    assert (record.metrics, record.baselines) == ({}, {})
    assert (record.config["evaluated_on"], record.config["n_test"]) == ("train", 0)
    assert record.config["labelled_rows"] == list(range(40))
    assert len(record.arrays["Z_test"]) == 100
    assert np.array_equal(record.arrays["y_test"], y)


def test_data_without_any_label_are_embedded_too(tmp_path, run, vectors):
    np.save(tmp_path / "rows.npy", vectors[0])
    with pytest.warns(UserWarning, match="y holds no labels: training without the metric loss"):
        record = execute(RunConfig(str(tmp_path / "rows.npy"), estimator=QUICK), run)
    assert record.metrics == {}
    assert record.config["n_labelled"] == 0
    assert "predicted_test" not in record.arrays
    assert record.arrays["Z_labelled"].shape == (0, 2)


def test_a_test_split_is_scored_though_no_training_row_has_a_label(write, run, vectors):
    X, y = vectors
    with pytest.warns(UserWarning, match="y holds no labels"):
        record = execute(RunConfig(write(y=np.full(100, -1), X_test=X, y_test=y), estimator=QUICK), run)
    assert record.metrics["knn_accuracy"] > 0
    assert not any(key.startswith("few_label") or key in ("accuracy", "nll") for key in record.metrics)


def test_a_test_split_without_labels_is_embedded_but_not_scored(write, run, vectors):
    X, _ = vectors
    record = execute(RunConfig(write(X_test=X[:30], y_test=np.full(30, -1)), estimator=QUICK), run)
    assert (record.metrics, record.baselines) == ({}, {})
    assert (record.config["evaluated_on"], record.config["n_test"]) == ("test", 30)
    assert len(record.arrays["Z_test"]) == 30


def test_a_score_that_is_undefined_is_null(write, run, vectors):
    X, _ = vectors
    record = execute(RunConfig(write(X_test=X[:10], y_test=np.zeros(10, int)), estimator=QUICK), run)
    assert record.metrics["knn_accuracy"] is None
    assert record.metrics["few_label_accuracy"] is not None


def test_a_directory_is_not_written_over_but_on_demand(write, run):
    config = RunConfig(write(), estimator=QUICK)
    execute(config, run)
    with pytest.raises(RunError) as error:
        execute(config, run)
    assert str(error.value) == f"{run.path} holds a run already: choose another --out, or replace it by --overwrite"
    with pytest.raises(RunError) as error:
        execute(config, run, resume=True)
    assert str(error.value) == f"{run.path} is finished: there is nothing to resume"
    record = execute(RunConfig(config.dataset, estimator={**QUICK, "epochs": 3}), run, overwrite=True)
    assert len(record.history) == 3


def test_what_fails_leaves_the_directory_as_it_was(write, run, tmp_path, monkeypatch):
    path = write()
    nested = RunDirectory(tmp_path / "a" / "b" / "run")
    with pytest.raises(ValueError, match="labels must be between 1 and the 80 training rows of mine"):
        execute(RunConfig(path, labels=81), nested)
    assert not (tmp_path / "a").exists()

    execute(RunConfig(path, estimator=QUICK), run)
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    with pytest.raises(ValueError, match="no labels"):
        execute(RunConfig(write(y=np.full(100, -1)), estimator={"preset": "dml"}), run, overwrite=True)
    assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before


def test_a_failure_after_the_fit_can_be_resumed(write, run, monkeypatch):
    config = RunConfig(write(), labels=20, estimator=QUICK)

    def fail(*_, **__):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["semimetric.runs.execution"], "score", fail)
        with pytest.raises(MemoryError):
            execute(config, run)
    assert run.read_json("config.json")["stopped"] == "running"
    with pytest.raises(RunError, match="is not a finished run"):
        load_fitted(run.path, device=None, show_progress=False)
    record = execute(config, run, resume=True)
    assert record.config["stopped"] == "finished"
    assert len(record.history) == 2


def test_a_fitted_model_and_its_data_are_found_again(write, run, tmp_path, monkeypatch):
    path = write()
    record = execute(RunConfig(path, estimator=QUICK), run)
    for place in (run.path, run.model):
        embedder = load_fitted(place, device="cpu", show_progress=False)
        assert embedder.get_params()["device"] == "cpu"
        assert np.array_equal(embedder.labelled_embeddings_, record.arrays["Z_labelled"])
    assert load_rows(embedder, tmp_path, path, None, show_progress=False).split == "all"
    monkeypatch.chdir(tmp_path)
    assert was_fitted_on(run.path, path)
    assert was_fitted_on(run.path, "mine.npz")
    assert not was_fitted_on(run.path, "digits")
    assert not was_fitted_on(run.model, path)
