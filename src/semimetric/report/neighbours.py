"""The nearest neighbours of some rows: what the space calls alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.report.drawing import canvas, shortened
from semimetric.report.palette import AGREES, DIFFERS, INK, MUTED
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.thumbnails import draw, images, span_of
from semimetric.report.view import View

NAME, TITLE = "neighbours", "Nearest neighbours"
NEIGHBOURS = 10
MOST_CLASSES, MOST_WRONG = 10, 3


@dataclass(frozen=True)
class Query:
    """A row of the data, its neighbours from the nearest on, and whether it was drawn for being mistaken."""

    row: int
    neighbours: np.ndarray
    mistaken: bool


def section(view: View) -> Section:
    """Return the picture, or why there is none."""
    rows = np.flatnonzero((view.shown >= 0) & np.isfinite(view.Z).all(axis=1))
    if len(rows) < 3:
        return absent(NAME, TITLE, "The run keeps the inputs of fewer than three rows, too few to have neighbours.")
    asked = queries(view, rows)
    near = np.array([neighbour for query in asked for neighbour in query.neighbours])
    owner = np.repeat([query.row for query in asked], [len(query.neighbours) for query in asked])
    comparable = (view.true[near] >= 0) & (view.true[owner] >= 0)
    same = int((view.true[near] == view.true[owner])[comparable].sum())
    text = (
        f"On the left {counted(len(asked), 'row')} drawn at random, then the rows nearest to each in the "
        f"latent space, among the {len(rows):,} whose inputs the run keeps."
    )
    alt = f"Nearest neighbours of {counted(len(asked), 'row')}."
    if comparable.any():
        score = _score(same, int(comparable.sum()), len(near))
        text += f" {score} Those of another class have a dashed frame, a cross and their class's name."
        alt += f" {score}"
    else:
        text += " None of the neighbours has a label to compare."
    if any(query.mistaken for query in asked):
        text += " The last rows were drawn from the wrong predictions."
    png = picture(view, asked)
    return Section(NAME, TITLE, paragraph(text) + figure(png, alt), png)


def _score(same: int, labelled: int, near: int) -> str:
    alike = "of the same class as their query"
    if labelled == near:
        return f"{same} of {near} neighbours are {alike}."
    some = f"{labelled} of {near} neighbours {'has a label' if labelled == 1 else 'have a label'}"
    return f"{some}, {same} of them {alike}; the others have a grey frame."


def queries(view: View, rows: np.ndarray, seed: int = 0) -> list[Query]:
    """Draw a row of each class, of at most ten, and up to three wrong predictions; find their neighbours."""
    random = np.random.default_rng(seed)
    mistakes = rows[view.wrong[rows]]
    ordinary = rows[~view.wrong[rows]]
    classes = np.unique(view.true[rows])
    classes = classes[classes >= 0] if (classes >= 0).any() else classes
    if len(classes) > MOST_CLASSES:
        classes = np.sort(random.choice(classes, MOST_CLASSES, replace=False))
    drawn = []
    for code in classes:
        members = ordinary[view.true[ordinary] == code]
        count = min(len(members), 1 if len(classes) > 3 else 2 if len(classes) > 1 else 4)
        drawn += [(int(row), False) for row in random.choice(members, count, replace=False)]
    wrong = random.choice(mistakes, min(MOST_WRONG, len(mistakes)), replace=False)
    drawn += [(int(row), True) for row in wrong]
    return [Query(row, _nearest(view.Z, rows, row), mistaken) for row, mistaken in drawn]


def _nearest(Z: np.ndarray, rows: np.ndarray, query: int) -> np.ndarray:
    others = rows[rows != query]
    distances = np.linalg.norm(Z[others] - Z[query], axis=1)
    return others[np.argsort(distances, kind="stable")[:NEIGHBOURS]]


def picture(view: View, asked: list[Query]) -> bytes:
    """Return the grid of queries and neighbours as a PNG."""
    inputs = view.inputs("shown_inputs")
    found = images(inputs)
    items = inputs.reshape(len(inputs), -1) if found is None else found
    span = span_of(items)
    across = max(len(query.neighbours) for query in asked)
    longest = max(len(name) for name in [*view.names, view.name(-1)])
    text, pitch, line, gap = (1.75 if longest <= 8 else 3.3), 1.17, 1.36, 0.45
    width, height = text + (1 + NEIGHBOURS) * pitch + gap, len(asked) * line + 0.32
    with canvas(8.8, 8.8 * height / width) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        first = text + pitch + gap
        axes.text(text + 0.5, height - 0.12, "query", ha="center", va="center", color=MUTED, fontsize=8.5)
        arrow = "nearest  →" if across < 3 else "nearest first  →"
        axes.text(first, height - 0.12, arrow, ha="left", va="center", color=MUTED, fontsize=8.5)
        for place, query in enumerate(asked):
            y = height - 0.32 - place * line - 1
            draw(axes, items[view.shown[query.row]], text, y, 1, span)
            _frame(axes, text, y, INK, "-", 0.8)
            _describe(axes, view, query, text - 0.2, y + 0.5)
            for step, row in enumerate(query.neighbours):
                x = first + step * pitch
                draw(axes, items[view.shown[row]], x, y, 1, span)
                _judge(axes, view, query.row, int(row), x, y)
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.axis("off")
    return content.getvalue()


def _describe(axes: Any, view: View, query: Query, x: float, y: float) -> None:
    name = shortened(view.name(int(view.true[query.row])), 16)
    mistaken = query.mistaken and view.predicted is not None
    axes.text(x, y + 0.17 * mistaken, name, ha="right", va="center", weight="bold")
    if mistaken and view.predicted is not None:
        taken = shortened(view.name(int(view.predicted[query.row])), 14)
        axes.text(x, y - 0.17, f"taken for {taken}", ha="right", va="center", color=DIFFERS, fontsize=8)


def _judge(axes: Any, view: View, query: int, row: int, x: float, y: float) -> None:
    if view.true[query] < 0 or view.true[row] < 0:
        return _frame(axes, x, y, MUTED, "-", 0.8)
    if view.true[query] == view.true[row]:
        return _frame(axes, x, y, AGREES, "-", 1.3)
    _frame(axes, x, y, DIFFERS, (0, (2.5, 1.5)), 2.0)
    name = shortened(view.name(int(view.true[row])), 10)
    axes.text(x + 0.5, y - 0.15, f"✗ {name}", ha="center", va="center", color=DIFFERS, fontsize=7, weight="bold")
    return None


def _frame(axes: Any, x: float, y: float, colour: str, line: Any, width: float) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (x - 0.03, y - 0.03),
            1.06,
            1.06,
            fill=False,
            edgecolor=colour,
            linestyle=line,
            linewidth=width,
            clip_on=False,
        )
    )
