"""A folder of images, one subfolder per class."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from semimetric.data.arrays import UNLABELLED
from semimetric.errors import DataError
from semimetric.progress import progress

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".pgm", ".ppm"}
_UNLABELLED_FOLDERS = {"unlabelled", "unlabeled"}
_SPLIT_FOLDERS = ("train", "val", "test")
_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# What decoders raise on damaged bytes is almost anything, KeyError and tokenize.TokenError included.
_BROKEN = Exception


def read_image_folder(
    path: Path, image_size: int | None, show_progress: bool
) -> tuple[dict[str, np.ndarray], tuple[str, ...] | None]:
    """Read ``path/<class>/*.png`` (or ``path/train/<class>/…``), all of one size, grey or RGB, as uint8.

    16-bit grey images become float32 in [0, 1]. ``files_train`` and so on are the images' paths below ``path``.
    """
    if image_size is not None and (isinstance(image_size, bool) or image_size < 1):
        raise ValueError(f"image_size={image_size!r} must be a number of pixels, at least 1")
    splits = _list_splits(path)
    files = [file for rows in splits.values() for file, _ in rows]
    mode, (width, height) = _common_form(files, path, image_size)
    form = (height, width, 3) if mode == "RGB" else (height, width)
    names = tuple(sorted({label for rows in splits.values() for _, label in rows if label is not None}))
    code: dict[str | None, int] = {None: UNLABELLED} | {name: i for i, name in enumerate(names)}
    found: dict[str, np.ndarray] = {}
    with progress("reading images", len(files), show=show_progress) as bar:
        for split, rows in splits.items():
            X = np.empty((len(rows), *form), dtype=np.float32 if mode == "I;16" else np.uint8)
            for i, (file, _) in enumerate(rows):
                X[i] = _decode(file, mode, image_size)
                bar.advance()
            found[f"X_{split}"] = X
            found[f"y_{split}"] = np.array([code[label] for _, label in rows], dtype=np.int64)
            found[f"files_{split}"] = np.array([file.relative_to(path).as_posix() for file, _ in rows])
    return found, names or None


_Listed = list[tuple[Path, str | None]]


def _list_splits(root: Path) -> dict[str, _Listed]:
    """Return the image files with their classes (``None`` = unlabelled) of every split there is."""
    folders = {folder.name: folder for folder in _visible(root) if folder.is_dir()}
    if "train" not in folders:
        stray = [name for name in ("val", "test") if name in folders]
        if stray:
            raise DataError(f"{root} has a folder {stray[0]}/ but none called train/; add it, or rename {stray[0]}/")
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
        raise DataError(f"{where} holds no images ({', '.join(sorted(IMAGE_SUFFIXES))}), in it or in its folders")
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
                f"{root}: {files[0]} has {first}, {file} has {this}; make them one size, or let image_size "
                "(--image-size) crop and resize them"
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
