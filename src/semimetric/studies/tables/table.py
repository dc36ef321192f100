"""The table of a study, in memory: what every format is written from."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

Value = str | int | float | bool | None
Place = Mapping[str, Value]

RUN, BASELINE, PUBLISHED = "run", "baseline", "published"


@dataclass(frozen=True)
class Metric:
    """One column: its key, its name for people, which way is better, and how many digits it is shown with.

    better : 1 if higher is better, −1 if lower, 0 if neither.
    """

    key: str
    label: str
    better: int = 1
    digits: int = 3


@dataclass
class Cell:
    """One metric of one row in one block.

    values : seed → value, of the runs that have one.
    undefined : how many runs ended without a number here.
    published : the published figure, where there is one.
    best : whether it is the block's best, or ties with it as far as the digits shown tell.
    """

    values: dict[Hashable, float] = field(default_factory=dict)
    undefined: int = 0
    published: float | None = None
    best: bool = False

    @property
    def n(self) -> int:
        """How many seeds."""
        return len(self.values)

    @cached_property
    def mean(self) -> float | None:
        """Over the seeds.

        >>> Cell({0: 0.25, 1: 0.75}).mean
        0.5
        """
        return math.fsum(self.values.values()) / self.n if self.values else None

    @cached_property
    def sd(self) -> float | None:
        """The standard deviation over the seeds, n − 1 in the denominator; None for fewer than two.

        >>> Cell({0: 1.0, 1: 2.0, 2: 3.0}).sd
        1.0
        """
        if self.mean is None or self.n < 2:
            return None
        return math.sqrt(math.fsum((value - self.mean) ** 2 for value in self.values.values()) / (self.n - 1))

    @property
    def difference(self) -> float | None:
        """Our mean less the published figure."""
        return None if self.mean is None or self.published is None else self.mean - self.published


@dataclass
class Line:
    """One row in one block.

    name : the row's name; empty where a study names none.
    place : what else tells it from other rows: every key but the seed and the block's.
    kind : ``"run"``, ``"baseline"``, or ``"published"`` for one that no run of the study stands for.
    cells : metric → cell.
    done, failed, missing : how many runs.
    seconds : their core-seconds.
    """

    name: str
    place: Place
    kind: str = RUN
    cells: dict[str, Cell] = field(default_factory=dict)
    done: int = 0
    failed: int = 0
    missing: int = 0
    seconds: float = 0.0

    @property
    def planned(self) -> int:
        """How many runs there are to be."""
        return self.done + self.failed + self.missing


@dataclass
class Block:
    """Rows that are compared with each other; ``place`` has one value for each of the table's block keys."""

    place: Place
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Two rows, paired by seed: left less right.

    block : the block's place; None for the means over all blocks.
    p : of a paired t-test, two-sided; None where there is none, and ``why`` says why.
    """

    metric: str
    block: Place | None
    left: str
    right: str
    n: int
    difference: float | None
    sd: float | None
    p: float | None
    why: str = ""


@dataclass(frozen=True)
class Failure:
    """Runs that failed in the same way."""

    error: str
    where: tuple[str, ...]


@dataclass
class Table:
    """A study's results.

    block_keys : the keys of every block's place, in order; row_keys : those of the rows' places that are shown.
    unmatched : published figures that fit no block, as words.
    """

    name: str
    title: str
    description: str
    budget: str
    metrics: list[Metric]
    block_keys: tuple[str, ...]
    row_keys: tuple[str, ...]
    blocks: list[Block]
    citation: str = ""
    comparisons: list[Comparison] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    runs: int = 0

    @property
    def varying(self) -> tuple[str, ...]:
        """The block keys that have more than one value."""
        return tuple(key for key in self.block_keys if len({block.place[key] for block in self.blocks}) > 1)
