"""A user's own data: ``.npz``, ``.npy`` with a file of labels, ``.parquet``, or a folder of images."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from semimetric.data.arrays import UNLABELLED
from semimetric.data.dataset import Dataset, dataset_from_splits
from semimetric.data.labels import encode_labels, read_label_lines
from semimetric.errors import DataError
from semimetric.progress import progress

if TYPE_CHECKING:
    from PIL import Image

_Anywhere = str | os.PathLike[str]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".pgm", ".ppm"}
_UNLABELLED_FOLDERS = {"unlabelled", "unlabeled"}
_SPLIT_FOLDERS = ("train", "val", "test")
_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# What decoders raise on damaged bytes is almost anything, KeyError and tokenize.TokenError included.
_BROKEN = Exception


def read_user_data(
    path: Path,
    *,
    labels_file: _Anywhere | None = None,
    label_column: str | None = None,
    image_size: int | None = None,
    show_progress: bool = False,
    test_share: float | None = None,
    seed: int = 0,
) -> Dataset:
    """Read ``path`` by its kind and hold out a test split where it has none; see `load_dataset`.

    Raises
    ------
    DataError
        The file is of no known kind, is damaged, or its content is not of the expected form.
    ValueError
        An argument is out of range or does not apply to this kind of file.
    """
    kind = "a folder of images" if path.is_dir() else path.suffix.lower()
    belongs = {"labels_file": ".npy", "label_column": ".parquet", "image_size": "a folder of images"}
    labels_path = None if labels_file is None else Path(labels_file).expanduser()
    given = {"labels_file": labels_path, "label_column": label_column, "image_size": image_size}
    for argument, value in given.items():
        if value is not None and belongs[argument] != kind:
            raise ValueError(
                f"{argument}={str(value)!r} does not apply to {path}; it is for {belongs[argument]}"
            )
    if kind == "a folder of images":
        splits, names = read_image_folder(path, image_size, show_progress)
    elif kind == ".npz":
        splits, names = read_npz(path)
    elif kind == ".npy":
        splits, names = read_npy(path, labels_path)
    elif kind == ".parquet":
        splits, names = read_parquet(path, label_column)
    else:
        raise DataError(
            f"{path} is of no known kind; give a .npz, .npy or .parquet file or a folder of images"
        )
    return dataset_from_splits(splits, names, path, test_share, seed)


_Splits = dict[str, np.ndarray]
_Read = tuple[_Splits, tuple[str, ...] | None]


def read_npz(path: Path) -> _Read:
    """Read arrays ``X``, ``y`` and, where present, ``X_test``, ``y_test``, ``X_val``, ``y_val``."""
    with _open_npz(path) as archive:
        keys = set(archive.files)
        pairs = {"train": ("X", "y"), "val": ("X_val", "y_val"), "test": ("X_test", "y_test")}
        known = {key for pair in pairs.values() for key in pair}
        if "X" not in keys or ("y" not in keys and keys - known):
            raise DataError(
                f"{path} holds {', '.join(sorted(keys)) or 'nothing'}; expected arrays named X and y"
            )
        found: _Splits = {}
        labels: _Splits = {}
        for split, (X_key, y_key) in pairs.items():
            if X_key in keys:
                found[f"X_{split}"] = _member(archive, X_key, path)
            if y_key in keys:
                labels[split] = _member(archive, y_key, path)
            if split != "train" and (X_key in keys) != (y_key in keys):
                raise DataError(f"{path} holds only one of {X_key} and {y_key}; give both or neither")
    encoded, names = encode_labels(list(labels.values()), str(path))
    for split, y in zip(labels, encoded, strict=True):
        found[f"y_{split}"] = y
    found.setdefault("y_train", np.full(len(np.atleast_1d(found["X_train"])), UNLABELLED))
    return found, names


def _open_npz(path: Path) -> Any:
    try:
        archive = np.load(path, allow_pickle=False)
    except _BROKEN as error:
        raise DataError(f"{path} is damaged or not an .npz file: {error}") from error
    if not hasattr(archive, "files"):
        raise DataError(
            f"{path} holds a single array, not an .npz archive; name it .npy, or save X and y in one"
        )
    return archive


def _member(archive: Any, key: str, path: Path) -> np.ndarray:
    try:
        array = archive[key]
    except _BROKEN as error:
        raise _unreadable(f"{path}: array {key}", error) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {key} is not a NumPy array")
    return array


def _unreadable(what: str, error: BaseException) -> DataError:
    if "Object arrays" in str(error):
        return DataError(
            f"{what} holds Python objects, which are not read because loading them could run code; save "
            "numbers, or strings as array.astype(str)"
        )
    return DataError(f"{what} is damaged or not in NumPy's format: {error}")


def read_npy(path: Path, labels_file: Path | None) -> _Read:
    """Read rows from a ``.npy`` as a memory map, and their labels, if any, from ``labels_file``."""
    X = _load_npy(path)
    if X.ndim == 0:
        raise DataError(f"{path} holds a single number; expected rows, (n, features) or images")
    if labels_file is None:
        return {"X_train": X, "y_train": np.full(len(X), UNLABELLED)}, None
    if not labels_file.is_file():
        raise DataError(f"labels_file={str(labels_file)!r} was not found")
    suffix = labels_file.suffix.lower()
    if suffix == ".npy":
        found = np.array(_load_npy(labels_file))
    elif suffix in {".csv", ".txt"}:
        found = read_label_lines(labels_file, rows=len(X))
    else:
        raise DataError(
            f"labels_file={str(labels_file)!r} must be a .npy, or a .csv or .txt with one per line"
        )
    (y,), names = encode_labels([found], str(labels_file))
    if len(y) != len(X):
        heading = "; if its first line is a heading, remove that" if len(y) == len(X) + 1 else ""
        raise DataError(f"{labels_file} holds {len(y)} labels but {path} holds {len(X)} rows{heading}")
    return {"X_train": X, "y_train": y}, names


def _load_npy(path: Path) -> np.ndarray:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except _BROKEN as error:
        if "Python objects" in str(error) or "Array can't be memory-mapped" in str(error):
            error = ValueError("Object arrays")
        raise _unreadable(str(path), error) from error
    return array


def read_parquet(path: Path, label_column: str | None) -> _Read:
    """Read a table: ``label_column`` holds the labels, the other columns are the features."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("reading .parquet needs pyarrow: pip install 'semimetric[tables]'") from error

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged or not a Parquet file: {error}") from error
    if label_column is not None and label_column not in table.column_names:
        raise DataError(
            f"label_column={label_column!r} is not in {path}; its columns: {', '.join(table.column_names)}"
        )
    # pandas stores its row index under this name; an index is no feature.
    names = [n for n in table.column_names if n != label_column and not n.startswith("__index_level_")]
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    wrong = [n for n in names if not any(test(table.schema.field(n).type) for test in tests)]
    if wrong:
        hint = "" if label_column is not None else "; if it is the label, say so with label_column="
        raise DataError(
            f"{path}: not numeric: {', '.join(wrong)}; remove these columns or turn them into numbers{hint}"
        )
    if not names:
        raise DataError(
            f"{path} has no feature columns, only {', '.join(table.column_names) or 'none at all'}"
        )
    single = all(types.is_float32(table.schema.field(n).type) for n in names)
    X = np.empty((table.num_rows, len(names)), dtype=np.float32 if single else np.float64)
    for i, n in enumerate(names):
        column = table.column(n)
        if types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        X[:, i] = column.cast(pa.float64(), safe=False).to_numpy()  # null becomes NaN
    if label_column is None:
        return {"X_train": X, "y_train": np.full(len(X), UNLABELLED)}, None
    labels = np.empty(table.num_rows, dtype=object)
    labels[:] = table.column(label_column).to_pylist()
    (y,), class_names = encode_labels([labels], f"{path}, column {label_column!r}")
    return {"X_train": X, "y_train": y}, class_names


