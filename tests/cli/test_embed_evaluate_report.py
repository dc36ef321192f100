"""``embed``, ``evaluate`` and ``report``: what can be done with a finished run."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from semimetric import MetricEmbedder
from semimetric.runs import score

COLOUR = np.zeros((3, 8, 8, 3), np.float32)


def test_embeddings_are_those_of_transform_in_the_rows_order(semimetric, digits_run, digits, tmp_path):
    path, _ = digits_run
    done = semimetric("embed", path, "digits", "--out", tmp_path / "z.npy", "--json", "-q")
    assert (done.code, done.err) == (0, "")
    assert done.json == {"rows": 599, "latent_dim": 4, "split": "test", "out": str(tmp_path / "z.npy")}
    Z = np.load(tmp_path / "z.npy")
    assert Z.dtype == np.float32
    assert np.array_equal(Z, MetricEmbedder.load(path / "model").transform(digits.X_test))


def test_the_split_can_be_chosen(semimetric, digits_run, digits, tmp_path):
    path, _ = digits_run
    done = semimetric("embed", path / "model", "digits", "--split", "train", "--out", tmp_path / "z.npy")
    assert done.out == f"1,198 rows (train) in 4 dimensions: {tmp_path / 'z.npy'}\n"
    expected = MetricEmbedder.load(path / "model").transform(digits.X_train)
    assert np.array_equal(np.load(tmp_path / "z.npy"), expected)
    for command in (["embed", path, "digits", "--out", tmp_path / "z.npy"], ["evaluate", path, "digits"]):
        done = semimetric(*command, "--split", "val")
        assert (done.code, done.out) == (2, "")
        assert done.err == "error: digits has no split 'val'; it has train, test\n"


def test_data_without_splits_are_embedded_whole(semimetric, vector_run, vectors, vector_file, tmp_path):
    path, _ = vector_run
    done = semimetric("embed", path, vector_file, "--out", tmp_path / "z.npy", "--json")
    assert (done.json["rows"], done.json["split"]) == (90, "all")
    assert np.array_equal(np.load(tmp_path / "z.npy"), MetricEmbedder.load(path / "model").transform(vectors[0]))
    np.save(tmp_path / "rows.npy", vectors[0][::-1])
    semimetric("embed", path, tmp_path / "rows.npy", "--out", tmp_path / "reversed.npy")
    assert np.array_equal(np.load(tmp_path / "reversed.npy"), np.load(tmp_path / "z.npy")[::-1])


def test_an_output_that_cannot_be_written_is_told_before_the_work(semimetric, digits_run, tmp_path):
    path, _ = digits_run
    missing, folder = tmp_path / "nowhere" / "z.npy", tmp_path / "folder.npy"
    folder.mkdir()
    for out, why in ((missing, f"there is no folder {missing.parent}"), (folder, "Is a directory")):
        done = semimetric("embed", path, "digits", "--out", out)
        assert (done.code, done.out, done.err) == (1, "", f"error: could not write {out}: {why}\n")
        done = semimetric("evaluate", path, "digits", "--out", out)
        assert (done.code, done.out, done.err) == (1, "", f"error: could not write {out}: {why}\n")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_full_disk_leaves_no_half_of_the_embeddings(semimetric, digits_run, small_disk):
    (small_disk / "old").write_bytes(bytes(58_000))
    (small_disk / "z.npy").write_bytes(b"old")
    done = semimetric("embed", digits_run[0], "digits", "--split", "train", "--out", small_disk / "z.npy", "-q")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: could not write {small_disk / 'z.npy'}: No space left on device\n"
    assert (small_disk / "z.npy").read_bytes() == b"old"
    assert len(list(small_disk.iterdir())) == 2


@pytest.mark.parametrize("there_before", [True, False])
def test_ctrl_c_leaves_no_half_of_the_embeddings(semimetric, vector_run, vectors, tmp_path, monkeypatch, there_before):
    np.save(tmp_path / "rows.npy", vectors[0])
    out = tmp_path / "z.npy"
    if there_before:
        out.write_bytes(b"old")

    def half(embedder, X, out):
        assert isinstance(X, np.memmap)
        assert isinstance(out, np.memmap)
        out[:45] = 1
        raise KeyboardInterrupt

    monkeypatch.setattr(MetricEmbedder, "transform", half)
    done = semimetric("embed", vector_run[0], tmp_path / "rows.npy", "--out", out)
    assert (done.code, done.out, done.err) == (1, "", "interrupted\n")
    assert {entry.name for entry in tmp_path.iterdir()} == {"rows.npy"} | ({"z.npy"} if there_before else set())
    assert not there_before or out.read_bytes() == b"old"


def test_what_is_read_or_kept_is_not_written_over(semimetric, vector_run, vectors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, X, y = vector_run[0], *vectors
    np.save("rows.npy", X)
    Path("labels.csv").write_text("\n".join(map(str, y)))
    columns = ",".join(f"x{number}" for number in range(X.shape[1]))
    np.savetxt("rows.csv", X, delimiter=",", header=columns, comments="")
    os.symlink("rows.csv", "link.csv")
    before = {path: path.read_bytes() for path in (*tmp_path.iterdir(), *run.rglob("*")) if path.is_file()}
    for arguments, out, source in (
        (["embed", run, "rows.npy"], "rows.npy", "rows.npy"),
        (["predict", run, "rows.csv"], "rows.csv", "rows.csv"),
        (["predict", run, "rows.csv"], "link.csv", "rows.csv"),
        (["suggest", run, "rows.npy", "--labels-file", "labels.csv"], "labels.csv", "labels.csv"),
    ):
        done = semimetric(*arguments, "--out", out)
        told = f"error: {out} would take the place of data, of {source}: choose another file to write to\n"
        assert (done.code, done.out, done.err) == (2, "", told)
    for model, out in ((run, "config.json"), (run, "metrics.json"), (run / "model", "scores.json")):
        done = semimetric("evaluate", model, "rows.npy", "--labels-file", "labels.csv", "--out", model / out)
        told = (
            f"error: {model / out} is, or would lie among, the files of the run {model}: choose another file to write"
        )
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(told)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_run_s_directory_takes_other_files(semimetric, vector_run, vector_file):
    out = vector_run[0] / "classes.csv"
    assert semimetric("predict", vector_run[0], vector_file, "--out", out, "-q").code == 0
    out.unlink()


def test_embeddings_go_to_npy_only(semimetric, digits_run):
    done = semimetric("embed", digits_run[0], "digits", "--out", "z.txt")
    assert done.code == 2
    assert "Invalid value for --out: must end in .npy, got 'z.txt'" in done.err


def test_evaluate_repeats_the_scores_of_the_run(semimetric, digits_run, tmp_path):
    path, fitted = digits_run
    done = semimetric("evaluate", path, "digits", "--json", "-q", "--out", tmp_path / "scores.json")
    assert (done.code, done.err) == (0, "")
    scores = done.json
    assert (scores.pop("split"), scores.pop("rows")) == ("test", 599)
    assert scores == {key: fitted.json[key] for key in scores}
    assert len(scores) > 20
    assert json.loads((tmp_path / "scores.json").read_text()) == scores


def test_evaluate_warns_of_rows_that_were_trained_on(semimetric, vector_run, vector_file, vectors, tmp_path):
    path, _ = vector_run
    done = semimetric("evaluate", path, vector_file, "-q")
    assert done.code == 0
    assert done.out.startswith(f"{path} on {vector_file} (all, 90 rows)\n")
    assert done.err == "warning: the model was fitted on these rows, or on some of them: its scores flatter it\n"
    np.savez(tmp_path / "new.npz", X=vectors[0] + 1, y=vectors[1])
    done = semimetric("evaluate", path, tmp_path / "new.npz", "-q", "--json")
    assert (done.code, done.err) == (0, "")
    _, expected = score(MetricEmbedder.load(path / "model"), vectors[0] + 1, vectors[1])
    assert {key: done.json[key] for key in expected} == expected


def test_evaluate_says_how_many_rows_are_scored(semimetric, vector_run, vectors, tmp_path):
    X, y = vectors
    np.savez(tmp_path / "partly.npz", X=X, y=np.where(np.arange(90) < 40, y, -1))
    np.savez(tmp_path / "all.npz", X=np.tile(X, (2, 1)), y=np.tile(y, 2))
    few, many = (semimetric("evaluate", vector_run[0], tmp_path / f"{name}.npz", "-q") for name in ("partly", "all"))
    assert few.out.splitlines()[1].split()[:3] == ["40", "rows", "scored"]
    assert few.out.endswith("Scores of only 40 rows: each is worth 0.025 of accuracy, of a probe twice that.\n")
    assert many.out.splitlines()[1].split()[:3] == ["180", "rows", "scored"]
    assert "Scores of only" not in many.out


def test_rows_of_classes_without_a_label_are_told_of(semimetric, vector_run, vectors, tmp_path):
    X, y = vectors
    known = MetricEmbedder.load(vector_run[0] / "model").classes_
    strange = np.where(np.arange(90) < 7, known.max() + 1, y)
    strange[:2] += 1
    np.savez(tmp_path / "new.npz", X=np.tile(X, (2, 1)), y=np.tile(strange, 2))
    done = semimetric("evaluate", vector_run[0], tmp_path / "new.npz", "-q")
    assert done.out.splitlines()[-1] == (
        "14 of the 180 rows are of classes without a label in the fit, which are never predicted: 3, 4."
    )
    np.savez(tmp_path / "split.npz", X=X, y=y, X_test=X, y_test=strange)
    fitted = semimetric("fit", tmp_path / "split.npz", "--epochs", 1, "--out", tmp_path / "run", "-q")
    told = "7 of the 90 rows are of classes without a label in the fit, which are never predicted: 3, 4."
    assert told in fitted.out
    assert told in (tmp_path / "run" / "report.html").read_text()
    assert (
        "never predicted" not in semimetric("evaluate", vector_run[0], tmp_path / "split.npz", "--split", "train").out
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("rows.npy", "give --labels-file"),
        ("rows.npz", "add an array y (y_test, of X_test)"),
        ("rows.csv", "name their column by --label-column"),
    ],
)
def test_evaluate_says_where_labels_are_to_be(semimetric, vector_run, vectors, tmp_path, name, advice):
    X, file = vectors[0], tmp_path / name
    np.save(tmp_path / "rows.npy", X)
    np.savez(tmp_path / "rows.npz", X=X)
    columns = ",".join(f"x{number}" for number in range(X.shape[1]))
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header=columns, comments="")
    done = semimetric("evaluate", vector_run[0], file)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {file} (all) has no labels to score against: {advice}\n"


def test_evaluate_takes_the_labels_of_a_file(semimetric, vector_run, vectors, tmp_path):
    np.save(tmp_path / "rows.npy", vectors[0])
    np.save(tmp_path / "labels.npy", vectors[1])
    done = semimetric("evaluate", vector_run[0], tmp_path / "rows.npy", "--labels-file", tmp_path / "labels.npy", "-q")
    assert done.code == 0


def test_data_of_another_shape_are_refused(semimetric, digits_run, vector_run, vectors, tmp_path):
    np.save(tmp_path / "narrow.npy", vectors[0][:, :4])
    np.save(tmp_path / "colour.npy", COLOUR)
    for (path, _), data, told in (
        (vector_run, "narrow.npy", "X has 4 features, but MetricEmbedder is expecting 6 features as input."),
        (
            digits_run,
            "colour.npy",
            "X has rows of shape (8, 8, 3), read as (3, 8, 8), but the model was fitted on (1, 8, 8)",
        ),
    ):
        done = semimetric("embed", path, tmp_path / data, "--out", tmp_path / "z.npy")
        assert (done.code, done.out, done.err) == (2, "", f"error: {told}\n")
        assert not (tmp_path / "z.npy").exists()


def test_report_is_made_anew(semimetric, vector_run, tmp_path):
    run = shutil.copytree(vector_run[0], tmp_path / "run")
    first = (run / "report.html").read_bytes()
    for old in (run / "report.html", run / "latent.png"):
        old.unlink()
    done = semimetric("report", run, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["report"] == str(run / "report.html")
    assert done.json["pictures"] == sorted(str(picture) for picture in run.glob("*.png"))
    assert len(done.json["pictures"]) >= 5
    assert len((run / "report.html").read_bytes()) == pytest.approx(len(first), rel=0.01)
    done = semimetric("report", run)
    assert done.out == f"Report: {run / 'report.html'}\n"


# Damage --------------------------------------------------------------------------------------------


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def remove(file):
    shutil.rmtree(file) if file.is_dir() else file.unlink()


READ_BY_REPORT = ("config.json", "metrics.json", "history.csv", "embedding.npz")


@pytest.fixture
def run(vector_run, tmp_path):
    return shutil.copytree(vector_run[0], tmp_path / "run", ignore=shutil.ignore_patterns("*.png", "*.html"))


@pytest.mark.parametrize("name", READ_BY_REPORT)
def test_report_names_the_file_that_is_missing_or_damaged(semimetric, run, name):
    truncate(run / name)
    done = semimetric("report", run, "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {run / name} is damaged: ")
    assert done.err.count("\n") == 1
    (run / name).write_bytes(b"")
    done = semimetric("report", run, "-q")
    assert (done.code, done.err[: len(str(run / name)) + 20]) == (2, f"error: {run / name} is damaged: ")
    remove(run / name)
    done = semimetric("report", run, "-q")
    assert (done.code, done.err) == (2, f"error: {run} is not a finished run: {name} is missing\n")
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("harm", "name", "told"),
    [
        (remove, "model", "there is no saved model at {run}/model"),
        (remove, "model/model.json", "{run}/model is not a saved model: model.json is missing"),
        (remove, "model/weights.safetensors", "{run}/model is not a whole saved model: weights.safetensors is missing"),
        (truncate, "model/model.json", "{run}/model/model.json is damaged: "),
        (
            truncate,
            "model/weights.safetensors",
            "{run}/model/weights.safetensors is damaged or truncated: its content does not match the model's checksum",
        ),
        (truncate, "config.json", "{run}/config.json is damaged: "),
    ],
)
def test_embed_and_evaluate_say_what_is_wrong_with_the_model(semimetric, run, vector_file, tmp_path, harm, name, told):
    harm(run / name)
    for command in (["embed", run, vector_file, "--out", tmp_path / "z.npy"], ["evaluate", run, vector_file]):
        done = semimetric(*command, "-q")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {told.format(run=run)}")
        assert done.err.count("\n") == 1
    assert not (tmp_path / "z.npy").exists()


@pytest.mark.parametrize("command", ["report", "embed", "evaluate"])
def test_a_run_that_is_not_finished_is_no_run_yet(semimetric, run, vector_file, tmp_path, command):
    (run / "config.json").write_text('{"stopped": "running"}')
    more = {"report": [], "embed": [vector_file, "--out", tmp_path / "z.npy"], "evaluate": [vector_file]}
    done = semimetric(command, run, *more[command], "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {run} is not a finished run: it is still being fitted, or was killed; "
        "if killed, go on with it by --resume\n"
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["report", "nowhere"], "nowhere is not a run directory: there is no such folder"),
        (["embed", "nowhere", "digits", "--out", "z.npy"], "there is no saved model at nowhere"),
        (["evaluate", "nowhere", "digits"], "there is no saved model at nowhere"),
    ],
)
def test_a_run_that_is_not_there(semimetric, command, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = semimetric(*command)
    assert (done.code, done.out, done.err) == (2, "", f"error: {told}\n")


def test_a_dataset_s_name_typed_wrongly(semimetric, digits_run, tmp_path):
    done = semimetric("embed", digits_run[0], "digitz", "--out", tmp_path / "z.npy")
    assert done.code == 2
    assert done.err.startswith("error: unknown dataset 'digitz': did you mean 'digits'? Known: bloodmnist, ")
