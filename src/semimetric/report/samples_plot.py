"""Samples and traversals as a picture: a grid of images and strips, or curves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.report.drawing import canvas
from semimetric.report.palette import ACCENT, GRID, MUTED
from semimetric.report.thumbnails import draw

WIDTH = 8.8  # inches
PER_LINE, GUTTER, PITCH, BETWEEN = 12, 1.85, 1.08, 0.55  # in sides of an image
SHADES = ("#a9d3e8", "#086f9e", "#052a3d")


@dataclass(frozen=True)
class Walk:
    """Decoded steps (t, …) along a dimension, numbered from 1, between two coordinates; None where not known."""

    steps: np.ndarray
    dimension: int | None
    ends: tuple[float, float] | None

    @property
    def name(self) -> str:
        """What the line is called."""
        return "" if self.dimension is None else f"dimension {self.dimension}"

    @property
    def range(self) -> str:
        """From where to where it goes."""
        return "" if self.ends is None else f"{short(self.ends[0])} to {short(self.ends[1])}"


def short(value: float) -> str:
    """Return a coordinate in three digits, with a real minus sign.

    >>> short(-2.0), short(0.12345), short(-0.0)
    ('−2', '0.123', '0')
    """
    return f"{value + 0.0:.3g}".replace("-", "−")


def of_images(samples: np.ndarray, walks: list[Walk]) -> bytes:
    """Return a grid of the samples (s, …), and below it a strip for each walk."""
    span = PER_LINE * PITCH - (PITCH - 1)
    lines = -(-len(samples) // PER_LINE)
    steps = max((len(walk.steps) for walk in walks), default=1)
    step = min(1.2, (span + 0.03) / steps)
    strip = step + 0.12
    gap = BETWEEN if lines and walks else 0
    width, height = GUTTER + span, lines * PITCH + gap + len(walks) * strip
    with canvas(WIDTH, WIDTH * height / width) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        for index, sample in enumerate(samples):
            line, column = divmod(index, PER_LINE)
            draw(axes, sample, GUTTER + column * PITCH, height - line * PITCH - 1, 1, (0, 1))
        if lines:
            _label(axes, height - 0.5, "samples", "from the prior")
        for place, walk in enumerate(walks):
            top = height - lines * PITCH - gap - place * strip
            side = step - 0.03
            for column, item in enumerate(walk.steps):
                draw(axes, item, GUTTER + column * step, top - side, side, (0, 1))
            _label(axes, top - side / 2, walk.name, walk.range)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()


def _label(axes: Any, y: float, name: str, below: str) -> None:
    both = bool(name) and bool(below)
    axes.text(GUTTER - 0.18, y + 0.14 * both, name, ha="right", va="center", fontsize=8.5)
    axes.text(GUTTER - 0.18, y - 0.14 * both, below, ha="right", va="center", fontsize=7.5, color=MUTED)


def of_vectors(samples: np.ndarray, walks: list[Walk], rows: np.ndarray) -> bytes:
    """Return the samples (s, features) as curves over the data's own range, and a panel of curves for each walk."""
    from matplotlib.colors import LinearSegmentedColormap

    across = min(3, max(1, len(walks)))
    down = -(-len(walks) // across)
    top = int(len(samples) > 0)
    with canvas(WIDTH, 0.5 + 2.5 * top + 1.9 * down) as (drawn, content):
        grid = drawn.add_gridspec(top + down, across, height_ratios=[1.3] * top + [1.0] * down)
        if top:
            _samples(drawn.add_subplot(grid[0, :]), samples, rows)
        shades = LinearSegmentedColormap.from_list("steps", SHADES)
        first = None
        for place, walk in enumerate(walks):
            axes = first = drawn.add_subplot(grid[top + place // across, place % across], sharex=first, sharey=first)
            for share, values in zip(np.linspace(0, 1, len(walk.steps)), walk.steps, strict=True):
                _curve(axes, values, color=shades(share), linewidth=1.1)
            ends = f"{short(walk.ends[0])} (light) to {short(walk.ends[1])} (dark)" if walk.ends else "light to dark"
            axes.set_title(", ".join(filter(None, (walk.name, ends))), fontsize=8.5, weight="normal")
            _dress(axes)
        drawn.supxlabel("feature", fontsize=8.5, color=MUTED)
        drawn.set_layout_engine("constrained")
    return content.getvalue()


def _samples(axes: Any, samples: np.ndarray, rows: np.ndarray) -> None:
    features = np.arange(1, samples.shape[1] + 1)
    if len(rows):
        low, high = np.quantile(rows, (0.05, 0.95), axis=0)
        look = {"color": GRID, "label": "the middle 90 % of the data", "zorder": 1}
        if len(features) > 1:
            axes.fill_between(features, low, high, linewidth=0, **look)
        else:
            axes.bar(features, high - low, 0.2, low, **look)
    for index, values in enumerate(samples):
        label = "samples from the prior" if index == 0 else None
        _curve(axes, values, color=ACCENT, linewidth=0.8, alpha=0.4 if len(samples) > 12 else 0.85, label=label)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    _dress(axes)


def _curve(axes: Any, values: np.ndarray, **look: Any) -> None:
    marker = "o" if len(values) <= 24 else None
    axes.plot(np.arange(1, len(values) + 1), values, marker=marker, markersize=2.4, markeredgewidth=0, **look)


def _dress(axes: Any) -> None:
    axes.grid(axis="y")
    axes.xaxis.get_major_locator().set_params(integer=True)
