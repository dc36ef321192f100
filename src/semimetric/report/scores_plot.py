"""The scores as a picture: a line per metric, a mark per column."""

import math

from semimetric.evaluation.tables import ScoreRow
from semimetric.report.drawing import canvas
from semimetric.report.palette import ACCENT, GRID, INK, MUTED

SHAPES = ("s", "D", "^", "v", "P")
"""Of the baselines, so that they can be told apart without colour."""


def number(value: float | None) -> float | None:
    """Return a score that exists, None for one that is undefined or was not computed."""
    return None if value is None or math.isnan(value) else value


def picture(rows: list[ScoreRow], columns: dict[str, str]) -> bytes:
    """Return the dot plot: a line per metric, a mark per column."""
    gaps = [index for index in range(1, len(rows)) if rows[index].group != rows[index - 1].group]
    heights = [index + 1.3 * sum(gap <= index for gap in gaps) for index in range(len(rows))]
    with canvas(7.2, 1.3 + 0.235 * (heights[-1] + 1)) as (figure, content):
        axes = figure.subplots()
        for height in heights:
            axes.plot([0, 1], [height, height], color=GRID, linewidth=0.8, zorder=1)
        for order, (name, label) in enumerate(columns.items()):
            found = [(row.values[name], h) for row, h in zip(rows, heights, strict=True)]
            found = [(value, h) for value, h in found if number(value) is not None]
            marker, colour = ("o", ACCENT) if order == 0 else (SHAPES[(order - 1) % len(SHAPES)], MUTED)
            face = colour if order == 0 else "white"
            axes.scatter(
                [value for value, _ in found],
                [h for _, h in found],
                s=52 if order == 0 else 26,
                marker=marker,
                facecolor=face,
                edgecolor=colour,
                linewidth=1.1,
                label=label,
                zorder=3 if order == 0 else 2,
                clip_on=False,
            )
        axes.set_yticks(heights, [row.label for row in rows])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        every = [score for row in rows for value in row.values.values() if (score := number(value)) is not None]
        axes.set_xlim(min(0.0, *every, 0.0), 1)
        axes.set_ylim(heights[-1] + 0.7, -0.9)
        axes.spines["left"].set_visible(False)
        for index in (0, *gaps):
            axes.text(0, heights[index] - 0.72, rows[index].group, color=MUTED, fontsize=7.5, va="center")
        figure.legend(loc="outside upper left", ncols=len(columns), handletextpad=0.2, columnspacing=1.4)
        figure.set_layout_engine("constrained")
    return content.getvalue()
