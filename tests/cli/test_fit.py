"""``semimetric fit`` and ``semimetric demo``: from data to a run directory with a report."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semimetric import MetricEmbedder
from semimetric.data import hide_labels

SCORES = {
    *(f"{probe}_{score}" for probe in ("knn", "forest", "mlp", "linear") for score in ("accuracy", "ami")),
    *("recall_at_1", "map_at_r", "cluster_accuracy", "cluster_ami", "triplet_accuracy", "triplet_order_accuracy"),
    *("few_label_accuracy", "few_label_ami", "accuracy", "balanced_accuracy", "auc", "ece"),
}
FILES = {"config.json", "metrics.json", "history.csv", "model", "embedding.npz", "report.html"}
PICTURES = {f"{name}.png" for name in ("scores", "latent", "reconstructions", "curves", "neighbours", "confusion")}
QUICK = ("--epochs", 1, "--latent-dim", 2, "--json")


def test_json_holds_scores_sizes_and_paths(digits_run):
    path, done = digits_run
    result = done.json
    assert set(result) >= SCORES
    assert all(0 <= result[key] <= 1 for key in SCORES)
    assert (result["dataset"], result["preset"], result["seed"]) == ("digits", "dml-autoencoder", 0)
    assert (result["n_train"], result["n_labelled"], result["n_test"]) == (1198, 50, 599)
    assert (result["epochs"], result["best_epoch"], result["stopped"]) == (1, 1, "finished")
    assert set(result["baselines"]) == {"raw", "pca", "pca50"}
    assert (result["run"], result["report"]) == (str(path), str(path / "report.html"))


def test_a_run_directory_holds_what_the_design_says(digits_run):
    path, done = digits_run
    assert {entry.name for entry in path.iterdir()} == FILES | PICTURES
    metrics = json.loads((path / "metrics.json").read_text())
    assert {key: done.json[key] for key in SCORES} == {key: metrics[key] for key in SCORES}
    config = json.loads((path / "config.json").read_text())
    assert config["command"].startswith("semimetric fit digits --labels 50 --epochs 1")
    with (path / "history.csv").open() as lines:
        (row,) = csv.DictReader(lines)
    assert row["epoch"] == "1.0"
    assert {"train_reconstruction", "train_metric"} <= set(row)
    assert (path / "report.html").read_text().startswith("<!doctype html>")


def test_the_labels_kept_are_those_of_hide_labels(digits_run, digits):
    config = json.loads((digits_run[0] / "config.json").read_text())
    y = hide_labels(digits.y_train, count=50, seed=0)
    assert config["labelled_rows"] == np.flatnonzero(y >= 0).tolist()


def test_the_command_line_and_the_class_give_the_same_model(digits_run, digits):
    y = hide_labels(digits.y_train, count=50, seed=0)
    embedder = MetricEmbedder(latent_dim=4, epochs=1, random_state=0).fit(digits.X_train, y)
    by_command = MetricEmbedder.load(digits_run[0] / "model").transform(digits.X_test)
    assert np.array_equal(embedder.transform(digits.X_test), by_command)


def test_people_get_a_table_that_fits_their_terminal_and_the_way_to_the_report(vector_run):
    path, done = vector_run
    *table, caution, last = done.out.splitlines()
    assert max(map(len, table)) <= 80
    assert table[0].startswith("dml-autoencoder on mine.npz: 30 labels, 72 training rows, 2 epochs in ")
    assert table[1].split() == ["18", "rows", "scored", "model", "raw", "input", "PCA-2"]
    assert caution == "Scores of only 18 rows: each is worth 0.056 of accuracy, of a probe twice that."
    metrics = json.loads((path / "metrics.json").read_text())
    few, probe = (row.split() for row in table if row.startswith("  kNN accuracy"))
    for row, key in ((few, "few_label_accuracy"), (probe, "knn_accuracy")):
        columns = [metrics, metrics["baselines"]["raw"], metrics["baselines"]["pca"]]
        assert row[2:] == [f"{scores[key]:.3f}" for scores in columns]
    assert last == f"Report: {path / 'report.html'}"
    assert "training" in done.err


def test_demo_learns_from_fifty_digits_and_replaces_the_last_one(semimetric, tmp_path, monkeypatch):
    monkeypatch.setattr("semimetric.estimator.parameters.choose_epochs", lambda *_: 1)
    monkeypatch.chdir(tmp_path)
    before = tmp_path / "runs" / "demo"
    before.mkdir(parents=True)
    (before / "config.json").write_text('{"stopped": "finished"}')
    done = semimetric("demo", "--quiet")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("dml-autoencoder on digits: 50 labels, 1,198 training rows, 1 epoch in ")
    assert done.out.endswith("Report: runs/demo/report.html\n")
    assert {entry.name for entry in before.iterdir()} == FILES | PICTURES


def npy(folder, X, y):
    np.save(folder / "rows.npy", X)
    (folder / "labels.csv").write_text("".join(f"{'abc'[label]}\n" for label in y))
    return folder / "rows.npy", "--labels-file", folder / "labels.csv"


def parquet(folder, X, y):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    columns = {f"x{i}": X[:, i] for i in range(X.shape[1])}
    pq.write_table(pa.table(columns | {"kind": [f"{'abc'[label]}" for label in y]}), folder / "rows.parquet")
    return folder / "rows.parquet", "--label-column", "kind"


def comma_separated(folder, X, y):
    pytest.importorskip("pyarrow")
    lines = [",".join([*map(repr, row.tolist()), "abc"[label]]) for row, label in zip(X, y, strict=True)]
    heading = ",".join([*(f"x{i}" for i in range(X.shape[1])), "kind"])
    (folder / "rows.csv").write_text("\n".join([heading, *lines, ""]))
    return folder / "rows.csv", "--label-column", "kind"


def images(folder, X, y):
    for i, label in enumerate(y):
        (folder / "images" / "abc"[label]).mkdir(parents=True, exist_ok=True)
        pixels = np.full((12, 10), 60 * label + i, np.uint8)
        Image.fromarray(pixels).save(folder / "images" / "abc"[label] / f"{i:03}.png")
    return folder / "images", "--image-size", 9


@pytest.mark.parametrize("write", [npy, parquet, comma_separated, images])
def test_data_of_one_s_own_in_every_form(semimetric, tmp_path, vectors, no_report, write):
    data, *options = write(tmp_path, *vectors)
    done = semimetric("fit", data, *options, *QUICK, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert (done.json["n_train"], done.json["n_labelled"], done.json["n_test"]) == (72, 72, 18)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["class_names"] == ["a", "b", "c"]
    assert config["loading"] == {options[0].strip("-").replace("-", "_"): str(options[1])}


def test_real_data_by_name(semimetric, shared_data, tmp_path, no_report):
    done = semimetric("fit", "pneumoniamnist", "--data-dir", shared_data, *QUICK, "--labels", 20, "--out", tmp_path)
    assert done.code == 0, done.err
    assert (done.json["n_labelled"], done.json["n_test"]) == (20, 624)


def test_data_without_labels_to_test_on_say_how_to_have_scores(semimetric, vectors, tmp_path, no_report):
    np.savez(tmp_path / "mine.npz", X=vectors[0], y=np.where(np.arange(90) < 30, vectors[1], -1))
    done = semimetric("fit", tmp_path / "mine.npz", "--epochs", 1, "--out", tmp_path / "run")
    assert done.code == 0
    assert "No test labels, so no scores: give a file with X_test and y_test, or --test-share." in done.out
    done = semimetric("fit", tmp_path / "mine.npz", *QUICK, "--test-share", 0.5, "--out", tmp_path / "other")
    assert (done.json["n_labelled"], done.json["n_test"]) == (15, 15)


def test_without_labels_it_says_what_it_does_instead(semimetric, vectors, tmp_path, no_report):
    np.save(tmp_path / "rows.npy", vectors[0])
    done = semimetric("fit", tmp_path / "rows.npy", *QUICK, "--out", tmp_path / "run", "-q")
    assert done.code == 0
    assert done.err == "warning: y holds no labels: training without the metric loss\n"
    assert done.json["n_labelled"] == 0
    done = semimetric("fit", tmp_path / "rows.npy", *QUICK, "--preset", "dml", "--out", tmp_path / "dml", "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: preset 'dml' learns from labels alone and needs at least two classes, but y holds no labels: "
        "label more rows, or use preset 'autoencoder'\n"
    )
    assert not (tmp_path / "dml").exists()


def test_a_table_of_which_no_column_is_named_is_told_of(semimetric, vectors, tmp_path, no_report):
    file, *_ = parquet(tmp_path, *vectors)
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(file).drop_columns("kind").append_column("label", [vectors[1]])
    pq.write_table(table, file)
    told = (
        f"warning: {file} is read without labels, all its 7 columns as features; if one holds the labels, say so with "
        "label_column (--label-column)\n"
    )
    done = semimetric("fit", file, *QUICK, "--out", tmp_path / "run", "-q")
    assert (done.code, done.json["n_labelled"]) == (0, 0)
    assert done.err == told + "warning: y holds no labels: training without the metric loss\n"
    done = semimetric("fit", file, *QUICK, "--labels", 30, "--out", tmp_path / "other", "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == told + (
        "error: labels must be between 1 and the 0 training rows of rows that have one, got 30\n"
    )
    done = semimetric("fit", file, *QUICK, "--label-column", "label", "--out", tmp_path / "named", "-q")
    assert (done.code, done.err, done.json["n_labelled"]) == (0, "", 72)


def test_without_out_the_directory_says_what_is_in_it(semimetric, vector_file, tmp_path, monkeypatch, no_report):
    monkeypatch.chdir(tmp_path)
    done = semimetric("fit", vector_file, *QUICK, "--percent", 50, "--preset", "autoencoder", "--seed", 3)
    assert done.json["run"] == os.path.join("runs", "mine-autoencoder-50.0pc-seed3")
    assert done.json["n_labelled"] == 36
    assert Path(done.json["run"], "metrics.json").exists()


def test_every_option_reaches_the_estimator(semimetric, vector_file, tmp_path, no_report):
    given = {
        "alpha": 0.25,
        "margin": 0.5,
        "distance": "cosine",
        "likelihood": "bernoulli",
        "routine": "alternate-epochs",
        "augment": "none",
        "epochs": 2,
        "batch_size": 20,
        "labelled_batch_size": 12,
        "learning_rate": 0.01,
        "patience": 3,
        "precision": "float32",
        "device": "cpu",
        "latent_dim": 3,
        "preset": "dml-autoencoder",
    }
    options = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    done = semimetric("fit", vector_file, *options, "--unbalanced", "--out", tmp_path / "run", "--json")
    assert done.code == 0, done.err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["estimator"] == given
    assert {name: config["parameters"][name] for name in given} == given
    assert config["balanced"] is False
