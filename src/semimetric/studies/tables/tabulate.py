"""From the results of a study to its table: grouped, averaged over seeds, marked, set beside published figures."""

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from semimetric.studies.tables.comparisons import compare
from semimetric.studies.tables.gathering import Gathering
from semimetric.studies.tables.published_figures import set_beside
from semimetric.studies.tables.table import RUN, Block, Failure, Metric, Place, Table, Value
from semimetric.studies.tables.table_spec import TableSpec
from semimetric.studies.tables.wording import digits_for, name_metric, place_in_words, round_half_away
from semimetric.studies.task import Result

BLOCK_KEYS = ("dataset", "labels", "percent", "latent_dim")
_ABSENT = "\0absent"  # no value of a file can be this


class Tabled(Protocol):
    """What a table needs to know of a study."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def metrics(self) -> Sequence[str]: ...
    @property
    def table(self) -> TableSpec | None: ...
    @property
    def budget(self) -> str: ...


def tabulate(study: Tabled, results: Iterable[Result]) -> Table:
    """Return the table of a study's results.

    Results that differ in their seed alone are one row of one block. A block is what has the same values for the
    keys of ``table.blocks``; rows keep the order of the results, blocks go by their values.

    Parameters
    ----------
    study
        With ``name``, ``title``, ``description``, ``metrics`` (the main one first), ``table`` and ``budget``.
    results : results
        In the order in which the table is to have its rows.

    Raises
    ------
    ValueError
        If two results stand at the same place, seed included.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> study = SimpleNamespace(
    ...     name="mine", title="", description="", metrics=["knn_accuracy"], table=None, budget="full"
    ... )
    >>> results = [
    ...     Result({"labels": 60, "preset": "dml", "seed": seed}, "done", {"knn_accuracy": value}, 9.0)
    ...     for seed, value in enumerate((0.5, 0.75))
    ... ]
    >>> cell = tabulate(study, results).blocks[0].lines[0].cells["knn_accuracy"]
    >>> cell.mean, round(cell.sd, 3), cell.n
    (0.625, 0.177, 2)
    """
    spec = study.table or TableSpec()
    results = list(results)
    present = {key for result in results for key in result.place}
    block_keys = tuple(key for key in dict.fromkeys(("dataset", *(spec.blocks or BLOCK_KEYS))) if key in present)
    wanted = tuple(dict.fromkeys(study.metrics))
    gathered = Gathering(block_keys, wanted, spec.baselines)
    for result in results:
        gathered.add(result)
    blocks = gathered.sorted_blocks()
    row_keys = _row_keys(blocks)
    told = ("row", *row_keys, *block_keys, "seed")
    table = Table(
        name=study.name,
        title=study.title or study.name,
        description=study.description or "",
        budget=study.budget or "",
        metrics=[_metric(key, blocks, spec) for key in wanted],
        block_keys=block_keys,
        row_keys=row_keys,
        blocks=blocks,
        failures=[
            Failure(error, tuple(place_in_words(place, told) for place in places))
            for error, places in gathered.failures.items()
        ],
        notes=list(spec.notes),
        seconds=math.fsum(result.seconds for result in results),
        runs=sum(result.status == "done" for result in results),
    )
    if spec.published is not None:
        set_beside(table, spec.published)
    _mark_best(table)
    table.comparisons = list(compare(table, spec.compare))
    return table


def _row_keys(blocks: Sequence[Block]) -> tuple[str, ...]:
    """Return the keys whose values tell rows of one name apart, in the order in which they come up."""
    values: dict[str, dict[str, set[Value]]] = {}
    order: dict[str, None] = {}
    by_name: dict[str, list[Place]] = {}
    for block in blocks:
        for line in block.lines:
            by_name.setdefault(line.name, []).append(line.place)
            order.update(dict.fromkeys(line.place))
    for name, places in by_name.items():
        for key in order:
            values.setdefault(key, {})[name] = {place.get(key, _ABSENT) for place in places}
    return tuple(key for key in order if any(len(each) > 1 for each in values[key].values()))


def _metric(key: str, blocks: Sequence[Block], spec: TableSpec) -> Metric:
    better = 0 if key in spec.unranked else -1 if key in spec.lower_is_better else 1
    cells = [line.cells[key] for block in blocks for line in block.lines if key in line.cells]
    return Metric(key, name_metric(key), better, digits_for(v for cell in cells for v in cell.values.values()))


def _mark_best(table: Table) -> None:
    """Mark the best of each block's runs; those that the shown digits do not tell apart are all marked."""
    for metric in table.metrics:
        if not metric.better:
            continue
        for block in table.blocks:
            cells = [line.cells[metric.key] for line in block.lines if line.kind == RUN and metric.key in line.cells]
            shown = [(round_half_away(c.mean, metric.digits), c) for c in cells if c.mean is not None]
            if len(shown) > 1:
                best = max(metric.better * value for value, _ in shown)
                for value, cell in shown:
                    cell.best = metric.better * value == best
