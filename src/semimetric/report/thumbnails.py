"""Inputs as small pictures: images as they are, vectors as curves."""

import io
from typing import Any

import numpy as np

from semimetric.report.palette import INK

LARGEST_SPRITE = 44
"""Side in pixels beyond which an image on the sprite sheet is made smaller."""


def can_be_drawn(shape: tuple[int, ...]) -> bool:
    """Return whether inputs of this shape are vectors, or images in grey or colour.

    >>> can_be_drawn((64,)), can_be_drawn((8, 8)), can_be_drawn((8, 8, 3)), can_be_drawn((8, 8, 5)), can_be_drawn(())
    (True, True, True, False, False)
    """
    return len(shape) in (1, 2) or (len(shape) == 3 and shape[2] in (1, 3))


def images(inputs: np.ndarray) -> np.ndarray | None:
    """Return (s, h, w) or (s, h, w, 3) uint8 where ``inputs`` are images, None where they are vectors."""
    if len(inputs) == 0 or inputs.ndim not in (3, 4):
        return None
    if inputs.ndim == 4 and inputs.shape[3] == 1:
        inputs = inputs[..., 0]
    if inputs.dtype == np.uint8:
        return inputs
    finite = np.nan_to_num(inputs.astype(np.float64))
    low, high = float(finite.min()), float(finite.max())
    return np.round((finite - low) / (high - low or 1.0) * 255).astype(np.uint8)


def draw(axes: Any, item: np.ndarray, left: float, bottom: float, size: float, span: tuple[float, float]) -> None:
    """Draw an image, or a vector as a curve, into a square of an axes; ``span`` the range of a curve."""
    if item.ndim == 1:
        low, high = span
        x = np.linspace(left + 0.06 * size, left + 0.94 * size, len(item)) if len(item) > 1 else [left + size / 2]
        y = bottom + size * (0.06 + 0.88 * (item - low) / ((high - low) or 1.0))
        axes.plot(x, y, color=INK, linewidth=0.7, marker="o" if len(item) == 1 else None, markersize=2)
        return
    height, width = item.shape[:2]
    w, h = size * min(1.0, width / height), size * min(1.0, height / width)
    x0, y0 = left + (size - w) / 2, bottom + (size - h) / 2
    enlarged = max(height, width) < 64
    axes.imshow(
        item,
        extent=(x0, x0 + w, y0, y0 + h),
        cmap="gray" if item.ndim == 2 else None,
        vmin=0,
        vmax=255,
        interpolation="nearest" if enlarged else "antialiased",
        aspect="auto",
    )


def span_of(inputs: np.ndarray) -> tuple[float, float]:
    """Return the lowest and highest value of vectors, so that all curves share one scale."""
    if inputs.ndim != 2 or inputs.size == 0:
        return 0.0, 1.0
    finite = np.nan_to_num(inputs.astype(np.float64))
    return float(finite.min()), float(finite.max())


def sprite_sheet(pictures: list[np.ndarray]) -> tuple[bytes, str, int, int, int]:
    """Put equally large images on one sheet, row by row.

    Returns the file's content, its media type (PNG for greyscale, JPEG for colour, which PNG would make
    several times larger), the number of columns, and each image's width and height on the sheet.
    """
    from PIL import Image

    height, width = pictures[0].shape[:2]
    shrink = min(1.0, LARGEST_SPRITE / max(height, width))
    w, h = max(1, round(width * shrink)), max(1, round(height * shrink))
    columns = int(np.ceil(np.sqrt(len(pictures) * h / w)))
    rows = -(-len(pictures) // columns)
    colour = pictures[0].ndim == 3
    sheet = Image.new("RGB" if colour else "L", (columns * w, rows * h))
    for place, picture in enumerate(pictures):
        tile = Image.fromarray(np.ascontiguousarray(picture))
        if shrink < 1.0:
            tile = tile.resize((w, h), Image.Resampling.LANCZOS)
        sheet.paste(tile, (place % columns * w, place // columns * h))
    content = io.BytesIO()
    if colour:
        sheet.save(content, "JPEG", quality=85)
        return content.getvalue(), "image/jpeg", columns, w, h
    sheet.save(content, "PNG", optimize=True)
    return content.getvalue(), "image/png", columns, w, h
