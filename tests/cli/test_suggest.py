"""``suggest``: the rows to label next, as text, JSON, table and picture. ``predict``: what every row is."""

import csv
import json

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
    assert done.err == "error: n must be between 1 and the 1148 rows that are left to suggest, got 1149\n"


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
    columns = (found[key] for key in ("rows", "predicted", "probability", "second", "second_probability"))
    for line, row, name, share, second, rest in zip(lines, *columns, strict=True):
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
    assert header == ["row", "predicted", "probability", "second", "second_probability"]
    columns = zip(*(found["rows" if name == "row" else name] for name in header), strict=True)
    assert rows == [["" if value is None else str(value) for value in line] for line in columns]
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
    header = "row,predicted,probability,second,second_probability\n"
    assert out.read_text() == header + "".join(f"{row},,,,\n" for row in done.json["rows"])
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
    assert (done.code, done.err) == (1, f"error: could not write {missing}: there is no folder {missing.parent}\n")


@pytest.fixture(scope="module")
def pictures(semimetric, tmp_path_factory, digits):
    """A folder of images of two classes, one of them under a name that Rich would read as colour, and a run on it."""
    folder = tmp_path_factory.mktemp("pictures") / "mine"
    for name, code in (("zero", 0), ("[red]one", 1)):
        for place, row in enumerate(np.flatnonzero(digits.y_train == code)[:25]):
            file = folder / (name if place < 8 else "unlabelled") / f"{name[-2:]}-{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((digits.X_train[row] * 15).astype(np.uint8)).save(file)
    run = folder.parent / "run"
    done = semimetric("fit", folder, "--epochs", 1, "--latent-dim", 2, "--out", run, "-q")
    assert done.code == 0, done.err
    return folder, run


def test_rows_of_a_folder_of_images_are_named_by_their_files(semimetric, pictures, tmp_path):
    folder, run = pictures
    out = tmp_path / "rows.csv"
    found = semimetric("suggest", run, folder, "-n", 5, "--out", out, "--json", "-q").json
    assert len(set(found["files"])) == 5
    assert all(file.startswith("unlabelled/") and (folder / file).exists() for file in found["files"])
    with out.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["row", "file", "predicted", "probability", "second", "second_probability"]
    assert [row[1] for row in rows] == found["files"]
    shown = semimetric("suggest", run, folder, "-n", 5, "-q", width=120).out
    assert shown.splitlines()[1].split() == ["row", "file", "predicted", "probability", "second", "probability"]
    assert all(f" {file} " in shown for file in found["files"])


def test_no_picture_is_put_among_those_of_the_data(semimetric, pictures):
    folder, run = pictures
    there = next((folder / "zero").iterdir())
    before = there.read_bytes()
    for picture in (there, folder / "new.png"):
        done = semimetric("suggest", run, folder, "-n", 5, "--picture", picture, "-q")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {picture} would take the place of data, of {folder}: choose another file")
    assert there.read_bytes() == before


def test_evaluate_needs_folders_of_classes(semimetric, pictures, tmp_path):
    folder, run = pictures
    done = semimetric("evaluate", run, folder / "unlabelled", "-q")
    assert done.code == 2
    assert done.err.endswith("has no labels to score against: put the images into a subfolder for each class\n")


# predict ----------------------------------------------------------------------------------------------


def test_every_row_has_its_class_in_a_table(semimetric, partly_labelled, vectors, tmp_path):
    file, run, _ = partly_labelled
    out = tmp_path / "classes.csv"
    done = semimetric("predict", run, file, "--out", out, "-q")
    assert (done.code, done.err) == (0, "")
    with out.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["row", "predicted", "probability"]
    embedder = MetricEmbedder.load(run / "model")
    shares = embedder.predict_proba(vectors[0])
    assert [int(row) for row, _, _ in rows] == list(range(90))
    assert [name for _, name, _ in rows] == embedder.classes_[shares.argmax(axis=1)].tolist()
    assert [float(share) for _, _, share in rows] == shares.max(axis=1).tolist()
    title, _, _, *lines, last = done.out.splitlines()
    assert (title, last) == (f"90 rows (all) of {file}", f"Table: {out}")
    for line, name in zip(lines, embedder.classes_, strict=True):
        own = shares.max(axis=1)[embedder.classes_[shares.argmax(axis=1)] == name]
        assert " ".join(line.split()) == f"{name} {len(own)} {own.mean():.3f}"