def read_image_folder(path: Path, image_size: int | None, show_progress: bool) -> _Read:
    """Read ``path/<class>/*.png`` (or ``path/train/<class>/…``), all of one size, grey or RGB, as uint8.

    16-bit grey images become float32 in [0, 1].
    """
    if image_size is not None and (isinstance(image_size, bool) or image_size < 1):
        raise ValueError(f"image_size={image_size!r} must be a number of pixels, at least 1")
    splits = _list_splits(path)
    files = [file for rows in splits.values() for file, _ in rows]
    mode, (width, height) = _common_form(files, path, image_size)
    form = (height, width, 3) if mode == "RGB" else (height, width)
    names = tuple(sorted({label for rows in splits.values() for _, label in rows if label is not None}))
    code: dict[str | None, int] = {None: UNLABELLED} | {name: i for i, name in enumerate(names)}
    found: _Splits = {}
    with progress("reading images", len(files), show=show_progress) as bar:
        for split, rows in splits.items():
            X = np.empty((len(rows), *form), dtype=np.float32 if mode == "I;16" else np.uint8)
            for i, (file, _) in enumerate(rows):
                X[i] = _decode(file, mode, image_size)
                bar.advance()
            found[f"X_{split}"] = X
            found[f"y_{split}"] = np.array([code[label] for _, label in rows], dtype=np.int64)
    return found, names or None


_Listed = list[tuple[Path, str | None]]


