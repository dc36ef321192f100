"""IDX files, the format in which MNIST and Fashion-MNIST are published, and those two datasets."""

import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from semimetric.data.dataset import Dataset, DatasetEntry
from semimetric.data.download import RemoteFile
from semimetric.errors import DataError

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray:
    """Read one IDX file, gzipped or plain, into an array of the shape and type that its header names.

    Raises
    ------
    DataError
        The file cannot be read, is damaged gzip, is not IDX, or is shorter or longer than its header says.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path).tolist()
    [7, 2, 1]
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _damaged(path, f"its gzip content is broken or cut short ({error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) < 4:
        raise _damaged(path, f"it holds {len(content)} bytes, too few for an IDX header")
    zeros, code, dimensions = struct.unpack(">HBB", content[:4])
    if zeros != 0 or code not in _TYPES or dimensions == 0:
        raise _damaged(path, f"it does not begin as an IDX file does (first bytes: {content[:4].hex(' ')})")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise _damaged(path, f"its header is cut short at {len(content)} of {start} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    dtype = np.dtype(_TYPES[code])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise _damaged(path, f"its header says shape {shape}, {expected} bytes; it holds {len(content)}")
    # A native, writable copy: tensors made from it later may be written to.
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is damaged or not an IDX file: {why}; replace it, or delete it to download anew")


def _read_split(images: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = read_idx(images), read_idx(labels)
    if X.ndim != 3 or X.dtype != np.uint8:
        raise DataError(f"{images} holds {X.dtype} of shape {X.shape}; expected uint8 images, (n, h, w)")
    if y.ndim != 1 or y.dtype != np.uint8:
        raise DataError(f"{labels} holds {y.dtype} of shape {y.shape}; expected uint8 labels, (n,)")
    if len(X) != len(y):
        raise DataError(f"{images} holds {len(X)} images but {labels} holds {len(y)} labels")
    if len(y) and y.max() >= classes:
        raise DataError(f"{labels} holds the label {y.max()}; expected 0 to {classes - 1}")
    return X, y.astype(np.int64)


def _mnist_like(
    name: str,
    description: str,
    licence: str,
    class_names: tuple[str, ...],
    mirrors: tuple[str, ...],
    checksums: Mapping[str, str],
) -> DatasetEntry:
    def read(paths: Mapping[str, Path]) -> Dataset:
        parts = {
            split: _read_split(
                paths[f"{split}-images-idx3-ubyte.gz"],
                paths[f"{split}-labels-idx1-ubyte.gz"],
                len(class_names),
            )
            for split in ("train", "t10k")
        }
        (X_train, y_train), (X_test, y_test) = parts["train"], parts["t10k"]
        source = str(paths["train-images-idx3-ubyte.gz"].parent)
        return Dataset(name, X_train, y_train, X_test, y_test, class_names=class_names, source=source)

    return DatasetEntry(
        name=name,
        description=description,
        shape=(28, 28),
        classes=len(class_names),
        sizes={"train": 60000, "test": 10000},
        licence=licence,
        read=read,
        folder=name,
        files=tuple(
            RemoteFile(file, md5, tuple(mirror + file for mirror in mirrors)) for file, md5 in checksums.items()
        ),
    )


MNIST = _mnist_like(
    name="mnist",
    description="handwritten digits",
    licence="CC BY-SA 3.0",
    class_names=tuple(str(digit) for digit in range(10)),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    checksums={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)

FASHION_MNIST = _mnist_like(
    name="fashion-mnist",
    description="pictures of clothing",
    licence="MIT",
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    # The publisher serves plain HTTP only; the checksums are what makes it safe.
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    checksums={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