def test_predictions_of_a_folder_name_its_files(semimetric, pictures, tmp_path):
    folder, run = pictures
    out = tmp_path / "classes.csv"
    done = semimetric("predict", run, folder, "--out", out, "--json", "-q")
    with out.open(newline="") as lines:
        _, *rows = csv.reader(lines)
    assert {row[1] for row in rows} == {file.relative_to(folder).as_posix() for file in folder.rglob("*.png")}
    assert (done.json["rows"], done.json["split"], done.json["out"]) == (50, "all", str(out))
    assert set(done.json["classes"]) == {"zero", "[red]one"}
    assert sum(done.json["classes"].values()) == 50


def test_mistakes_with_predict_are_told_and_leave_nothing(semimetric, digits_run, tmp_path, vectors, no_report):
    done = semimetric("predict", digits_run[0], "digits", "--out", tmp_path / "classes.txt")
    assert done.code == 2
    assert "must end in .csv" in done.err
    np.save(tmp_path / "rows.npy", vectors[0])
    run = tmp_path / "run"
    options = ["--preset", "autoencoder", "--epochs", 1, "--out", run, "-q"]
    assert semimetric("fit", tmp_path / "rows.npy", *options).code == 0
    done = semimetric("predict", run, tmp_path / "rows.npy", "--out", tmp_path / "classes.csv", "-q")
    assert (done.code, done.err) == (2, f"error: the model in {run} was fitted without labels: it knows no class\n")
    done = semimetric("predict", digits_run[0], tmp_path / "rows.npy", "--out", tmp_path / "classes.csv", "-q")
    assert done.code == 2
    assert not list(tmp_path.glob("classes.*"))


@pytest.fixture(scope="module")
def three_kinds(semimetric, tmp_path_factory):
    """Three clouds of 60 rows, the last without a label; what a run of "best" on them printed; and the run."""
    folder = tmp_path_factory.mktemp("three")
    kind = np.arange(180) % 3
    X = 6 * np.eye(6)[kind] + np.random.default_rng(0).normal(size=(180, 6))
    np.savez(folder / "rows.npz", X=X, y=np.where((kind < 2) & (np.arange(180) < 24), kind, -1))
    done = semimetric("fit", folder / "rows.npz", "--preset", "best", "--epochs", 9, "--out", folder / "run", "-q")
    assert done.code == 0, done.err
    return folder / "rows.npz", kind, done.out, folder / "run"


def test_rows_that_no_label_reached_are_told_and_shown(three_kinds):
    _, kind, printed, run = three_kinds
    assert "No label reaches 60 training rows in 1 cluster: of a class without a label, perhaps" in printed
    assert "semimetric predict with --split train all of them." in printed
    assert json.loads((run / "config.json").read_text())["n_unreached"] == 60
    X = np.load(run.parent / "rows.npz")["X"][kind == 2].astype(np.float32)
    with np.load(run / "embedding.npz") as arrays:
        assert arrays["cluster_sizes"].tolist() == [60]
        shown = arrays["cluster_inputs"]
    assert shown.shape == (1, 10, 6)
    assert len(np.unique(shown[0], axis=0)) == 10
    assert all((row == X).all(axis=1).any() for row in shown[0])
    Z = MetricEmbedder.load(run / "model").transform(np.concatenate([shown[0], X]))
    from_the_middle = np.linalg.norm(Z[:10] - Z[10:].mean(axis=0), axis=1)
    assert (np.diff(from_the_middle) > -1e-5).all()
    assert (run / "clusters.png").exists()


