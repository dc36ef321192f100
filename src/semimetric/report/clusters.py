"""Training rows that no label reaches, by the clusters they fall into: what to look at, and to label, next."""

import numpy as np

from semimetric.errors import RunError
from semimetric.report.drawing import canvas
from semimetric.report.palette import MUTED
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.thumbnails import can_be_drawn, draw, images, span_of
from semimetric.report.view import View

NAME, TITLE = "clusters", "Clusters without a label"
MOST, ACROSS = 20, 10
"""Clusters that are drawn, the largest, and inputs of each."""
GUTTER, PITCH = 1.6, 1.1
"""In sides of an input: left of a line, and from one input to the next."""
SIDE = 0.7
"""Of an input, in inches."""


def section(view: View) -> Section:
    """Return the picture, or why there is none."""
    if not view.spread:
        return absent(
            NAME,
            TITLE,
            "This run does not know which rows its labels reach: that takes self-training, as of the preset best, "
            "and labels of two classes.",
        )
    sizes, inputs = _checked(view)
    if len(inputs) == 0:
        return absent(NAME, TITLE, "No cluster of training rows lies out of the labels' reach.")
    more = f", the {len(inputs)} largest of which are shown" if len(sizes) > len(inputs) else ""
    text = (
        f"No label reaches {counted(int(sizes.sum()), 'training row')} in {counted(len(sizes), 'cluster')}{more}. "
        "They may be of a class that nobody labelled, or of a kind of their class that has no label: labels for a few "
        "would tell. semimetric suggest names one row of each to label, semimetric predict with --split train all of "
        "them. A line shows a cluster from its middle outwards."
    )
    png = _picture(sizes, inputs)
    return Section(NAME, TITLE, paragraph(text) + figure(png, f"Inputs of {counted(len(inputs), 'cluster')}."), png)


def _checked(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the sizes (k,), and inputs (shown, r, …) of the first clusters."""
    none = np.empty((0, 0))
    sizes, inputs = (view.record.arrays.get(f"cluster_{name}", none) for name in ("sizes", "inputs"))
    if (
        sizes.ndim != 1
        or sizes.dtype.kind not in "iu"
        or (sizes < 1).any()
        or (len(sizes) == 0) != (len(inputs) == 0)
        or len(inputs) > len(sizes)
        or (len(inputs) and (inputs.dtype.kind not in "iuf" or inputs.size == 0 or not can_be_drawn(inputs.shape[2:])))
    ):
        raise RunError(
            f"{view.source}: embedding.npz is damaged: cluster_sizes {sizes.shape} and cluster_inputs {inputs.shape}, "
            f"{inputs.dtype}, are not the sizes of clusters and inputs of each"
        )
    return sizes, inputs[:MOST, :ACROSS]


def _picture(sizes: np.ndarray, inputs: np.ndarray) -> bytes:
    lines, across = inputs.shape[:2]
    flat = inputs.reshape(lines * across, *inputs.shape[2:])
    found = images(flat)
    items = flat if found is None else found
    span = span_of(items)
    width, height = GUTTER + across * PITCH - (PITCH - 1), lines * PITCH - (PITCH - 1)
    with canvas(SIDE * width, SIDE * height, trim=True) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        for line in range(lines):
            bottom = height - line * PITCH - 1
            axes.text(0, bottom + 0.63, f"cluster {line}", va="center", weight="bold", fontsize=8.5)
            axes.text(0, bottom + 0.37, counted(int(sizes[line]), "row"), va="center", fontsize=7.5, color=MUTED)
            for column in range(across):
                draw(axes, items[line * across + column], GUTTER + column * PITCH, bottom, 1, span)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()
