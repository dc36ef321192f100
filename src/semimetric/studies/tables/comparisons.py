"""Two rows of a table, paired by seed, and the test of their difference.

The test is Student's t-test of the paired differences, two-sided. With the three to five seeds of a study Wilcoxon's
signed-rank test can say nothing: its smallest p is .25 with three pairs and .0625 with five. The t-test assumes that
differences between runs are near normal, which means of test scores are. Below three pairs there is no test.
"""

import math
from collections.abc import Hashable, Iterator, Sequence

from semimetric.studies.tables.published_figures import same
from semimetric.studies.tables.table import Block, Comparison, Line, Metric, Table, Value
from semimetric.studies.tables.table_spec import Selector
from semimetric.studies.tables.wording import BASELINES, place_in_words, value_in_words

FEWEST = 3
"""Pairs below which there is no test."""


def paired_t_test(differences: Sequence[float]) -> tuple[float | None, float | None, float | None, str]:
    """Return mean, standard deviation and two-sided p of paired differences, and why there is no p.

    Examples
    --------
    >>> mean, sd, p, why = paired_t_test([1.0, 2.0, 3.0])
    >>> mean, sd, round(p, 4)
    (2.0, 1.0, 0.0742)
    >>> paired_t_test([0.5, 0.25])[2:]
    (None, 'fewer than three pairs')
    """
    from scipy.special import stdtr

    n = len(differences)
    if n == 0:
        return None, None, None, "no pairs"
    mean = math.fsum(differences) / n
    if n == 1:
        return mean, None, None, "one pair"
    sd = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
    if n < FEWEST:
        return mean, sd, None, "fewer than three pairs"
    if sd <= 1e-12 * abs(mean) or sd == 0:
        return mean, sd, None, "every difference is the same"
    return mean, sd, float(2 * stdtr(n - 1, -abs(mean) / sd * math.sqrt(n))), ""


def compare(table: Table, pairs: Sequence[tuple[Selector, Selector]]) -> Iterator[Comparison]:
    """Yield each pair of rows in each block, and then over all blocks.

    Over all blocks the unit is the seed: its differences are averaged over the blocks that have both rows, so that
    several blocks of one seed, which share its labels, do not count as several seeds. Seeds that are missing in a
    block are left out there.
    """
    for metric in table.metrics:
        for left, right in pairs:
            over: dict[tuple[str, str], list[dict[Hashable, float]]] = {}
            for block in table.blocks:
                for a, b in _partners(block, left, right):
                    differences = _by_seed(metric, a, b)
                    if differences is None:
                        continue
                    names = name_line(a, table.row_keys), name_line(b, table.row_keys)
                    over.setdefault(names, []).append(differences)
                    yield _comparison(metric, block, names, list(differences.values()))
            for names, blocks in over.items():
                if len(blocks) > 1:
                    seeds = set(blocks[0]).intersection(*blocks[1:])
                    means = [math.fsum(d[seed] for d in blocks) / len(blocks) for seed in blocks[0] if seed in seeds]
                    yield _comparison(metric, None, names, means)


def name_line(line: Line, keys: Sequence[str]) -> str:
    """Return what a row is called: its name, and the values of the keys that tell it from others of the name.

    >>> name_line(Line("DML autoencoder", {"alpha": 0.5, "epochs": 4}), ["alpha"])
    'DML autoencoder, α = 0.5'
    """
    rest = place_in_words(line.place, [key for key in keys if key in line.place])
    return ", ".join(filter(None, (line.name, rest))) or "(all)"


def _comparison(metric: Metric, block: Block | None, names: tuple[str, str], differences: list[float]) -> Comparison:
    mean, sd, p, why = paired_t_test(differences)
    place = None if block is None else block.place
    return Comparison(metric.key, place, *names, len(differences), mean, sd, p, why)


def _by_seed(metric: Metric, a: Line, b: Line) -> dict[Hashable, float] | None:
    """Return left less right by seed; None if one of them does not have the metric at all."""
    if metric.key not in a.cells or metric.key not in b.cells:
        return None
    left, right = a.cells[metric.key].values, b.cells[metric.key].values
    return {seed: value - right[seed] for seed, value in left.items() if seed in right}


def _partners(block: Block, left: Selector, right: Selector) -> Iterator[tuple[Line, Line]]:
    """Yield the lines of a pair; where the right fits several, the one that shares most of the left's values."""
    rights = [line for line in block.lines if _fits(line, right)]
    for a in (line for line in block.lines if _fits(line, left)):
        others = [line for line in rights if line is not a]
        if others:
            yield a, max(others, key=lambda b: sum(same(v, b.place.get(k)) for k, v in a.place.items()))


def _fits(line: Line, selector: Selector) -> bool:
    if line.kind == "published":
        return False
    if isinstance(selector, str):
        return line.name in (selector, BASELINES.get(selector)) or _is_only_value(line, selector)
    return all(
        line.name == value if key == "row" else key in line.place and same(line.place[key], value)
        for key, value in selector.items()
    )


def _is_only_value(line: Line, selector: str) -> bool:
    """Whether a row without a name has this value, as a grid of presets has."""
    return not line.name and selector in [_said(key, value) for key, value in line.place.items()]


def _said(key: str, value: Value) -> str:
    return value_in_words(key, value)
