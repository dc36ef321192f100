"""``suggest``: the rows to label next, on the terminal, as JSON, as a table and as a picture."""

import csv

import numpy as np
import pytest
from PIL import Image

from semimetric import MetricEmbedder

NAMES = np.array(["a, b", "[red]c", 'd"e'])
NEXT = "Label these rows, put their labels into your data, and fit again."


@pytest.fixture(scope="module")
def partly_labelled(semimetric, tmp_path_factory, vectors):
    """A file in which a third of the rows has a label, in words; a run on it that asks five neighbours; which rows."""
    folder = tmp_path_factory.mktemp("partly")
    X, y = vectors
    labelled = np.arange(len(X)) // 3 % 3 == 0
    np.savez(folder / "mine.npz", X=X, y=np.where(labelled, NAMES[y], "-1"))
    options = ["--epochs", 2, "--latent-dim", 2, "--n-neighbors", 5, "--out", folder / "run", "-q"]
    done = semimetric("fit", folder / "mine.npz", *options)
    assert done.code == 0, done.err
    return folder / "mine.npz", folder / "run", labelled


def test_they_are_those_of_the_library_with_their_predictions(semimetric, digits_run, digits):
    done = semimetric("suggest", digits_run[0], "digits", "-n", 7, "--json", "-q")
    assert (done.code, done.err) == (0, "")
    embedder = MetricEmbedder.load(digits_run[0] / "model")
    rows = embedder.suggest(digits.X_train, 7)
    assert done.json["rows"] == rows.tolist()
    assert done.json["predicted"] == embedder.predict(digits.X_train[rows]).tolist()
    assert done.json["probability"] == [1.0] * 7  # one neighbour is asked
    assert done.json["second"] == done.json["second_probability"] == [None] * 7
    assert (done.json["split"], done.json["out"], done.json["picture"]) == ("train", None, None)


