"""The inputs of the rows to label next, as one picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from semimetric.report.drawing import canvas, fit_text, shortened
from semimetric.report.palette import GRID, MUTED
from semimetric.report.thumbnails import draw, images, span_of

MOST = 200
"""Rows that are drawn, of more the first."""
ACROSS = 10
PITCH, CAPTION, GAP = 1.14, 0.38, 0.17
"""In sides of an input: from one to the next, of the caption below it, from there to the next line."""
SIDE = 0.78
"""Of an input, in inches."""


def contact_sheet(
    inputs: np.ndarray,
    rows: Sequence[int] | np.ndarray,
    predicted: Sequence[Any],
    probability: Sequence[float | None],
    clusters: Sequence[int | None],
) -> bytes:
    """Return a PNG of the inputs, ten across in their order, each above its prediction, or cluster, and row number.

    Parameters
    ----------
    inputs : array (n, h, w), (n, h, w, 3) or (n, features)
        Images, or vectors, which are drawn as curves over one scale; of more than 200 the first.
    rows : ints (n,)
    predicted, probability : (n,)
        The likeliest class and its probability, None where there is none.
    clusters : (n,)
        The cluster that no label reached, which is said in place of the class; None for a row in none.
    """
    inputs = inputs[:MOST]
    found = images(inputs)
    items = inputs.reshape(len(inputs), -1) if found is None else found
    span = span_of(items)
    across, down = min(len(items), ACROSS), -(-len(items) // ACROSS)
    width, height = across * PITCH - (PITCH - 1), down * (1 + CAPTION + GAP) - GAP
    with canvas(SIDE * width, SIDE * height, trim=True) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        said = zip(items, rows, predicted, probability, clusters, strict=False)
        for place, (item, row, name, share, cluster) in enumerate(said):
            line, column = divmod(place, ACROSS)
            x, y = column * PITCH, height - line * (1 + CAPTION + GAP) - 1
            draw(axes, item, x, y, 1, span)
            _frame(axes, x, y)
            title, note = None, f"row {row}"
            if cluster is not None:
                title = f"cluster {cluster}"
            elif name is not None:
                title, note = shortened(str(name)), f"{share:.2f} · {note}"
            if title is not None:
                fit_text(_caption(axes, x, y, title, fontsize=8, weight="bold"), SIDE)
            _caption(axes, x, y if title is None else y - 0.18, note, fontsize=6.5, color=MUTED)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()


def _caption(axes: Any, x: float, y: float, text: str, **look: Any) -> Any:
    return axes.text(x + 0.5, y - 0.07, text, ha="center", va="top", **look)


def _frame(axes: Any, x: float, y: float) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=GRID, linewidth=0.6, clip_on=False))
