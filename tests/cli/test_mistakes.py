"""What a user types wrongly: one sentence on standard error, exit code 2 (1 where the machine says no), no traces."""

import os

import numpy as np
import pytest

DATASETS = (
    "bloodmnist, breastmnist, dermamnist, digits, fashion-mnist, mnist, octmnist, organamnist, organcmnist, "
    "organsmnist, pathmnist, pneumoniamnist, retinamnist, tissuemnist"
)
PRESETS = (
    "autoencoder, best, best-fast, dml, dml-autoencoder, dml-gmm-prior, dml-unit-prior, joint-mvae, metric-vae, tvae, "
    "vae, vamp-vae"
)

CASES = [
    (["digitz"], f"unknown dataset 'digitz': did you mean 'digits'? Known: {DATASETS} (nor is there a file or folder "),
    (["mine.npz"], "no file or folder at {here}/mine.npz, and 'mine.npz' is not a dataset's name; "),
    (["digits", "--preset", "dmll"], f"unknown preset 'dmll': did you mean 'dml'? Known: {PRESETS}\n"),
    (["digits", "--preset", "umap"], f"unknown preset 'umap': known: {PRESETS}\n"),
    (["digits", "--latent-dim", "0"], "latent_dim must be a whole number of at least 1, got 0\n"),
    (["digits", "--alpha", "1.5"], "alpha must be above 0 and at most 1, got 1.5\n"),
    (["digits", "--alpha", "nan"], "alpha must be above 0 and at most 1, got nan\n"),
    (["digits", "--epochs", "-3"], "epochs must be a whole number of at least 1, or 'auto', got -3\n"),
    (["digits", "--seed", "-1"], "seed is -1; it must be a whole number from 0 to 2**32 − 1\n"),
    (
        ["digits", "--labels", "0"],
        "labels must be between 1 and the 1198 training rows of digits that have one, got 0\n",
    ),
    (
        ["digits", "--labels", "5000"],
        "labels must be between 1 and the 1198 training rows of digits that have one, got 5000\n",
    ),
    (["digits", "--percent", "0"], "percent=0.0 must be above 0 and at most 100\n"),
    (["digits", "--percent", "0.01"], "percent=0.01 of 1198 rows is less than one row; give at least 0.083\n"),
    (["digits", "--device", "tpu"], "device must be one of auto, cpu, cuda, mps or 'cuda:N', got 'tpu'\n"),
    (
        ["digits", "--augment", "swirl"],
        "unknown augmentation 'swirl': known: auto, corrupt, deform, flip, natural, none\n",
    ),
    (["digits", "--test-share", "0.5"], "test_share=0.5 does not apply to 'digits', which has its own labels and "),
    (["digits", "--labels-file", "y.csv"], "labels_file='y.csv' does not apply to 'digits', which has "),
    (["digits", "--resume", "--out", "{file}/run"], "could not write {file}/run/config.json: Not a directory\n"),
    (["digits", "--out", "{file}"], "{file} exists and is not a run directory: choose another --out\n"),
    (["digits", "--out", "{full}"], "{full} exists and is not a run directory: choose another --out\n"),
]


@pytest.mark.parametrize(("arguments", "told"), CASES, ids=[" ".join(arguments) for arguments, _ in CASES])
def test_fit_says_what_is_wrong_and_leaves_no_trace(semimetric, tmp_path, monkeypatch, arguments, told):
    places = {"here": tmp_path, "file": tmp_path / "file", "full": tmp_path / "full"}
    places["file"].write_text("precious")
    places["full"].mkdir()
    (places["full"] / "thesis.tex").write_text("precious")
    monkeypatch.chdir(tmp_path)
    done = semimetric("fit", *(part.format(**places) for part in arguments), "-q")
    assert done.out == ""
    assert done.err.startswith("error: " + told.format(**places))
    assert done.err.count("\n") == 1
    assert done.code == (1 if "could not write" in told else 2)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert files == ["file", "full", "full/thesis.tex"]


def test_a_nan_in_the_data_names_its_row_and_leaves_no_trace(semimetric, vectors, tmp_path):
    X = vectors[0].copy()
    X[7, 2] = np.nan
    np.savez(tmp_path / "mine.npz", X=X, y=np.where(np.arange(90) < 30, vectors[1], -1))
    done = semimetric("fit", tmp_path / "mine.npz", "--out", tmp_path / "runs" / "mine", "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: X contains NaN in row 7: remove the row or fill the value in\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]


def test_a_loss_that_is_not_finite_is_a_failure_and_leaves_no_trace(semimetric, vector_file, tmp_path):
    done = semimetric("fit", vector_file, "--learning-rate", 1e30, "--epochs", 2, "--out", tmp_path / "run", "-q")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: the loss is not finite in the first epoch: lower learning_rate, or look for extreme values in X\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_not_written_over(semimetric, vector_run, vector_file):
    path, _ = vector_run
    before = {file: file.stat().st_mtime_ns for file in path.iterdir()}
    done = semimetric("fit", vector_file, "--out", path)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {path} holds a run already: choose another --out, or replace it by --overwrite\n"
    assert {file: file.stat().st_mtime_ns for file in path.iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_directory_is_told_before_the_fit(semimetric, vector_file, tmp_path):
    tmp_path.chmod(0o500)
    done = semimetric("fit", vector_file, "--out", tmp_path / "run")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: could not write {tmp_path / 'run' / 'config.json'}: Permission denied\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["learn"], "No such command 'learn'."),
        (["fit"], "Missing argument 'DATA'."),
        (["fit", "digits", "--label", "3"], "No such option: --label"),
        (["fit", "digits", "--latent-dim", "ten"], "Invalid value for '--latent-dim': "),
        (["fit", "digits", "--epochs", "many"], "Invalid value for --epochs: must be a whole number or 'auto', got"),
        (["fit", "digits", "--labels", "3", "--percent", "1"], "Invalid value for --labels and --percent: give one"),
        (["fit", "digits", "--resume", "--overwrite"], "Invalid value for --resume and --overwrite: give one of them"),
        (["embed", "run", "digits"], "Missing option '--out'."),
    ],
)
def test_the_command_line_itself_is_checked(semimetric, arguments, told):
    done = semimetric(*arguments)
    assert done.code == 2
    assert told in done.out + done.err
    assert "Traceback" not in done.err


def test_a_bug_shows_its_traceback_instead_of_blaming_the_user(semimetric, vector_file, tmp_path, monkeypatch):
    monkeypatch.setattr("semimetric.data.catalog.read_user_data", lambda *_, **__: np.linalg.inv(np.zeros((2, 2, 3))))
    with pytest.raises(ValueError, match="square"):  # LinAlgError, which NumPy raised
        semimetric("fit", vector_file, "--out", tmp_path / "run")