def test_of_a_benchmark_only_the_labels_the_model_had_are_left_out(semimetric, digits_run):
    labelled = MetricEmbedder.load(digits_run[0] / "model").labelled_rows_
    done = semimetric("suggest", digits_run[0], "digits", "-n", 1198 - 50, "--json", "-q")
    assert set(done.json["rows"]) == set(range(1198)) - set(labelled.tolist())
    done = semimetric("suggest", digits_run[0], "digits", "-n", 1198 - 49, "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: n must be between 1 and the 1148 rows without a label, got 1149\n"


def test_labels_of_the_data_are_left_out_with_those_of_the_fit(semimetric, partly_labelled, vectors, tmp_path):
    file, run, labelled = partly_labelled
    every = semimetric("suggest", run, file, "-n", 60, "--json", "-q")
    assert (every.json["split"], sorted(every.json["rows"])) == ("all", np.flatnonzero(~labelled).tolist())
    y = np.where(labelled | (np.arange(90) < 30), vectors[1], -1)  # since the fit, some more
    np.save(tmp_path / "rows.npy", vectors[0])
    np.save(tmp_path / "labels.npy", y)
    more = ["--labels-file", tmp_path / "labels.npy"]
    done = semimetric("suggest", run, tmp_path / "rows.npy", *more, "-n", 42, "--json", "-q")
    assert sorted(done.json["rows"]) == np.flatnonzero(y == -1).tolist()


def test_the_split_can_be_chosen(semimetric, digits_run, digits):
    done = semimetric("suggest", digits_run[0], "digits", "--split", "test", "-n", 3, "--json", "-q")
    expected = MetricEmbedder.load(digits_run[0] / "model").suggest(digits.X_test, 3)
    assert (done.json["split"], done.json["rows"]) == ("test", expected.tolist())
    done = semimetric("suggest", digits_run[0], "digits", "--split", "val")
    assert (done.code, done.err) == (2, "error: digits has no split 'val'; it has train, test\n")


def test_a_person_sees_two_classes_and_what_to_do(semimetric, partly_labelled, vectors):
    file, run, _ = partly_labelled
    done = semimetric("suggest", run, file, "-n", 20, "-q", width=80)
    assert (done.code, done.err) == (0, "")
    title, header, _, *lines, last = done.out.splitlines()
    assert title == f"20 rows of {file} to label next (all, 90 rows, counted from 0)"
    assert header.split() == ["row", "predicted", "probability", "second", "probability"]
    assert last == NEXT
    found = semimetric("suggest", run, file, "-n", 20, "--json", "-q").json
    shares = MetricEmbedder.load(run / "model").predict_proba(vectors[0][found["rows"]])
    assert found["probability"] == shares.max(axis=1).tolist()
    assert [second or 0 for second in found["second_probability"]] == np.sort(shares)[:, -2].tolist()
    assert set(found["predicted"]) <= set(NAMES)
    assert any(second is not None for second in found["second"])
    for line, row, name, share, second, rest in zip(lines, *(found[key] for key in list(found)[:5]), strict=True):
        other = [] if second is None else [second, f"{rest:.3f}"]
        assert " ".join(line.split()) == " ".join([str(row), name, f"{share:.3f}", *other])


def test_the_table_and_the_picture_can_be_kept(semimetric, partly_labelled, tmp_path):
    file, run, _ = partly_labelled
    out, picture = tmp_path / "rows.csv", tmp_path / "suggestions.png"
    done = semimetric("suggest", run, file, "-n", 20, "--out", out, "--picture", picture, "-q")
    assert done.out.endswith(f"Table: {out}\nPicture: {picture}\n{NEXT}\n")
    found = semimetric("suggest", run, file, "-n", 20, "--json", "-q").json
    with out.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["row", "predicted", "probability"]
    columns = zip(found["rows"], found["predicted"], found["probability"], strict=True)
    assert [(int(row), name, float(share)) for row, name, share in rows] == list(columns)
    with Image.open(picture) as image:
        assert (image.format, image.width > image.height) == ("PNG", True)
    assert {entry.name for entry in tmp_path.iterdir()} == {"rows.csv", "suggestions.png"}


def test_of_very_many_the_first_are_drawn(semimetric, digits_run, tmp_path, monkeypatch):
    monkeypatch.setattr("semimetric.report.suggestions.MOST", 3)
    done = semimetric("suggest", digits_run[0], "digits", "-n", 4, "--picture", tmp_path / "s.png", "-q")
    assert f"\nPicture of the first 3: {tmp_path / 's.png'}\n" in done.out


def test_a_model_without_labels_suggests_and_predicts_nothing(semimetric, tmp_path, vectors, no_report):
    np.save(tmp_path / "rows.npy", vectors[0])
    run = tmp_path / "run"
    options = ["--preset", "autoencoder", "--epochs", 1, "--out", run, "-q"]
    assert semimetric("fit", tmp_path / "rows.npy", *options).code == 0
    out = tmp_path / "rows.csv"
    done = semimetric("suggest", run, tmp_path / "rows.npy", "-n", 3, "--json", "-q", "--out", out)
    assert (done.code, done.json["predicted"], done.json["probability"]) == (0, [None] * 3, [None] * 3)
    assert out.read_text() == "row,predicted,probability\n" + "".join(f"{row},,\n" for row in done.json["rows"])
    assert semimetric("suggest", run, tmp_path / "rows.npy", "-n", 3, "-q").out.endswith(f"{NEXT}\n")


@pytest.mark.parametrize("n", [0, -3])
def test_a_number_that_cannot_be_is_told_before_the_work(semimetric, n):
    done = semimetric("suggest", "nowhere", "digits", "-n", n)
    assert (done.code, done.out) == (2, "")
    assert "Invalid value for '-n'" in done.err


@pytest.mark.parametrize(("option", "suffix"), [("--out", ".csv"), ("--picture", ".png")])
def test_files_that_cannot_be_written_are_told_before_the_work(semimetric, tmp_path, option, suffix):
    done = semimetric("suggest", "nowhere", "digits", option, "rows.txt")
    assert done.code == 2
    assert f"Invalid value for {option}: must end in {suffix}, got 'rows.txt'" in done.err
    missing = tmp_path / "nowhere" / f"rows{suffix}"
    done = semimetric("suggest", "nowhere", "digits", option, missing)
    assert (done.code, done.err) == (1, f"error: could not write {missing}: No such file or directory\n")
