"""Names, places and the arguments of load_dataset."""

import dataclasses
import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from semimetric.data import Dataset, catalog, list_datasets, load_dataset
from semimetric.data.dataset import hold_out
from semimetric.data.download import RemoteFile, cache_dir
from semimetric.errors import DataError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SEMIMETRIC_DATA", raising=False)
    # Where XDG means nothing, and in case the above does not reach platformdirs.
    monkeypatch.setattr("semimetric.data.download.cache_dir", lambda: tmp_path / "cache" / "semimetric")


def place(folder: Path, n: int = 20) -> None:
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        images = bytes([0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(n * 28 * 28)
        labels = bytes([0, 0, 8, 1, 0, 0, 0, n]) + bytes(i % 10 for i in range(n))
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def test_digits_are_split_the_same_way_every_time():
    d = load_dataset("digits")
    assert (d.X_train.shape, d.X_test.shape) == ((1198, 8, 8), (599, 8, 8))
    assert d.X_train.dtype == np.float32
    assert (d.X_train.min(), d.X_train.max()) == (0.0, 1.0)
    assert (d.y_test == load_dataset("digits").y_test).all()
    whole = np.bincount(np.concatenate([d.y_train, d.y_test]))
    assert np.abs(np.bincount(d.y_test) - whole / 3).max() < 1


@pytest.mark.parametrize(
    ("name", "near"), [("mnits", "'mnist'"), ("organmnist", "'organamnist'"), ("MNIST", "'mnist'")]
)
def test_an_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(DataError, match=rf"unknown dataset '{name}': did you mean .*{near}.*Known: bloodmnist,"):
        load_dataset(name)


@pytest.mark.parametrize("path", ["absent.npz", "some/where", "~/absent", Path("mnist.npz")])
def test_a_path_that_is_not_there(path):
    with pytest.raises(DataError, match=r"no file or folder at .* is not a dataset's name"):
        load_dataset(path)


def test_data_dir_goes_before_the_variable_and_the_variable_before_the_cache(tmp_path, monkeypatch):
    given, variable, cache = tmp_path / "given", tmp_path / "variable", tmp_path / "cache" / "semimetric"
    for root in (given, variable, cache):
        place(root / "mnist")
    monkeypatch.setenv("SEMIMETRIC_DATA", str(variable))
    assert load_dataset("mnist", given).source == str(given / "mnist")
    assert load_dataset("mnist").source == str(variable / "mnist")
    monkeypatch.setenv("SEMIMETRIC_DATA", "")
    assert load_dataset("mnist").source == str(cache / "mnist")


def test_a_read_only_local_copy_is_read_and_nothing_is_written(tmp_path):
    place(tmp_path / "data" / "mnist")
    files = sorted((tmp_path / "data").rglob("*"))
    for path in [tmp_path / "data", *files]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert len(load_dataset("mnist", tmp_path / "data").X_train) == 20
    assert sorted((tmp_path / "data").rglob("*")) == files
    assert not (tmp_path / "cache").exists()


def test_without_download_it_says_where_it_looked_and_what_to_do(tmp_path):
    place(tmp_path / "mnist")
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path, download=False)
    message = str(caught.value)
    for part in (
        *(str(tmp_path / "mnist"), str(tmp_path / "cache" / "semimetric" / "mnist")),
        *("t10k-labels-idx1-ubyte.gz", "--data-dir", "SEMIMETRIC_DATA", "download=False"),
    ):
        assert part in message


def test_a_data_dir_that_is_no_folder(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"data_dir='.*absent' is not a folder; give the folder that holds mnist/"):
        load_dataset("mnist", tmp_path / "absent")
    monkeypatch.setenv("SEMIMETRIC_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"SEMIMETRIC_DATA='.*gone' is not a folder"):
        load_dataset("mnist")
    assert load_dataset("digits").name == "digits"  # needs no files


def test_download_into_the_cache_and_then_from_there(tmp_path, monkeypatch):
    place(tmp_path / "published")
    entry = catalog._ENTRIES["mnist"]
    files = tuple(
        RemoteFile(file.name, hashlib.md5(path.read_bytes()).hexdigest(), (path.as_uri(),))
        for file in entry.files
        for path in [tmp_path / "published" / file.name]
    )
    monkeypatch.setitem(catalog._ENTRIES, "mnist", dataclasses.replace(entry, files=files))
    d = load_dataset("mnist")
    assert d.source == str(tmp_path / "cache" / "semimetric" / "mnist")
    for path in (tmp_path / "published").iterdir():
        path.unlink()
    assert (load_dataset("mnist", download=False).y_train == d.y_train).all()
    row = next(row for row in list_datasets() if row.name == "mnist")
    assert row.local == d.source


def test_no_network(tmp_path, monkeypatch):
    entry = catalog._ENTRIES["mnist"]
    files = tuple(dataclasses.replace(file, urls=("http://127.0.0.1:9/file",)) for file in entry.files)
    monkeypatch.setitem(catalog._ENTRIES, "mnist", dataclasses.replace(entry, files=files))
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DataError, match=r"(?s)mnist could not be downloaded: .*no connection.*--data-dir"):
        load_dataset("mnist")


@pytest.mark.parametrize(
    "argument",
    [{"labels_file": "y.csv"}, {"label_column": "y"}, {"image_size": 8}, {"test_share": 0.3}],
)
def test_arguments_for_files_do_not_apply_to_named_datasets(argument):
    with pytest.raises(ValueError, match=rf"{next(iter(argument))}=.* does not apply to 'digits'"):
        load_dataset("digits", **argument)


def test_the_list_says_what_is_at_hand(tmp_path):
    rows = {row.name: row for row in list_datasets(tmp_path / "absent")}
    assert len(rows) == 14
    assert "chestmnist" not in rows
    assert [name for name, row in rows.items() if row.local] == ["digits"]
    assert (rows["mnist"].train, rows["mnist"].val, rows["mnist"].test) == (60000, None, 10000)
    place(tmp_path / "fashion-mnist")
    rows = {row.name: row for row in list_datasets(tmp_path)}
    assert rows["fashion-mnist"].local == str(tmp_path / "fashion-mnist")
    assert rows["mnist"].local is None


def test_a_dataset_shows_its_splits_and_not_its_pixels():
    d = Dataset("mine", np.zeros((5, 2)), np.array([1, -1, -1, 0, 2]), X_val=np.zeros((3, 2)))
    assert repr(d) == "Dataset('mine', train 5 × (2,), 3 labelled, val 3, source='')"
    with pytest.raises(dataclasses.FrozenInstanceError):
        d.name = "yours"


def test_hold_out_is_in_proportion_and_leaves_every_class_a_row():
    y = np.array([0] * 100 + [1] * 50 + [2] * 5 + [3] + [-1] * 40)
    rest, test = hold_out(y, 0.2, seed=1)
    assert sorted([*rest, *test]) == list(range(len(y)))
    assert np.bincount(y[test]).tolist() == [20, 10, 1]
    assert set(y[rest]) == {0, 1, 2, 3, -1}
    assert (hold_out(y, 0.2, seed=1)[1] == test).all()
    assert (hold_out(y, 0.2, seed=2)[1] != test).any()
    rest, test = hold_out(y, 0.999)
    assert set(y[rest]) == {0, 1, 2, 3, -1}
    # 2.5 + 0.25 rows are 3: the third is of class 0, for class 1 cannot spare its only one.
    assert hold_out(np.array([0] * 10 + [1]), 0.25)[1].max() < 10
    assert len(hold_out(np.array([0] * 10 + [1]), 0.25)[1]) == 3
    for share in (-0.1, 1, float("nan")):
        with pytest.raises(ValueError, match=r"test_share=.* must be at least 0 and below 1"):
            hold_out(y, share)


def test_the_cache_is_the_platforms():
    assert cache_dir().name == "semimetric"


def test_the_import_is_cheap():
    code = "import semimetric.data, sys; print([m for m in %r if m in sys.modules])"
    heavy = ["torch", "sklearn", "scipy", "PIL", "pyarrow", "rich", "platformdirs"]
    ran = subprocess.run([sys.executable, "-c", code % heavy], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
