"""A table as CSV, in the long form: one line per cell, numbers unrounded; and its comparisons likewise."""

import csv
import io
from collections.abc import Iterable, Sequence

from semimetric.studies.tables.comparisons import name_line
from semimetric.studies.tables.table import RUN, Block, Comparison, Line, Metric, Table, Value

_CELL = (
    *("n", "mean", "sd", "best", "published", "difference"),
    *("compared_with", "paired_n", "paired_difference", "paired_sd", "p"),
    *("done", "failed", "missing", "undefined", "seconds"),
)
_COMPARISON = ("metric", "left", "right", "n", "difference", "sd", "p", "why")


def to_csv(table: Table) -> str:
    """Return one line per block, row and metric.

    Columns: the block's keys, ``kind`` (run, baseline or published), ``row``, the row's keys, ``metric``, ``n``,
    ``mean``, ``sd``, ``best``, ``published``, ``difference`` (ours less published); ``compared_with`` and the paired
    difference, its spread and ``p`` of the first comparison that has the row on its left (`comparisons_to_csv` has
    all); how many runs are done, failed and missing, and how many are done without a number; ``seconds`` of the row.
    """
    rows = _own_keys(table)
    tests = _first_tests(table)
    head = [*table.block_keys, "kind", "row", *rows, "metric", *_CELL]
    return _written(head, (_cell(table, b, line, m, rows, tests) for b, line, m in _cells(table)))


def comparisons_to_csv(table: Table) -> str:
    """Return one line per comparison: the block's keys (empty: over all blocks), both rows, n, difference, sd, p."""
    head = [*table.block_keys, *_COMPARISON]
    lines = (
        [
            *(_value((c.block or {}).get(key), key in (c.block or {})) for key in table.block_keys),
            c.metric,
            c.left,
            c.right,
            c.n,
            *map(_number, (c.difference, c.sd, c.p)),
            c.why,
        ]
        for c in table.comparisons
    )
    return _written(head, lines)


Tests = dict[tuple[int, str, str], Comparison]


def _first_tests(table: Table) -> Tests:
    """Return the first comparison of each block, row and metric that has the row on its left."""
    at = {id(block.place): index for index, block in enumerate(table.blocks)}
    tests: Tests = {}
    for c in table.comparisons:
        if c.block is not None:
            tests.setdefault((at[id(c.block)], c.left, c.metric), c)
    return tests


def _cells(table: Table) -> Iterable[tuple[int, Line, Metric]]:
    for index, block in enumerate(table.blocks):
        for line in block.lines:
            for metric in table.metrics:
                if line.kind == RUN or metric.key in line.cells:
                    yield index, line, metric


def _cell(table: Table, at: int, line: Line, metric: Metric, rows: Sequence[str], tests: Tests) -> list[object]:
    block: Block = table.blocks[at]
    cell = line.cells.get(metric.key)
    test = tests.get((at, name_line(line, table.row_keys), metric.key))
    out: list[object] = [_value(block.place[key], True) for key in table.block_keys]
    out += [line.kind, line.name, *(_value(line.place.get(key), key in line.place) for key in rows), metric.key]
    if cell is None:
        out += [0, "", "", "", "", ""]
    else:
        out += [cell.n, _number(cell.mean), _number(cell.sd), int(cell.best), _number(cell.published)]
        out.append(_number(cell.difference))
    if test is None:
        out += [""] * 5
    else:
        out += [test.right, test.n, _number(test.difference), _number(test.sd), _number(test.p)]
    undefined = cell.undefined if cell is not None else 0
    return [*out, line.done, line.failed, line.missing, undefined, f"{line.seconds:.1f}"]


def _own_keys(table: Table) -> list[str]:
    """Return every key of the rows' places, those that a page does not show included."""
    return list(dict.fromkeys(key for block in table.blocks for line in block.lines for key in line.place))


def _number(value: float | None) -> str:
    return "" if value is None else repr(round(value, 12))


def _value(value: Value, present: bool) -> object:
    if not present:
        return ""
    return "none" if value is None else value


def _written(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()
