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
) -> bytes:
    """Return a PNG of the inputs, ten across in their order, each above its prediction and its row number.

    Parameters
    ----------
    inputs : array (n, h, w), (n, h, w, 3) or (n, features)
        Images, or vectors, which are drawn as curves over one scale; of more than 200 the first.
    rows : ints (n,)
    predicted, probability : (n,)
        The likeliest class and its probability, None where there is none.
    """
    inputs = inputs[:MOST]
    found = images(inputs)
    items = inputs.reshape(len(inputs), -1) if found is None else found
    span = span_of(items)
    across, down = min(len(items), ACROSS), -(-len(items) // ACROSS)
    width, height = across * PITCH - (PITCH - 1), down * (1 + CAPTION + GAP) - GAP
    with canvas(SIDE * width, SIDE * height, trim=True) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        for place, (item, row, name, share) in enumerate(zip(items, rows, predicted, probability, strict=False)):
            line, column = divmod(place, ACROSS)
            x, y = column * PITCH, height - line * (1 + CAPTION + GAP) - 1
            draw(axes, item, x, y, 1, span)
            _frame(axes, x, y)
            captions = [(f"row {row}", {"fontsize": 6.5, "color": MUTED})]
            if name is not None:
                captions = [
                    (shortened(str(name)), {"fontsize": 8, "weight": "bold"}),
                    (f"{share:.2f} · row {row}", {"fontsize": 6.5, "color": MUTED}),
                ]
            for number, (text, look) in enumerate(captions):
                label = axes.text(x + 0.5, y - 0.07 - 0.18 * number, text, ha="center", va="top", **look)
                if name is not None and number == 0:
                    fit_text(label, SIDE)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()


def _frame(axes: Any, x: float, y: float) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=GRID, linewidth=0.6, clip_on=False))
