"""What the figure of a study shows: rows as curves, in panels, by a key whose values an axis can hold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semimetric.studies.tables.comparisons import name_line
from semimetric.studies.tables.published_figures import same
from semimetric.studies.tables.table import BASELINE, RUN, Table, Value
from semimetric.studies.tables.wording import place_in_words, value_in_words

MOST_ROWS = 12
MOST_PANELS = 6


@dataclass(frozen=True)
class Curve:
    """One row in one panel: score, spread and published figure by place on the axis."""

    points: Mapping[float, tuple[float, float | None]]
    published: Mapping[float, float]


@dataclass(frozen=True)
class Panels:
    """What is to be drawn: title → row → curve; the rows in order, and the axis' ticks."""

    key: str
    curves: Mapping[str, Mapping[str, Curve]]
    rows: Sequence[tuple[str, str]]
    ticks: Mapping[float, str]
    left_out: int


def axis_of(table: Table, against: str | None = None) -> str | None:
    """Return the key of the horizontal axis: the one asked for, else labels, percent, or another number that varies.

    None where nothing varies that could be one.
    """
    if against is not None:
        return against if against in table.varying else None
    numeric = [key for key in table.varying if all(_position(block.place[key]) is not None for block in table.blocks)]
    return next((key for key in ("labels", "percent") if key in numeric), next(iter(numeric), None))


def name_figure(key: str) -> str:
    """Return what the picture's files are called.

    >>> name_figure("labels"), name_figure("latent_dim")
    ('score-by-labels', 'score-by-latent-dim')
    """
    return f"score-by-{key.replace('_', '-')}"


def panels_of(table: Table, key: str) -> Panels:
    """Return what is to be drawn of a table's main metric."""
    metric = table.metrics[0]
    places = _places([block.place[key] for block in table.blocks])
    others = [k for k in table.varying if k != key]
    curves: dict[str, dict[str, dict[str, dict[float, Any]]]] = {}
    rows: dict[str, tuple[str, float]] = {}
    for block in table.blocks:
        title = place_in_words(block.place, others)
        x = _at(places, block.place[key])
        for line in block.lines:
            cell = line.cells.get(metric.key)
            if cell is None or (cell.mean is None and cell.published is None):
                continue
            name = name_line(line, table.row_keys)
            panel = curves.setdefault(title, {}).setdefault(name, {"points": {}, "published": {}})
            if cell.mean is not None:
                panel["points"][x] = (cell.mean, cell.sd)
                kind, best = rows.get(name, (line.kind, -math.inf))
                rows[name] = (kind, max(best, (metric.better or 1) * cell.mean))
            if cell.published is not None:
                panel["published"][x] = cell.published
    kept = _kept(rows)
    return Panels(
        key,
        {
            title: {name: Curve(**lines[name]) for name, _ in kept if name in lines}
            for title, lines in list(curves.items())[:MOST_PANELS]
        },
        kept,
        {x: value_in_words(key, value) for value, x in places},
        len(rows) - len(kept),
    )


def _kept(rows: Mapping[str, tuple[str, float]]) -> list[tuple[str, str]]:
    """Return the rows to draw with their kinds: all, or where they are many the baselines and the best."""
    runs = [name for name, (kind, _) in rows.items() if kind == RUN]
    best = set(sorted(runs, key=lambda name: -rows[name][1])[:MOST_ROWS])
    return [(name, kind) for name, (kind, _) in rows.items() if kind == BASELINE or name in best]


def _places(values: Sequence[Value]) -> list[tuple[Value, float]]:
    """Return each value with its place on the axis; "all" stands one step beyond the largest."""
    numbers = sorted({x for value in values if value is not None and (x := _position(value)) is not None})
    places: list[tuple[Value, float]] = [(x if x != int(x) else int(x), x) for x in numbers]
    if any(value is None for value in values):
        step = numbers[-1] / numbers[-2] if len(numbers) > 1 and numbers[-2] > 0 else 10.0
        places.append((None, numbers[-1] * max(step, 2.0) if numbers else 1.0))
    return places


def _at(places: Sequence[tuple[Value, float]], wanted: Value) -> float:
    return next(x for value, x in places if same(value, wanted))


def _position(value: Value) -> float | None:
    if value is None:
        return math.inf
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
