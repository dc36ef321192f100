"""A user's own tables, good ones and all the ways in which they can be wrong."""

import numpy as np
import pytest

from semimetric.data import load_dataset
from semimetric.data.tables import table_columns
from semimetric.errors import DataError

X = np.arange(60, dtype=np.float32).reshape(20, 3)


def write_table(path, **columns):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(tmp_path):
    path = write_table(
        tmp_path / "t.parquet",
        length=[1, 2, 3, 4],
        kind=["b", None, "a", "b"],
        flag=[True, False, True, True],
        __index_level_0__=[9, 8, 7, 6],
    )
    d = load_dataset(path, label_column="kind")
    np.testing.assert_array_equal(d.X_train, [[1, 1], [2, 0], [3, 1], [4, 1]])
    assert d.y_train.tolist() == [1, -1, 0, 1]
    assert d.class_names == ("a", "b")
    with pytest.raises(
        DataError, match=r"not numeric: kind; .*if one is the label, say so with label_column \(--label-column\)$"
    ):
        load_dataset(path)


def test_parquet_keeps_float32_and_integer_labels(tmp_path):
    import decimal

    path = write_table(tmp_path / "t.parquet", a=X[:, 0], b=X[:, 1], y=[3, None] * 10)
    d = load_dataset(path, label_column="y")
    assert d.X_train.dtype == np.float32
    assert (d.X_train == X[:, :2]).all()
    assert d.y_train.tolist() == [3, -1] * 10
    path = write_table(tmp_path / "t.parquet", a=[decimal.Decimal("1.5")], b=[2**40])
    assert load_dataset(path).X_train.tolist() == [[1.5, 2.0**40]]


@pytest.mark.parametrize(
    ("columns", "label_column", "message"),
    [
        ({"a": [1], "b": ["x"], "c": ["z"], "y": [0]}, "y", "t.parquet: not numeric: b, c; remove"),
        ({"a": [1], "y": [0]}, "label", "label_column='label' is not in .*its columns: a, y"),
        ({"y": [0]}, "y", "no feature columns, only y"),
        ({"a": [1.0], "y": [0.25]}, "y", "column 'y': row 0 has the label 0.25"),
        (
            {"a": [1, 2], "b": [None, True], "y": [None, 0]},
            None,
            r"t.parquet: null or NaN in some rows: b, y; fill in the values or remove the rows; if one is the label, "
            r"say so with label_column \(--label-column\)$",
        ),
        (
            {"a": [1, 2], "b": [float("nan"), 1.0], "y": [None, 0]},
            "y",
            "t.parquet: null or NaN in some rows: b; fill in the values or remove the rows$",
        ),
    ],
)
def test_parquet_of_another_form(tmp_path, columns, label_column, message):
    with pytest.raises(DataError, match=message):
        load_dataset(write_table(tmp_path / "t.parquet", **columns), label_column=label_column)


