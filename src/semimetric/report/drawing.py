"""How Matplotlib draws here: one look, straight to PNG, without its global figures."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from semimetric.report.palette import GRID, INK, MUTED

DPI = 200
FONTS = ("Inter", "Helvetica Neue", "Helvetica", "Arial", "Liberation Sans")
"""The first of these that is installed is used; DejaVu Sans, which Matplotlib brings, has what it lacks."""


@contextmanager
def canvas(width: float, height: float, *, trim: bool = False) -> Iterator[tuple[Any, io.BytesIO]]:
    """Give a blank figure of this size in inches, and a buffer that holds the PNG after the block.

    ``trim`` cuts off the empty border, for pictures whose shape decides their size.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with rc_context(_look()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a name in a script we lack
        picture: Any = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(picture)
        yield picture, content
        box = {"bbox_inches": "tight", "pad_inches": 0.04} if trim else {}
        picture.savefig(content, format="png", metadata={"Software": None}, **box)


def _look() -> Any:
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return {
        "font.family": [*[name for name in FONTS if name in installed][:1], "DejaVu Sans"],
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # a class may be called "$x"
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.axisbelow": True,
        "axes.formatter.use_mathtext": False,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }


def fit_text(label: Any, width: float) -> None:
    """Shorten a text on a figure, an ellipsis for what is left out, until it is at most ``width`` inches wide.

    How many letters that are depends on the fonts that are installed.
    """
    text = label.get_text()
    length = len(text)
    while length > 1 and label.get_window_extent().width > width * label.get_figure().dpi:
        length -= 1
        label.set_text(shortened(text, length))


def shortened(text: str, longest: int = 18) -> str:
    """Return a text that fits: one line, with an ellipsis for what is left out.

    >>> shortened("adipose"), shortened("colorectal adenocarcinoma epithelium")
    ('adipose', 'colorectal adenoc…')
    """
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
