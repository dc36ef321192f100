"""A user's own arrays, good ones and all the ways in which they can be wrong."""

import numpy as np
import pytest

from semimetric.data import load_dataset
from semimetric.errors import DataError

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20) % 2


def test_a_value_that_is_none_is_told_by_its_row_in_the_file(tmp_path):
    X, path = np.random.default_rng(0).normal(size=(40, 3)), tmp_path / "mine.npz"
    X[[31, 35], 1] = np.nan
    np.savez(path, X=X, y=np.arange(40) % 2)
    with pytest.raises(DataError, match=r"mine.npz: X contains NaN in row 31: remove the row or fill the value in"):
        load_dataset(path)
    assert len(load_dataset(path, test_share=0).X_train) == 40  # the fit tells it: rows are not dealt out


def test_npz_all_labelled_holds_out_a_fifth(tmp_path):
    np.savez(tmp_path / "mine.npz", X=X, y=Y)
    d = load_dataset(tmp_path / "mine.npz")
    assert (len(d.X_train), len(d.X_test)) == (16, 4)
    assert np.bincount(d.y_test).tolist() == [2, 2]
    rows = np.concatenate([d.X_train, d.X_test])
    labels = np.concatenate([d.y_train, d.y_test])
    assert (labels == (rows[:, 0] / 3).astype(int) % 2).all()  # every row kept its own label
    assert set(rows[:, 0]) == set(X[:, 0])
    assert d.name == "mine"
    assert d.source == str(tmp_path / "mine.npz")
    assert (load_dataset(str(tmp_path / "mine.npz")).X_test == d.X_test).all()
    assert (load_dataset(tmp_path / "mine.npz", seed=5).X_test != d.X_test).any()


def test_npz_with_unlabelled_rows_has_no_test_split_unless_asked(tmp_path):
    y = np.where(np.arange(20) < 8, Y, -1)
    np.savez(tmp_path / "mine.npz", X=X, y=y)
    d = load_dataset(tmp_path / "mine.npz")
    assert d.X_test is None
    assert (d.y_train == y).all()
    d = load_dataset(tmp_path / "mine.npz", test_share=0.5)
    assert np.bincount(d.y_test).tolist() == [2, 2]
    assert len(d.X_train) == 16
    assert load_dataset(tmp_path / "mine.npz", test_share=0).X_test is None


def test_npz_with_its_own_splits_and_words(tmp_path):
    np.savez(
        tmp_path / "mine.npz",
        X=X,
        y=np.array(["b", ""] * 10),
        X_test=X[:1],
        y_test=["a"],
        X_val=X,
        y_val=["b"] * 20,
    )
    d = load_dataset(tmp_path / "mine.npz")
    assert d.class_names == ("a", "b")
    assert d.y_train.tolist() == [1, -1] * 10
    assert d.y_test.tolist() == [0]
    assert len(d.X_val) == 20
    with pytest.raises(ValueError, match=r"test_share=0.1 does not apply to .*mine.npz, which has a test split"):
        load_dataset(tmp_path / "mine.npz", test_share=0.1)


def test_npz_without_labels(tmp_path):
    np.savez(tmp_path / "mine.npz", X=X)
    assert (load_dataset(tmp_path / "mine.npz").y_train == -1).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"data": X}, "mine.npz holds data; expected arrays named X and y"),
        ({"X": X, "labels": Y}, "holds X, labels; expected arrays named X and y"),
        ({"X": X, "y": Y[:-1]}, "19 labels for 20 train rows"),
        ({"X": X, "y": np.array([None] * 20)}, "array y holds Python objects, which are not read because"),
        ({"X": np.array([[object()]]), "y": Y}, "array X holds Python objects"),
        ({"X": X, "y": Y + 0.5}, "row 0 has the label 0.5"),
        ({"X": X.astype(str), "y": Y}, "the train rows hold <U32 values; they must be numbers"),
        ({"X": X[:, 0], "y": Y}, r"the train rows have shape \(20,\)"),
        ({"X": X[:0], "y": Y[:0]}, r"the train rows have shape \(0, 3\)"),
        ({"X": X, "y": Y, "X_test": X}, "only one of X_test and y_test"),
        (
            {"X": X, "y": Y, "X_test": X[:, :2], "y_test": Y},
            r"test rows have shape \(2,\), training rows \(3,\)",
        ),
        ({"X": X, "y": Y, "X_val": X[:3], "y_val": Y}, "20 labels for 3 val rows"),
    ],
)
def test_npz_of_another_form(tmp_path, arrays, message):
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(DataError, match=rf"mine.npz.*{message}|{message}"):
        load_dataset(tmp_path / "mine.npz")


