"""Published figures beside a study's own: each to the rows that stand for it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from semimetric.studies.tables.published_files import read_published
from semimetric.studies.tables.table import PUBLISHED, RUN, Block, Cell, Line, Table, Value
from semimetric.studies.tables.table_spec import Published
from semimetric.studies.tables.wording import name_metric, place_in_words


@dataclass(frozen=True)
class Figure:
    """One published number: the metric and the row of the study that it is of, and what must be the same there."""

    metric: str
    value: float
    row: str
    place: tuple[tuple[str, Value], ...]


def figures_of(published: Published) -> list[Figure]:
    """Return the published figures that a study's rows stand for, in the order of the file.

    Examples
    --------
    >>> figures_of(
    ...     Published(
    ...         file="tvae2018_table1.csv",
    ...         rows={"TVAE": {"model": "tvae"}},
    ...         keys={"dataset": "dataset"},
    ...         metrics={"triplet_order_accuracy": "triplet_accuracy"},
    ...     )
    ... )[0]
    Figure(metric='triplet_order_accuracy', value=0.956, row='TVAE', place=(('dataset', 'mnist'),))
    """
    figures = []
    for line in read_published(published.file):
        if not _has(line, published.where):
            continue
        rows = [name for name, where in published.rows.items() if _has(line, where)]
        place = tuple(
            (key.key, _translated(line[column], key.values))
            for column, key in published.keys.items()
            if line[column] != ""
        )
        for metric, source in published.metrics.items():
            if line[source.column] != "" and _has(line, source.where):
                figures += [Figure(metric, float(line[source.column]), row, place) for row in rows]
    return figures


def same(a: Value, b: Value) -> bool:
    """Whether two values are the same; numbers by what they are worth.

    >>> same(1, 1.0), same(0.1, "0.1"), same(None, None), same("mnist", "digits")
    (True, False, True, False)
    """
    if _is_number(a) and _is_number(b):
        return math.isclose(a, b, rel_tol=1e-9)  # type: ignore[arg-type]
    return type(a) is type(b) and a == b


def set_beside(table: Table, published: Published) -> None:
    """Write each published figure into the cells that it fits.

    One that fits none, but a block, becomes a row of that block; one that fits no block goes to ``unmatched``.
    """
    table.citation = published.citation or f"published figures: {published.file}"
    shown = {metric.key for metric in table.metrics}
    rows: dict[str, list[tuple[Block, Line]]] = {}
    for block in table.blocks:
        for line in block.lines:
            if line.kind == RUN:
                rows.setdefault(line.name, []).append((block, line))
    alone: dict[tuple[str, tuple[tuple[str, Value], ...]], dict[str, float]] = {}
    for figure in figures_of(published):
        if figure.metric not in shown:
            continue
        found = [line for block, line in rows.get(figure.row, ()) if _agrees(figure, {**line.place, **block.place})]
        for line in found:
            line.cells.setdefault(figure.metric, Cell()).published = figure.value
        if not found:
            alone.setdefault((figure.row, figure.place), {})[figure.metric] = figure.value
    for (row, place), values in alone.items():
        blocks = list(_blocks_of(table, dict(place)))
        for block in blocks:
            rest = {key: value for key, value in place if key not in block.place}
            cells = {metric: Cell(published=value) for metric, value in values.items()}
            _insert(block, Line(row, rest, PUBLISHED, cells))
        if not blocks:
            told = ", ".join(f"{name_metric(metric)} {value:g}" for metric, value in values.items())
            table.unmatched.append(f"{row}, {place_in_words(dict(place))}: {told}")


def _insert(block: Block, new: Line) -> None:
    """Put a line after the last of its name, else after the last run."""
    alike = [i for i, line in enumerate(block.lines) if line.name == new.name and line.kind != "baseline"]
    runs = [i for i, line in enumerate(block.lines) if line.kind != "baseline"]
    block.lines.insert(max(alike or runs or [-1]) + 1, new)


def _blocks_of(table: Table, place: dict[str, Value]) -> Iterator[Block]:
    """Yield the blocks that a place is in: it must name what tells blocks apart, and contradict nothing."""
    if all(key in place for key in table.varying):
        for block in table.blocks:
            if all(same(value, place[key]) for key, value in block.place.items() if key in place):
                yield block


def _agrees(figure: Figure, place: dict[str, Value]) -> bool:
    return all(key in place and same(place[key], value) for key, value in figure.place)


def _has(line: dict[str, str], wanted: dict[str, Value]) -> bool:
    return all(same(_read(line[column]), _read(value)) for column, value in wanted.items())


def _translated(text: str, values: dict[int | float | str, Value]) -> Value:
    value = _read(text)
    for theirs, ours in values.items():
        if same(_read(theirs), value):
            return ours
    return value


def _read(value: Value) -> Value:
    """Read a cell: a number where it is one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def metrics_with_figures(table: Table) -> set[str]:
    """Return the metrics that have a published figure in the table."""
    return {
        metric
        for block in table.blocks
        for line in block.lines
        for metric, cell in line.cells.items()
        if cell.published is not None
    }
