"""Results gathered into blocks and rows, in one pass."""

import math
from collections.abc import Callable, Mapping, Sequence

from semimetric.studies.tables.table import BASELINE, Block, Cell, Line, Place, Value
from semimetric.studies.tables.wording import BASELINES, place_in_words
from semimetric.studies.task import Result

NOT_SHOWN = ("seed", "row")

At = tuple[Value, ...]


class Gathering:
    """Collects results into blocks and lines.

    failures : reason → where it came up.
    """

    def __init__(self, block_keys: Sequence[str], metrics: Sequence[str], baselines: Sequence[str]) -> None:
        self.failures: dict[str, list[Place]] = {}
        self._block_keys = block_keys
        self._metrics = metrics
        self._baselines = baselines
        self._blocks: dict[At, Block] = {}
        self._lines: dict[tuple[object, ...], Line] = {}
        self._floors: dict[At, dict[str, Line]] = {}
        self._seen: set[tuple[object, ...]] = set()

    def add(self, result: Result) -> None:
        """Put one result in its place; ValueError if there is one already, seed included."""
        place, seed = result.place, result.place.get("seed")
        at = tuple(place.get(key) for key in self._block_keys)
        line, identity = self._line(place, at)
        if (*identity, seed) in self._seen:
            raise ValueError(
                f"two results stand at the same place, {place_in_words(place)}: give the rows of the study names "
                "or arguments that tell them apart"
            )
        self._seen.add((*identity, seed))
        line.seconds += result.seconds
        if result.status == "done":
            line.done += 1
            for metric in self._metrics:
                if metric in result.metrics:
                    _note(line, metric, seed, result.metrics[metric])
            self._add_baselines(at, seed, result.metrics)
        elif result.status == "failed":
            line.failed += 1
            reason = (result.error.strip().splitlines() or ["no reason was recorded"])[-1]
            self.failures.setdefault(reason, []).append(place)
        else:
            line.missing += 1

    def sorted_blocks(self) -> list[Block]:
        """Return the blocks by their values, each with its baselines last."""
        for at, floors in self._floors.items():
            for name in self._baselines:
                if name in floors:
                    line = floors[name]
                    line.done = max(cell.n for cell in line.cells.values())
                    self._blocks[at].lines.append(line)
        return [self._blocks[at] for at in sorted(self._blocks, key=_rank(self._blocks))]

    def _line(self, place: Place, at: At) -> tuple[Line, tuple[object, ...]]:
        if at not in self._blocks:
            self._blocks[at] = Block(dict(zip(self._block_keys, at, strict=True)))
        rest = {k: v for k, v in place.items() if k not in NOT_SHOWN and k not in self._block_keys}
        identity = (at, place.get("row"), *sorted(rest.items(), key=lambda item: item[0]))
        if identity not in self._lines:
            self._lines[identity] = Line(str(place.get("row") or ""), rest)
            self._blocks[at].lines.append(self._lines[identity])
        return self._lines[identity], identity

    def _add_baselines(self, at: At, seed: Value, metrics: Mapping[str, float | None]) -> None:
        """Keep the baselines' scores, once per seed: every run of a block and a seed has the same."""
        for baseline in self._baselines:
            for metric in self._metrics:
                value = metrics.get(f"{baseline}.{metric}")
                if value is not None and math.isfinite(value):
                    floors = self._floors.setdefault(at, {})
                    line = floors.setdefault(baseline, Line(BASELINES[baseline], {}, BASELINE))
                    if metric not in line.cells or seed not in line.cells[metric].values:
                        _note(line, metric, seed, value)


def _note(line: Line, metric: str, seed: Value, value: float | None) -> None:
    cell = line.cells.setdefault(metric, Cell())
    if value is None or not math.isfinite(value):
        cell.undefined += 1
    else:
        cell.values[seed] = float(value)


def _rank(blocks: Mapping[At, Block]) -> Callable[[At], tuple[tuple[int, float], ...]]:
    """Return the key by which blocks are sorted: numbers by size, all labels last, words as they came."""
    came: dict[Value, int] = {}
    for at in blocks:
        for value in at:
            came.setdefault(value, len(came))

    def key(at: At) -> tuple[tuple[int, float], ...]:
        return tuple(
            (2, 0.0)
            if value is None
            else (0, float(value))
            if isinstance(value, int | float) and not isinstance(value, bool)
            else (1, float(came[value]))
            for value in at
        )

    return key