def _list_splits(root: Path) -> dict[str, _Listed]:
    """Return the image files with their classes (``None`` = unlabelled) of every split there is."""
    folders = {folder.name: folder for folder in _visible(root) if folder.is_dir()}
    if "train" not in folders:
        stray = [name for name in ("val", "test") if name in folders]
        if stray:
            raise DataError(
                f"{root} has a folder {stray[0]}/ but none called train/; add it, or rename {stray[0]}/"
            )
        splits = {"train": _list_classes(root)}
    else:
        others = set(folders) - {*_SPLIT_FOLDERS, *_UNLABELLED_FOLDERS}
        if others:
            raise DataError(f"{root} has train/ and also {sorted(others)[0]}/; put every class inside train/")
        splits = {split: _list_classes(folders[split]) for split in _SPLIT_FOLDERS if split in folders}
        loose = [folders[name] for name in sorted(_UNLABELLED_FOLDERS & set(folders))]
        splits["train"] += [(file, None) for folder in loose for file in _images(folder)]
        splits["train"] += [(file, None) for file in _visible(root) if _is_image(file)]
    empty = [split for split, rows in splits.items() if not rows]
    if empty:
        where = root if len(splits) == 1 else root / empty[0]
        raise DataError(
            f"{where} holds no images ({', '.join(sorted(IMAGE_SUFFIXES))}), in it or in its folders"
        )
    return splits


def _list_classes(folder: Path) -> _Listed:
    rows: _Listed = []
    for entry in _visible(folder):
        if entry.is_dir():
            label = None if entry.name.lower() in _UNLABELLED_FOLDERS else entry.name
            rows += [(file, label) for file in _images(entry)]
        elif _is_image(entry):
            rows.append((entry, None))
    return rows


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from error
    return [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _images(folder: Path) -> Iterator[Path]:
    for entry in _visible(folder):
        if entry.is_dir():
            yield from _images(entry)
        elif _is_image(entry):
            yield entry


def _common_form(files: list[Path], root: Path, image_size: int | None) -> tuple[str, tuple[int, int]]:
    """Return the mode ("L", "RGB" or "I;16") and the (width, height) that all images share."""
    modes: dict[str, Path] = {}
    sizes: list[tuple[int, int]] = []
    for file in files:
        with _opened(file) as image:
            mode = image.mode
            sizes.append(image.size if _orientation(image) < 5 else image.size[::-1])
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # MPO: a photo and its previews
                raise DataError(f"{file} holds several pictures; save each in a file of its own")
        if mode[0] in "IF" and mode not in _SIXTEEN_BITS:
            raise DataError(f"{file} holds {mode} pixels; save images of 8 or 16 bits, or use a .npz")
        common = "I;16" if mode in _SIXTEEN_BITS else "L" if mode in ("L", "LA", "1") else "RGB"
        modes.setdefault(common, file)
        if sizes[-1] != sizes[0] and image_size is None:
            first, this = (f"{width} × {height} pixels" for width, height in (sizes[0], sizes[-1]))
            raise DataError(
                f"{root}: {files[0]} has {first}, {file} has {this}; make them one size, or let image_size= "
                "crop and resize them"
            )
    if "I;16" in modes and len(modes) > 1:
        other = next(file for mode, file in modes.items() if mode != "I;16")
        raise DataError(f"{modes['I;16']} has 16 bits per pixel, {other} has 8; make them alike")
    shared = "I;16" if "I;16" in modes else "RGB" if "RGB" in modes else "L"
    return shared, sizes[0] if image_size is None else (image_size, image_size)


@contextmanager
def _opened(file: Path) -> "Iterator[Image.Image]":
    """Open an image; damage that shows then, or while it is used, is a `DataError` that names the file."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            yield image
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(f"{file} is damaged or not an image: {error}") from error


def _orientation(image: "Image.Image") -> int:
    """Return how EXIF says the camera was held: 1 is upright; from 5 on, width and height are exchanged."""
    # Asking a PNG would decode all of it, and PNGs do not come from cameras.
    return image.getexif().get(0x0112, 1) if image.format in ("JPEG", "MPO", "TIFF", "WEBP") else 1


def _decode(file: Path, mode: str, image_size: int | None) -> np.ndarray:
    from PIL import ImageOps

    with _opened(file) as image:
        picture = ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
        # Pillow resizes 32-bit floats, but not all kinds of 16-bit integers.
        picture = picture.convert("I").convert("F") if mode == "I;16" else picture.convert(mode)
        if image_size is not None:
            picture = ImageOps.fit(picture, (image_size, image_size))
        pixels = np.asarray(picture)
    if mode != "I;16":
        return pixels
    if pixels.max() > 65536:
        raise DataError(f"{file} holds values up to {pixels.max():.0f}; use 8 or 16 bits, or a .npz")
    return np.clip(pixels / np.float32(65535), 0, 1)
