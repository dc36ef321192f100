"""Training rows that no label reaches, by the clusters they fall into: what to look at, and to label, next."""

import numpy as np

from semimetric.errors import RunError
from semimetric.report.drawing import canvas
from semimetric.report.palette import MUTED
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.thumbnails import draw, images, span_of
from semimetric.report.view import View

NAME, TITLE = "clusters", "Clusters without a label"
GUTTER, PITCH, CAPTION = 1.5, 1.1, 0.24
"""In sides of an input: left of a line, from one input to the next, and of the row number below it."""
SIDE = 0.7
"""Of an input, in inches."""


def section(view: View) -> Section:
    """Return the picture, or why there is none."""
    arrays, unreached = view.record.arrays, view.config.get("n_unreached")
    if "cluster_sizes" not in arrays:
        return absent(
            NAME,
            TITLE,
            "Only models that spread the labels, such as the preset best, know which rows no label reaches.",
        )
    sizes, rows, inputs = _checked(view)
    beyond = unreached if isinstance(unreached, int) else int(sizes.sum())
    if len(rows) == 0:
        few = f"; {counted(beyond, 'row')} that no label reaches fall into no cluster" if beyond else ""
        return absent(NAME, TITLE, f"No cluster of training rows lies out of the labels' reach{few}.")
    more = f", the {len(rows)} largest of which are shown" if len(sizes) > len(rows) else ""
    text = (
        f"No label reaches {counted(beyond, 'training row')}; {int(sizes.sum()):,} of them fall into "
        f"{counted(len(sizes), 'cluster')}{more}. They may be of classes that nobody labelled, or of a kind of their "
        f"class that has no label: labels for a few rows of each would tell. A line shows a cluster from its middle "
        f"outwards; rows count from 0."
    )
    png = _picture(sizes, rows, inputs)
    return Section(NAME, TITLE, paragraph(text) + figure(png, f"Rows of {counted(len(rows), 'cluster')}."), png)


def _checked(view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sizes (k,), and rows (shown, r) with their inputs (shown, r, …)."""
    arrays = view.record.arrays
    none = np.empty((0, 0))
    sizes, rows, inputs = (arrays.get(f"cluster_{name}", none) for name in ("sizes", "rows", "inputs"))
    for name, array in (("sizes", sizes), ("rows", rows)):
        if array.dtype.kind not in "iu" or array.ndim != (1 if name == "sizes" else 2):
            raise RunError(
                f"{view.source}: embedding.npz is damaged: cluster_{name} has shape {array.shape}, {array.dtype}"
            )
    if len(rows) > len(sizes) or inputs.shape[:2] != rows.shape or inputs.dtype.kind not in "iuf":
        raise RunError(
            f"{view.source}: embedding.npz is damaged: cluster_sizes {sizes.shape}, cluster_rows {rows.shape} and "
            f"cluster_inputs {inputs.shape} do not belong together"
        )
    return sizes, rows, inputs


def _picture(sizes: np.ndarray, rows: np.ndarray, inputs: np.ndarray) -> bytes:
    lines, across = rows.shape
    flat = inputs.reshape(lines * across, *inputs.shape[2:])
    found = images(flat)
    items = flat.reshape(len(flat), -1) if found is None else found
    span = span_of(items)
    pitch = 1 + CAPTION + (PITCH - 1)
    width, height = GUTTER + across * PITCH - (PITCH - 1), lines * pitch - (PITCH - 1)
    with canvas(SIDE * width, SIDE * height, trim=True) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        for line in range(lines):
            bottom = height - line * pitch - 1
            axes.text(0, bottom + 0.62, f"cluster {line}", va="center", weight="bold", fontsize=8.5)
            axes.text(0, bottom + 0.36, counted(int(sizes[line]), "row"), va="center", fontsize=7.5, color=MUTED)
            for column in range(across):
                left = GUTTER + column * PITCH
                draw(axes, items[line * across + column], left, bottom, 1, span)
                caption = {"ha": "center", "va": "top", "fontsize": 6, "color": MUTED}
                axes.text(left + 0.5, bottom - 0.05, str(rows[line, column]), **caption)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()
