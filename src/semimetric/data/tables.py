"""A user's own tables: ``.parquet`` and ``.csv``, a column of which may hold the labels."""

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.data.arrays import UNLABELLED
from semimetric.data.labels import encode_labels
from semimetric.errors import DataError

PARQUET, CSV = ".parquet", ".csv"
TABLES = (PARQUET, CSV)
LONGEST_LINE = 1 << 26  # bytes of a .csv, its heading among them
_PANDAS_INDEX = "__index_level_"  # as it is called in a .parquet; in a .csv it comes first, and has no name
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_TO_THE_CALLER = 5  # of load_dataset: what a warning is shown to be about


def read_table(path: Path, label_column: str | None) -> tuple[dict[str, np.ndarray], tuple[str, ...] | None]:
    """Read a table: ``label_column`` holds the labels, the other columns are the features.

    Returns
    -------
    splits : ``X_train`` (n, features) and ``y_train`` (n,), int64, −1 where a label is null
    class_names : of labels in words; else None
    """
    table = _read(path)
    import pyarrow as pa

    columns, types = _names(table.schema, path), pa.types
    _check_heading(path, columns)
    if label_column is not None and label_column not in columns:
        raise DataError(f"label_column={label_column!r} is not in {path}; its columns: {', '.join(columns)}")
    if path.suffix.lower() == CSV and (binary := [field.name for field in table.schema if types.is_binary(field.type)]):
        raise DataError(f"{path} cannot be read as UTF-8 text in {', '.join(binary)}; save it as UTF-8")
    names = [name for name in columns if name and name != label_column and not name.startswith(_PANDAS_INDEX)]
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    hint = "" if label_column is not None else "; if one is the label, say so with label_column (--label-column)"
    wrong = [name for name in names if not any(test(table.schema.field(name).type) for test in tests)]
    if wrong:
        raise DataError(
            f"{path}: not numeric: {', '.join(wrong)}; remove these columns or turn them into numbers{hint}"
        )
    if not names:
        raise DataError(f"{path} has no feature columns, only {', '.join(columns) or 'none at all'}")
    single = all(types.is_float32(table.schema.field(name).type) for name in names)
    X = np.empty((table.num_rows, len(names)), dtype=np.float32 if single else np.float64)
    for i, name in enumerate(names):
        column = table.column(name)
        if types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        X[:, i] = column.cast(pa.float64(), safe=False).to_numpy()  # null becomes NaN
    gaps = [name for name, values in zip(names, X.T, strict=True) if np.isnan(values).any()]
    if gaps:
        raise DataError(
            f"{path}: null or NaN in some rows: {', '.join(gaps)}; fill in the values or remove the rows{hint}"
        )
    if label_column is None:
        return {"X_train": X, "y_train": np.full(len(X), UNLABELLED)}, None
    labels = np.empty(table.num_rows, dtype=object)
    labels[:] = table.column(label_column).to_pylist()
    (y,), class_names = encode_labels([labels], f"{path}, column {label_column!r}")
    return {"X_train": X, "y_train": y}, class_names


def table_columns(path: Path) -> list[str]:
    """Return the names of a table's columns, without reading its rows."""
    return _names(_read(path, whole=False), path)


def _names(schema: Any, path: Path) -> list[str]:
    """Return the names of the columns in pyarrow's schema of a table, which decodes them only now."""
    try:
        names: list[str] = schema.names
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}; save it as UTF-8") from error
    return names


def _read(path: Path, whole: bool = True) -> Any:
    """Return all of a table, or its schema alone, as pyarrow has them."""
    kind = path.suffix.lower()
    try:
        import pyarrow as pa
        from pyarrow import csv, parquet
    except ImportError as error:
        raise ImportError(f"reading {kind} needs pyarrow: pip install 'semimetric[tables]'") from error
    try:
        if kind == PARQUET:
            with parquet.ParquetFile(path) as file:
                return file.read() if whole else file.schema_arrow
        reading = csv.ReadOptions(block_size=LONGEST_LINE)
        words = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
        if whole:
            return csv.read_csv(path, read_options=reading, convert_options=words)
        with csv.open_csv(path, read_options=reading, convert_options=words) as reader:
            return reader.schema
    except (pa.ArrowException, OSError) as error:
        what = "a Parquet" if kind == PARQUET else "a CSV"
        raise DataError(f"{path} is damaged or not {what} file: {error}") from error


def _check_heading(path: Path, names: Sequence[str]) -> None:
    """Refuse names that do not tell columns apart; warn where a row seems to stand in the place of names."""
    is_csv = path.suffix.lower() == CSV
    row = "its first line holds numbers; if that is a row, put a line of columns' names above it"
    twice = sorted(name for name, times in Counter(names).items() if name and times > 1)
    if twice:
        advice = row if is_csv and any(map(_NUMBER.fullmatch, twice)) else "rename or remove some"
        raise DataError(f"{path} has more than one column called {', '.join(map(repr, twice))}; {advice}")
    unnamed = [number for number, name in enumerate(names, 1) if not name and not (is_csv and number == 1)]
    if unnamed:
        raise DataError(f"{path}: column {unnamed[0]} has no name; name it or remove it")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise DataError(f"{path} has one column, {names[0]!r}; separate columns by commas, and decimals by points")
    # Whole numbers are what pandas calls columns that have no names.
    numbers = [name for name in names if _NUMBER.fullmatch(name) and not name.isdigit()]
    if is_csv and numbers:
        told = f"{path} has columns called {', '.join(map(repr, numbers[:3]))}: {row}"
        warnings.warn(told, stacklevel=_TO_THE_CALLER)