def test_damaged_npz(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, X=X, y=Y)
    whole = path.read_bytes()
    for content in (b"", b"rubbish", whole[: len(whole) // 2], whole[:60] + bytes(9) + whole[69:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"mine.npz.* is damaged or not"):
            load_dataset(path)
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "x.npy").rename(path)
    with pytest.raises(DataError, match=r"mine.npz holds a single array"):
        load_dataset(path)


def test_npy_is_mapped_not_read(tmp_path):
    np.save(tmp_path / "x.npy", X)
    d = load_dataset(tmp_path / "x.npy")
    assert isinstance(d.X_train, np.memmap)
    assert (d.y_train == -1).all()
    assert d.X_test is None


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".txt"])
def test_npy_with_a_file_of_labels(tmp_path, suffix):
    words = ["cat", "dog, old", "", "-1"] * 5
    np.save(tmp_path / "x.npy", X)
    labels = tmp_path / f"labels{suffix}"
    if suffix == ".npy":
        np.save(labels, np.array(words))
    else:
        quoted = [f'"{word}"' if suffix == ".csv" and word else word for word in words]
        labels.write_text("\n".join(quoted) + "\n")
    d = load_dataset(tmp_path / "x.npy", labels_file=labels)
    assert d.class_names == ("cat", "dog, old")
    assert d.y_train.tolist() == [0, 1, -1, -1] * 5


def test_numbers_in_a_text_file_are_integers(tmp_path):
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.txt").write_text("\n".join(["7", "-1", "3", ""] * 5) + "\n")
    d = load_dataset(tmp_path / "x.npy", labels_file=tmp_path / "y.txt")
    assert d.class_names is None
    assert d.y_train.tolist() == [7, -1, 3, -1] * 5


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["label", *["0"] * 20], "line 1 is 'label', the other labels are numbers; if it is a heading, remove it"),
        (["label", *["cat"] * 20], "holds 21 labels but .* holds 20 rows; remove its first line if that is a "),
        (["label", *["cat"] * 19, '""'], "holds 21 labels but .* holds 20 rows; remove its first line if that"),
        (["0", *["1"] * 19, "", ""], "holds 21 labels but .* holds 20 rows; remove its first line if that"),
        (["0"] * 18, "holds 18 labels but .* holds 20 rows$"),
        (["0,1"] * 20, "line 1 has 2 columns"),
    ],
)
def test_a_file_of_labels_of_another_form(tmp_path, lines, message):
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path / "x.npy", labels_file=tmp_path / "y.csv")


def test_labels_file_that_is_missing_or_of_another_kind(tmp_path):
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(DataError, match=r"labels_file='.*absent.csv' was not found"):
        load_dataset(tmp_path / "x.npy", labels_file=tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"labels_file='.*' must be a .npy, or a .csv or .txt"):
        load_dataset(tmp_path / "x.npy", labels_file=__file__)


def test_damaged_npy(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([None]), allow_pickle=True)
    with pytest.raises(DataError, match=r"x.npy holds Python objects, which are not read because"):
        load_dataset(path)
    np.save(path, X)
    whole = path.read_bytes()
    for content in (
        b"",
        b"rubbish",
        b"\x80\x04N.",
        whole[:50],
        whole[:-5],
        whole.replace(b"20, 3)", b"20, 3}"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"x.npy is damaged or not in NumPy's format"):
            load_dataset(path)


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("x.npy", {"label_column": "y"}, r"label_column='y' does not apply to .*x.npy; it is for .parquet and .csv"),
        ("x.npz", {"labels_file": "y.csv"}, r"labels_file='y.csv' does not apply to .*; it is for .npy"),
        ("x.npz", {"image_size": 8}, "image_size='8' does not apply to .*; it is for a folder of images"),
        ("x.npz", {"test_share": 1.5}, "test_share=1.5 must be at least 0 and below 1"),
        ("x.npz", {"test_share": 0.01}, "test_share=0.01 of 20 labelled rows in .* is less than one row"),
    ],
)
def test_arguments_that_do_not_apply(tmp_path, name, argument, message):
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", X=X, y=Y)
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path / name, **argument)


def test_a_file_of_no_known_kind():
    with pytest.raises(DataError, match=r"test_files.py is of no known kind; give a .npz"):
        load_dataset(__file__)
