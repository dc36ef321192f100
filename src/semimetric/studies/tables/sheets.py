"""A table laid out in words: heads, rows and entries, which each format then writes in its own marks."""

from dataclasses import dataclass

from semimetric.studies.tables.leaders import leaders
from semimetric.studies.tables.published_figures import metrics_with_figures
from semimetric.studies.tables.table import BASELINE, PUBLISHED, RUN, Cell, Line, Metric, Place, Table
from semimetric.studies.tables.wording import (
    key_in_words,
    mean_and_sd,
    number,
    p_value,
    place_in_words,
    value_in_words,
)


@dataclass(frozen=True)
class Entry:
    """One cell in words; ``best`` is to be seen at a glance, ``muted`` is beside the point."""

    text: str
    best: bool = False
    muted: bool = False


@dataclass(frozen=True)
class Sheet:
    """One table of a page: a caption, a head, and groups of rows with a line between them.

    words : how many of the first columns hold words; the others hold numbers.
    """

    caption: str
    head: tuple[str, ...]
    groups: tuple[tuple[tuple[Entry, ...], ...], ...]
    words: int
    name: str = ""


BESIDE = ("published", "difference")
"""What stands in the columns after a metric that has published figures."""


def sheets_of(table: Table) -> list[Sheet]:
    """Return the sheets of a table: the scores; the best beside the published best; the comparisons."""
    sheets = [_scores(table)]
    ahead = leaders(table)
    if ahead:
        sheets.append(_leaders(table))
    if table.comparisons:
        sheets.append(_comparisons(table))
    return sheets


def _scores(table: Table) -> Sheet:
    keys = table.varying
    lines = [line for block in table.blocks for line in block.lines]
    named = any(line.name for line in lines)
    beside = set(metrics_with_figures(table))
    head = [*(key_in_words(key) for key in keys), *(["row"] if named else []), *map(key_in_words, table.row_keys)]
    words = len(head)
    head.append("seeds")
    for metric in table.metrics:
        head += [metric.label, *(BESIDE if metric.key in beside else ())]
    groups = []
    for block in table.blocks:
        rows = []
        for number_of_row, line in enumerate(block.lines):
            place = [Entry(value_in_words(key, block.place[key]), muted=number_of_row > 0) for key in keys]
            row = [*place, *([Entry(line.name, muted=line.kind != RUN)] if named else [])]
            row += [Entry(value_in_words(key, line.place[key]) if key in line.place else "") for key in table.row_keys]
            row.append(Entry(seeds_of(line), muted=line.done <= 1))
            for metric in table.metrics:
                row.append(score_of(line, metric))
                if metric.key in beside:
                    row += _published(line.cells.get(metric.key), metric)
            rows.append(tuple(row))
        groups.append(tuple(rows))
    fixed = {key: value for block in table.blocks for key, value in block.place.items() if key not in keys}
    caption = "Scores" + (f": {place_in_words(fixed)}" if fixed else "")
    return Sheet(caption, tuple(head), tuple(groups), words, "scores")


def seeds_of(line: Line) -> str:
    """Return how many seeds a row has.

    >>> seeds_of(Line("DML", {}, done=1)), seeds_of(Line("DML", {}, done=2, failed=1))
    ('one seed', '2 (1 failed)')
    """
    if line.kind == PUBLISHED:
        return ""
    lost = [f"{line.failed} failed"] if line.failed else []
    lost += [f"{line.missing} missing"] if line.missing else []
    return ("one seed" if line.done == 1 else str(line.done)) + (f" ({', '.join(lost)})" if lost else "")


def score_of(line: Line, metric: Metric) -> Entry:
    """Return one score in words, or why there is none.

    >>> score_of(Line("DML", {}, failed=1), Metric("knn_accuracy", "kNN accuracy")).text
    'failed'
    """
    cell = line.cells.get(metric.key)
    if cell is None or cell.mean is None:
        return Entry(_absent(line, cell), muted=True)
    told = mean_and_sd(cell.mean, cell.sd, metric)
    lost = [f"{cell.undefined} undefined"] if cell.undefined else []
    if cell.n + cell.undefined < line.done:
        lost.append(f"{line.done - cell.n - cell.undefined} not computed")
    return Entry(told + (f" ({', '.join(lost)})" if lost else ""), best=cell.best, muted=line.kind == BASELINE)


def _absent(line: Line, cell: Cell | None) -> str:
    if line.kind == PUBLISHED:
        return "not run"
    if cell is not None and cell.undefined:
        return "undefined"
    if line.done:
        return "–"
    if line.failed and line.missing:
        return "failed, missing"
    return "failed" if line.failed else "missing"


def _published(cell: Cell | None, metric: Metric) -> list[Entry]:
    if cell is None or cell.published is None:
        return [Entry(""), Entry("")]
    difference = cell.difference
    return [
        Entry(number(cell.published, metric.digits)),
        Entry("" if difference is None else number(difference, metric.digits, signed=True)),
    ]


def _leaders(table: Table) -> Sheet:
    keys = table.varying
    head = [*map(key_in_words, keys), "metric", "our best", "published best", "score", "published", "difference"]
    groups = []
    for block in table.blocks:
        rows = []
        for leader in (leader for leader in leaders(table) if leader.block is block):
            metric = leader.metric
            ours = "" if leader.ours is None else number(leader.ours, metric.digits)
            theirs = number(leader.published, metric.digits)
            difference = (
                "" if leader.ours is None else number(leader.ours - leader.published, metric.digits, signed=True)
            )
            row = [Entry(value_in_words(key, block.place[key])) for key in keys]
            row += [Entry(metric.label), Entry(leader.name or "no run"), Entry(leader.published_name)]
            row += [Entry(ours, best=leader.reached), Entry(theirs), Entry(difference)]
            rows.append(tuple(row))
        if rows:
            groups.append(tuple(rows))
    return Sheet("Our best beside the published best", tuple(head), tuple(groups), len(keys) + 3, "best")


def _comparisons(table: Table) -> Sheet:
    labels = {metric.key: metric for metric in table.metrics}
    main = table.metrics[0]
    head = ("block", "left", "right", "pairs", f"left − right, {main.label}", "sd", "p")
    groups: list[tuple[tuple[Entry, ...], ...]] = []
    shown = [c for c in table.comparisons if c.metric == main.key]
    for pair in dict.fromkeys((c.left, c.right) for c in shown):
        rows = []
        for c in (c for c in shown if (c.left, c.right) == pair):
            digits = labels[c.metric].digits
            place = "all blocks" if c.block is None else _block_name(c.block, table)
            rows.append(
                (
                    Entry(place),
                    Entry(c.left),
                    Entry(c.right),
                    Entry(str(c.n)),
                    Entry("" if c.difference is None else number(c.difference, digits, signed=True)),
                    Entry("" if c.sd is None else number(c.sd, digits)),
                    Entry(f"none: {c.why}" if c.p is None else p_value(c.p), muted=c.p is None),
                )
            )
        groups.append(tuple(rows))
    return Sheet("Rows compared, paired by seed", head, tuple(groups), 3, "comparisons")


def _block_name(place: Place, table: Table) -> str:
    return place_in_words(place, table.varying) or "the only block"
