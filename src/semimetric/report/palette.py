"""Colours and symbols of the classes, and the few other colours of the pictures."""

COLOURS = (
    "#086f9e",
    "#fa8208",
    "#15c99a",
    "#ab304f",
    "#7f08f2",
    "#facc08",
    "#139a9d",
    "#80080b",
    "#af8efa",
    "#083e90",
    "#d9480c",
    "#b4ccfa",
)
"""Any two stay apart, by 0.1 in OKLab at least, for normal, protan, deutan and tritan eyes."""

SYMBOLS = (("o", "circle"), ("s", "square"), ("D", "diamond"), ("^", "triangle-up"), ("v", "triangle-down"))
"""Matplotlib's and Plotly's name of each symbol; a new one for every further dozen of classes."""

UNKNOWN = "#9aa1a9"
"""Rows without a label."""
INK = "#1d2127"
MUTED = "#68707a"
GRID = "#e4e7eb"
ACCENT = "#086f9e"
AGREES = "#0f8a8d"
DIFFERS = "#d9480c"


def colour(code: int) -> str:
    """Return the colour of a class; −1 is a row without a label.

    >>> colour(0), colour(12) == colour(0), colour(-1)
    ('#086f9e', True, '#9aa1a9')
    """
    return UNKNOWN if code < 0 else COLOURS[code % len(COLOURS)]


def symbol(code: int) -> tuple[str, str]:
    """Return Matplotlib's and Plotly's name of the symbol of a class.

    >>> symbol(3), symbol(13)
    (('o', 'circle'), ('s', 'square'))
    """
    return SYMBOLS[max(code, 0) // len(COLOURS) % len(SYMBOLS)]
