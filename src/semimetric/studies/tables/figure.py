"""The score against the label budget, as a picture: one line per row, published figures as hollow marks."""

import io
import warnings
from collections.abc import Mapping
from typing import Any

from semimetric.studies.tables.panels import Curve, Panels
from semimetric.studies.tables.table import BASELINE, Table
from semimetric.studies.tables.wording import key_in_words

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's, without their yellow, which white swallows; a new marker and dash for every further seven."""
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
LONGEST = 80
DASHES = ("-", "--", ":", "-.")
INK, MUTED, GRID = "#1d2127", "#68707a", "#e4e7eb"


def draw(table: Table, panels: Panels, kind: str) -> bytes:
    """Return the picture as ``"png"`` or ``"svg"``."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = min(len(panels.curves), 3)
    down = -(-len(panels.curves) // across)
    content = io.BytesIO()
    with rc_context(_LOOK), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        width = 5.2 if across == 1 else 3.6 * across + 0.6
        handles = _handles(panels)
        columns = max(1, int(width / (0.7 + 0.072 * max(len(handle.get_label()) for handle in handles))))
        size = (width, 3.0 * down + 0.2 * -(-len(handles) // columns) + 0.3)
        figure: Any = Figure(figsize=size, dpi=200, facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes, (title, curves) in zip(grid.ravel(), panels.curves.items(), strict=False):
            _panel(axes, title, curves, panels)
        for axes in grid.ravel()[len(panels.curves) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel(table.metrics[0].label)
        figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=3)
        figure.set_layout_engine("constrained")
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(content, format=kind, metadata=metadata)
    return content.getvalue()


def _panel(axes: Any, title: str, curves: Mapping[str, Curve], panels: Panels) -> None:
    names = [name for name, _ in panels.rows]
    for name, curve in curves.items():
        style = _style(names.index(name), panels)
        points = sorted(curve.points.items())
        xs = [x for x, _ in points]
        means = [mean for _, (mean, _) in points]
        axes.plot(xs, means, label=name, zorder=3, **style)
        spread = [(x, mean, sd) for x, (mean, sd) in points if sd is not None]
        if len(spread) > 1:
            low, high = [m - sd for _, m, sd in spread], [m + sd for _, m, sd in spread]
            axes.fill_between([x for x, *_ in spread], low, high, color=style["color"], alpha=0.12, linewidth=0)
        for x, mean, sd in spread:
            axes.plot([x, x], [mean - sd, mean + sd], color=style["color"], linewidth=1, zorder=2)
        hollow = {"markerfacecolor": "white", "markeredgecolor": style["color"], "marker": style["marker"]}
        found = sorted(curve.published.items())
        axes.plot([x for x, _ in found], [y for _, y in found], linestyle="", markersize=6, zorder=4, **hollow)
    axes.set_title(title)
    axes.set_xlabel({"latent_dim": "latent dimensions, d"}.get(panels.key, key_in_words(panels.key)))
    ticks = dict(panels.ticks)
    if all(x > 0 for x in ticks) and max(ticks) > 20 * min(ticks):
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.grid(axis="y")
    axes.margins(x=0.06)


def _style(index: int, panels: Panels) -> dict[str, Any]:
    """Return how a row looks: colour and marker together, so that either alone is not needed; baselines are grey."""
    baseline = panels.rows[index][1] == BASELINE
    order = sum(kind == panels.rows[index][1] for _, kind in panels.rows[:index])
    style = {"linewidth": 1.6, "markersize": 5, "marker": MARKERS[(index + index // len(MARKERS)) % len(MARKERS)]}
    if baseline:
        return {**style, "color": MUTED, "linestyle": (":", "-.", "--")[order % 3], "linewidth": 1.1}
    return {**style, "color": COLOURS[order % len(COLOURS)], "linestyle": DASHES[order // len(COLOURS) % len(DASHES)]}


def _handles(panels: Panels) -> list[Any]:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…", **_style(index, panels))
        for index, (name, _) in enumerate(panels.rows)
    ]
    if any(curve.published for curves in panels.curves.values() for curve in curves.values()):
        hollow = Line2D([], [], label="hollow: published", linestyle="", marker="o", markersize=6)
        hollow.set(markerfacecolor="white", markeredgecolor=MUTED)
        handles.append(hollow)
    return handles


_LOOK: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,
    "svg.hashsalt": "semimetric",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}