@pytest.fixture(scope="module")
def predicted(semimetric, three_kinds, tmp_path_factory):
    """What predict printed of the three clouds, as text and as JSON; the header and the rows of its table."""
    file, _, _, run = three_kinds
    out = tmp_path_factory.mktemp("predicted") / "classes.csv"
    done, machine = (semimetric("predict", run, file, "--out", out, "-q", *more) for more in ((), ("--json",)))
    assert (done.code, done.err, machine.code) == (0, "", 0)
    with out.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    return done.out, machine.json, header, rows


def test_their_like_are_told_by_predict(three_kinds, predicted):
    _, kind, _, _ = three_kinds
    printed, found, header, rows = predicted
    assert header == ["row", "predicted", "probability", "cluster"]
    assert [row[3] for row in rows] == np.where(kind == 2, "0", "").tolist()
    assert {row[1] for row in rows} == {"0", "1"}
    assert "60 rows in 1 cluster that no label reached (column cluster)" in printed
    assert found["clusters"] == {"0": 60}


def test_and_count_apart_from_the_sure_members_of_a_class(three_kinds, predicted):
    _, kind, _, _ = three_kinds
    printed, found, _, rows = predicted
    of_class = np.array([int(row[1]) for row in rows])
    share = np.array([float(row[2]) for row in rows])
    _, header, _, *lines = printed.splitlines()
    assert " ".join(header.split()) == "predicted rows of them in clusters others' mean probability"
    for code, line in zip((0, 1), lines, strict=False):
        mine, beyond = of_class == code, (of_class == code) & (kind == 2)
        sure = share[mine & ~beyond].mean()
        assert not beyond.any() or abs(sure - share[mine].mean()) > 5e-4
        assert " ".join(line.split()) == f"{code} {mine.sum()} {beyond.sum()} {sure:.3f}"
        assert found["classes"][str(code)] == mine.sum()
        assert found["in_clusters"][str(code)] == beyond.sum()
        assert found["mean_probability"][str(code)] == pytest.approx(sure)


def test_a_class_of_which_all_rows_are_in_clusters_has_no_mean(semimetric, three_kinds, tmp_path):
    file, kind, _, run = three_kinds
    np.save(tmp_path / "rows.npy", np.load(file)["X"][kind == 2])
    done = semimetric("predict", run, tmp_path / "rows.npy", "--out", tmp_path / "c.csv", "--json", "-q")
    assert done.json["mean_probability"] == {"0": None, "1": None}
    assert sum(done.json["in_clusters"].values()) == 60


def test_rows_are_embedded_once(semimetric, three_kinds, tmp_path, monkeypatch):
    file, _, _, run = three_kinds
    times, transform = [], MetricEmbedder.transform
    monkeypatch.setattr(MetricEmbedder, "transform", lambda self, X: (times.append(len(X)), transform(self, X))[1])
    assert semimetric("predict", run, file, "--out", tmp_path / "classes.csv", "-q").code == 0
    assert times == [180]


def test_of_a_suggested_row_it_is_said_that_no_label_reached_it(semimetric, three_kinds, tmp_path):
    file, kind, _, run = three_kinds
    out = tmp_path / "rows.csv"
    found = semimetric("suggest", run, file, "-n", 5, "--out", out, "--json", "-q").json
    assert kind[found["rows"][0]] == 2
    assert found["cluster"] == [0 if kind[row] == 2 else None for row in found["rows"]]
    with out.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header[-1] == "cluster"
    assert [row[-1] for row in rows] == ["" if cluster is None else str(cluster) for cluster in found["cluster"]]
    _, header, _, first, *_ = semimetric("suggest", run, file, "-n", 5, "-q").out.splitlines()
    assert header.split()[-1] == "cluster"
    assert first.split()[-1] == "0"
    done = semimetric("suggest", run, file, "-n", 5, "--picture", tmp_path / "s.png", "-q")
    assert (done.code, done.err) == (0, "")
