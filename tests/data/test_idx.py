"""The IDX reader on files made by hand, good and damaged, and on the real ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from semimetric.data import load_dataset
from semimetric.data.idx import read_idx
from semimetric.errors import DataError

REAL = Path(__file__).parents[2].parent / "shared" / "data"
CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array: np.ndarray, dtype: str = "u1") -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[dtype], array.ndim, *array.shape)
    return header + array.astype(dtype).tobytes()


def write_mnist(folder: Path, n_train: int = 30, n_test: int = 10, zipped: bool = True) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, n in (("train", n_train), ("t10k", n_test)):
        for file, array in (
            (f"{split}-images-idx3-ubyte", rng.integers(0, 256, (n, 28, 28))),
            (f"{split}-labels-idx1-ubyte", np.arange(n) % 10),
        ):
            content = idx_bytes(array)
            name = file + ".gz" if zipped else file
            (folder / name).write_bytes(gzip.compress(content, mtime=0) if zipped else content)


@pytest.mark.parametrize("dtype", list(CODES))
@pytest.mark.parametrize("zipped", [True, False])
def test_reads_what_was_written(tmp_path, dtype, zipped):
    array = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx_bytes(array, dtype)) if zipped else idx_bytes(array, dtype))
    read = read_idx(path)
    assert (read == array).all()
    assert read.dtype.isnative
    assert read.dtype.newbyteorder(">") == np.dtype(dtype).newbyteorder(">")
    read[0, 0, 0] = 1  # writable


GOOD = idx_bytes(np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 bytes, too few"),
        (b"\x00\x00\x08", "holds 3 bytes, too few"),
        (b"\x01" + GOOD[1:], "does not begin as an IDX file does"),
        (GOOD[:2] + b"\x07" + GOOD[3:], "does not begin as an IDX file does"),
        (GOOD[:10], "header is cut short at 10 of 12 bytes"),
        (GOOD[:-1], r"header says shape \(2, 3\), 18 bytes; it holds 17"),
        (GOOD + b"x", "18 bytes; it holds 19"),
        (gzip.compress(GOOD, mtime=0)[:-9], "gzip content is broken or cut short"),
        (gzip.compress(GOOD, mtime=0)[:12] + b"\xff\xff" + gzip.compress(GOOD, mtime=0)[14:], "gzip content is broken"),
        (struct.pack(">HBBII", 0, 8, 2, 2**32 - 1, 2**32 - 1), "it holds 12"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "damaged-file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s)damaged-file is damaged.*{message}"):
        read_idx(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="absent cannot be read"):
        read_idx(tmp_path / "absent")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_local_copies(tmp_path, name, zipped):
    write_mnist(tmp_path / name, zipped=zipped)
    d = load_dataset(name, data_dir=tmp_path, download=False)
    assert d.X_train.shape == (30, 28, 28)
    assert d.X_train.dtype == np.uint8
    assert d.X_test.shape == (10, 28, 28)
    assert d.y_train.dtype == np.int64
    assert d.y_train.tolist() == [i % 10 for i in range(30)]
    assert len(d.class_names) == 10
    assert d.source == str(tmp_path / name)
    assert d.X_val is None


def test_files_that_do_not_fit_each_other(tmp_path):
    folder = tmp_path / "mnist"
    write_mnist(folder)
    labels = folder / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros(29))))
    with pytest.raises(DataError, match=r"train-images.* holds 30 images but .*train-labels.* holds 29 labels"):
        load_dataset("mnist", tmp_path)
    labels.write_bytes(gzip.compress(idx_bytes(np.full(30, 10))))
    with pytest.raises(DataError, match="holds the label 10; expected 0 to 9"):
        load_dataset("mnist", tmp_path)
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros((30, 1)))))
    with pytest.raises(DataError, match=r"shape \(30, 1\); expected uint8 labels"):
        load_dataset("mnist", tmp_path)


@pytest.mark.parametrize(("name", "pixel_mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_the_real_files(name, pixel_mean):
    if not (REAL / name).is_dir():
        pytest.skip(f"the real {name} is not at ../shared/data")
    d = load_dataset(name, REAL, download=False)
    assert d.X_train.shape == (60000, 28, 28)
    assert d.X_test.shape == (10000, 28, 28)
    assert round(float(d.X_train.mean()) / 255, 4) == pixel_mean  # the figure everyone normalises with
    assert (np.bincount(d.y_test) == 1000).all() == (name == "fashion-mnist")
