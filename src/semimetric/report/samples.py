"""What the decoder makes of the latent space: draws from the prior, and walks along single dimensions."""

from dataclasses import dataclass

import numpy as np

from semimetric.errors import RunError
from semimetric.report.samples_plot import Walk, of_images, of_vectors
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.thumbnails import can_be_drawn, images
from semimetric.report.view import View

NAME, TITLE = "samples", "Samples and traversals"
MOST_SAMPLES, MOST_WALKS, MOST_STEPS = 60, 10, 12


@dataclass(frozen=True)
class _Found:
    """The items that can be shown, and how many cannot because of NaN or infinite values."""

    items: np.ndarray
    places: np.ndarray
    left_out: int


def section(view: View) -> Section:
    """Return the picture, or why there is none."""
    samples, walks = _found(view, "samples", 1), _found(view, "traversals", 2)
    text = []
    if len(samples.items):
        text.append("Samples: points drawn from the prior, decoded. They show what the model takes data to look like.")
    if len(walks.items):
        text.append(
            "Traversals: a line is one embedding moved along one latent dimension, the others held, and decoded; "
            "the dimensions are those in which embeddings vary most."
        )
    for found, name, reason in (
        (samples, "sample", "samples, which take a prior to draw from and a decoder"),
        (walks, "traversal", "traversals, which take a decoder"),
    ):
        if found.left_out:
            text.append(f"{counted(found.left_out, name)} with NaN or infinite values cannot be shown.")
        elif len(found.items) == 0:
            text.append(f"The run has no {reason}.")
    if len(samples.items) == len(walks.items) == 0:
        return absent(NAME, TITLE, " ".join(text))
    parts, pictures = [], (samples.items, _walks(view, walks))
    vectors = [items.ndim == wanted for items, wanted in ((samples.items, 2), (walks.items, 3)) if len(items)]
    if all(vectors):
        png = of_vectors(*pictures, _rows_of_the_data(view, (samples.items if len(samples.items) else walks.items)))
        text.append("A curve is one row of data, its features in order.")
    elif any(vectors):
        raise RunError(
            f"{view.source}: embedding.npz is damaged: of samples and traversals one are images, one vectors"
        )
    else:
        png = of_images(*pictures)
    if len(samples.items):
        parts.append(f"{counted(len(samples.items), 'sample')} from the prior")
    if len(walks.items):
        parts.append(f"traversals along {counted(len(walks.items), 'latent dimension')}")
    alt = " and ".join(parts) + "."
    return Section(NAME, TITLE, paragraph(" ".join(text)) + figure(png, alt[0].upper() + alt[1:]), png)


def _found(view: View, name: str, leading: int) -> _Found:
    """Return one of the arrays, images as uint8, without what is not finite; empty where the run has none."""
    array = view.record.arrays.get(name, np.empty((0, 0, 0)))
    if len(array) == 0:
        return _Found(array, np.arange(0), 0)
    form = array.shape[leading:]
    if array.size == 0 or not can_be_drawn(form) or not np.issubdtype(array.dtype, np.number):
        lead = "(samples" if leading == 1 else "(dimensions, steps"
        raise RunError(
            f"{view.source}: embedding.npz is damaged: {name} has shape {array.shape}, {array.dtype}, "
            f"not {lead}, features) or {lead}, height, width[, 3]) of numbers"
        )
    places = np.flatnonzero(np.isfinite(array).reshape(len(array), -1).all(1))
    left_out = len(array) - len(places)
    places = places[: MOST_SAMPLES if leading == 1 else MOST_WALKS]
    items = array[places]
    if leading == 2 and items.shape[1] > MOST_STEPS:
        items = items[:, _spread(items.shape[1])]
    if len(items) and len(form) > 1:
        flat = images(items.reshape(-1, *form))
        assert flat is not None  # of two or three dimensions each, they are images
        items = flat.reshape(*items.shape[:leading], *flat.shape[1:])
    return _Found(items, places, left_out)


def _spread(steps: int) -> np.ndarray:
    """Return the places of some steps, evenly spread, the first and the last among them."""
    return np.linspace(0, steps - 1, MOST_STEPS).round().astype(int)


def _walks(view: View, found: _Found) -> list[Walk]:
    """Return the traversals with their dimensions, numbered from 1 as on the axes of the plane, and their ranges."""
    arrays, whole = view.record.arrays, view.record.arrays.get("traversals", found.items).shape[:2]
    dimensions, values = arrays.get("traversal_dimensions"), arrays.get("traversal_values")
    for name, array, shape in (
        ("traversal_dimensions", dimensions, whole[:1]),
        ("traversal_values", values, whole),
    ):
        if array is not None and len(found.items) and (array.shape != shape or array.dtype.kind not in "iuf"):
            raise RunError(f"{view.source}: embedding.npz is damaged: {name} has shape {array.shape}, not {shape}")
    walks = []
    for items, place in zip(found.items, found.places, strict=True):
        dimension = None if dimensions is None else int(dimensions[place]) + 1
        if dimension is not None and len(view.Z) and not 1 <= dimension <= view.Z.shape[1]:
            raise RunError(
                f"{view.source}: embedding.npz is damaged: traversal_dimensions has {dimension - 1}, "
                f"and the latent space {counted(view.Z.shape[1], 'dimension')}"
            )
        ends = None if values is None else (float(values[place, 0]), float(values[place, -1]))
        walks.append(Walk(items, dimension, ends if ends and np.isfinite(ends).all() else None))
    return walks


def _rows_of_the_data(view: View, like: np.ndarray) -> np.ndarray:
    """Return the rows of the data (n, features) to compare with, none where they are of another kind."""
    rows = view.inputs("shown_inputs")
    if rows.ndim != 2 or rows.shape[1] != like.shape[-1]:
        return np.empty((0, like.shape[-1]))
    return rows[np.isfinite(rows).all(1)]