def test_damaged_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"t.parquet is damaged or not a Parquet file"):
        load_dataset(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'semimetric\[tables\]'"):
        load_dataset(tmp_path / "t.parquet")


# CSV --------------------------------------------------------------------------------------------------


def write_csv(folder, text):
    pytest.importorskip("pyarrow")
    path = folder / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv(tmp_path):
    text = '\ufeff,length,kind,flag\r\n7,1,b,true\r\n8,2.5,,false\r\n9,-3e2,NA,true\r\n10,4,"NA",true\r\n'
    d = load_dataset(write_csv(tmp_path, text), label_column="kind")  # an index, words, blanks, "NA" as a class
    np.testing.assert_array_equal(d.X_train, [[1, 1], [2.5, 0], [-300, 1], [4, 1]])
    assert d.y_train.tolist() == [1, -1, -1, 0]
    assert d.class_names == ("NA", "b")
    assert table_columns(tmp_path / "t.csv") == ["", "length", "kind", "flag"]


def test_csv_with_classes_as_numbers(tmp_path):
    path = write_csv(tmp_path, "a,y\n0.5,3\n1.5,\n2.5,-1\n")
    d = load_dataset(path, label_column="y")
    assert d.y_train.tolist() == [3, -1, -1]
    assert d.class_names is None


def test_what_pandas_writes_comes_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    values = np.random.default_rng(0).normal(size=(50, 3))
    frame = pandas.DataFrame(values, columns=["a", "b", "c"]).assign(kind=["x", None, "y", "x", None] * 10)
    frame.to_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        d = load_dataset(tmp_path / name, label_column="kind")
        np.testing.assert_array_equal(d.X_train, values)
        assert d.y_train.tolist() == [0, -1, 1, 0, -1] * 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv is damaged or not a CSV file: Empty CSV file"),
        ("a,y\n1\n", "t.csv is damaged or not a CSV file: .*Expected 2 columns, got 1"),
        ("a,y\n1,0,2\n", "Expected 2 columns, got 3"),
        ("a,y\n", r"the train rows have shape \(0, 1\)"),
        ("a,b,y\n1,x,0\n2,y,1\n", "not numeric: b; remove"),
        ("a,b,y\n1,,0\n2,NA,1\n", "null or NaN in some rows: b; fill in"),
        (b"a,b,y\n1,\xe9,0\n", "t.csv cannot be read as UTF-8 text in b; save it as UTF-8"),
        (b"a,b,y\n1,2,\xe9\n", "t.csv cannot be read as UTF-8 text in y; save it as UTF-8"),
        (b"a,caf\xe9,y\n1,2,0\n", "t.csv cannot be read as UTF-8 text: .*; save it as UTF-8"),
        ("a,,y\n1,5,0\n", "t.csv: column 2 has no name; name it or remove it"),
        ("a,y,\n1,0,\n", "t.csv: column 3 has no name"),
        ("5,0,0,3\n4,0,0,2\n", "called '0'; its first line holds numbers; if that is a row"),
        ("a,y\n1,99999999999999999999\n", "row 0 has the label 1000.*; use −1 for unlabelled, else 0 to 2"),
        ("a,y,a\n1,2,3\n", "more than one column called 'a'; rename or remove some"),
        ("0.5,y,0.5\n3,4,5\n", "called '0.5'; its first line holds numbers; if that is a row, put a line of columns' "),
        ("a;y\n1,5;2\n", "Expected 1 columns"),
        ("a;y\n1;2\n", "has one column, 'a;y'; separate columns by commas"),
        ("a\ty\n1\t2\n", "separate columns by commas"),
    ],
)
def test_csv_of_another_form(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load_dataset(write_csv(tmp_path, text), label_column="y")


@pytest.mark.parametrize("heading", ["5.1,3.5,1.4,0.2", "a,2,.5e-3,7", "+1,2,3,4", "1.,2,3,4", "1E5,2,3,4"])
def test_a_row_in_the_place_of_names_is_told_of(tmp_path, heading):
    path = write_csv(tmp_path, f"{heading}\n1,2,3,4\n")
    with pytest.warns(
        UserWarning, match="t.csv has columns called '.*': its first line holds numbers; if that is a row"
    ):
        assert load_dataset(path).X_train.tolist() == [[1, 2, 3, 4]]


def test_the_warning_is_of_the_line_that_loads(tmp_path):
    with pytest.warns(UserWarning, match="holds numbers") as told:
        load_dataset(write_csv(tmp_path, "0.5,1.5\n1,2\n"))
    assert [each.filename for each in told] == [__file__]


def test_a_heading_and_rows_of_more_than_a_megabyte(tmp_path):
    heading, row = (",".join(f"{i:030}{kind}" for i in range(40_000)) for kind in ("", ".5"))
    X = load_dataset(write_csv(tmp_path, f"{heading}\n{row}\n{row}\n")).X_train
    np.testing.assert_array_equal(X, [np.arange(40_000) + 0.5] * 2)


def test_whole_numbers_are_names(tmp_path):
    assert load_dataset(write_csv(tmp_path, ",0,1,2\n0,5,6,7\n")).X_train.tolist() == [[5, 6, 7]]


def test_a_column_without_a_name_is_no_index_in_parquet(tmp_path):
    with pytest.raises(DataError, match="column 1 has no name"):
        load_dataset(write_table(tmp_path / "t.parquet", **{"": [1], "a": [2]}))


def test_columns_of_one_name_in_parquet(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="more than one column called 'a'"):
        load_dataset(tmp_path / "t.parquet")
