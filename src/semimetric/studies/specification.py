"""What a study's file may say: the names of its keys, their types, and what they are where they are absent."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PrivateAttr,
    Tag,
    model_validator,
)

from semimetric.evaluation.peers import PEERS
from semimetric.studies.tables.table_spec import TableSpec


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("must be a number of seeds, at least 1, or a list of seeds")
        return list(range(value))
    if not isinstance(value, list):
        raise ValueError("must be a number of seeds, at least 1, or a list of seeds")
    return value


def _seed(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError("must be a whole number from 0 to 2**32 − 1")
    return value


def _count(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("must be a number of labels, at least 1, or null for all there are")
    return value


def _percentage(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 100:
        raise ValueError("must be a percentage, above 0 and at most 100")
    return value


def _number(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError("must be a number")
    return value


def _kind(value: Any) -> str:
    return "by dataset" if isinstance(value, dict) else "for all"


def _scalar(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise ValueError("must be one value")
    return value


def _axis(value: Any) -> Any:
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)):
        raise ValueError("must be one value, or a list of values")
    return value if value != [] else _not_empty([])


def _not_empty(value: list[Any]) -> list[Any]:
    if not value:
        raise ValueError("must not be empty")
    return value


Some = AfterValidator(_not_empty)
Count = Annotated[Any, AfterValidator(_count)]
Percentage = Annotated[Any, AfterValidator(_percentage)]
Counts = Annotated[list[Count], BeforeValidator(_listed), Some]
Percentages = Annotated[list[Percentage], BeforeValidator(_listed), Some]
CountBudgets = Annotated[
    Annotated[Counts, Tag("for all")] | Annotated[dict[str, Counts], Tag("by dataset")], Discriminator(_kind)
]
PercentageBudgets = Annotated[
    Annotated[Percentages, Tag("for all")] | Annotated[dict[str, Percentages], Tag("by dataset")], Discriminator(_kind)
]
Seeds = Annotated[list[Annotated[Any, AfterValidator(_seed)]], BeforeValidator(_seeds), Some]
SeedsOfEach = Annotated[
    Annotated[Seeds, Tag("for all")] | Annotated[dict[str, Seeds], Tag("by dataset")], Discriminator(_kind)
]
Number = Annotated[Any, BeforeValidator(_number)]
Scalars = Annotated[list[Annotated[Any, AfterValidator(_scalar)]], BeforeValidator(_listed), Some]
Arguments = dict[str, Annotated[Any, AfterValidator(_scalar)]]


class Strict(BaseModel):
    """A part of a study's file: no other keys, no values turned into other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Space(Strict):
    """Where a search may choose one argument from: between ``low`` and ``high``, or among ``choices``."""

    low: Number = None
    high: Number = None
    log: bool = False
    choices: Scalars | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "Space":
        ranged = self.low is not None and self.high is not None
        if ranged == (self.choices is not None) or (self.low is None) != (self.high is None):
            raise ValueError("must have low and high, or choices")
        if ranged and not self.low < self.high:
            raise ValueError(f"must have low below high, not {self.low} and {self.high}")
        if self.log and not (ranged and self.low > 0):
            raise ValueError("must have low above 0 where log is true")
        return self


class Search(Strict):
    """A search, by Optuna, for the arguments with which the study's main metric is best."""

    method: Literal["tpe", "random"] = "tpe"
    trials: int = 50
    direction: Literal["maximize", "minimize"] = "maximize"
    space: dict[str, Space]
    prune: bool = True

    @model_validator(mode="after")
    def _something(self) -> "Search":
        if self.trials < 1:
            raise ValueError("must have trials of at least 1")
        if not self.space:
            raise ValueError("must have a space with at least one argument")
        return self


class Study(Strict):
    """A study: which runs, and what is reported of them.

    name, title, description : what it is called, and what it is, in a line and in full.
    dataset : list of names or paths. Given as one, too.
    loading : further arguments of `semimetric.data.load_dataset`.
    labels, percent : lists of label budgets, or one such list for each dataset by its name; one of the two at most.
        None in ``labels`` keeps all.
    balanced : whether kept labels are spread evenly over the classes.
    seeds : list of seeds, or one for each dataset by its name; given as a number n, 0 to n − 1.
    base : arguments of `semimetric.MetricEmbedder` for all runs.
    per_dataset : arguments for the runs of one dataset, by its name: instead of base's; a row's, the grid's and a
        search's own go before them.
    grid : argument to the list of its values, each crossed with each row.
    rows : arguments of each row of the table, a list of values being an axis of that row alone; ``name`` names the row.
    metrics : what is reported; the first is the main one.
    search : instead of rows and grid.
    budgets : by name, what is said otherwise in it: ``base`` is merged, all else replaced.
    table : how its table is laid out.
    trackers : where else runs are reported to: names in `semimetric.runs.trackers.TRACKERS`.
    """

    name: str
    title: str = ""
    description: str = ""
    dataset: Annotated[list[str], BeforeValidator(_listed), Some]
    loading: Arguments = {}
    labels: CountBudgets | None = None
    percent: PercentageBudgets | None = None
    balanced: bool = True
    seeds: SeedsOfEach = [0]
    base: Arguments = {}
    per_dataset: dict[str, Arguments] = {}
    grid: dict[str, Scalars] = {}
    rows: Annotated[list[dict[str, Annotated[Any, AfterValidator(_axis)]]], Some] | None = None
    metrics: Annotated[list[str], BeforeValidator(_listed), Some] = ["knn_accuracy", "few_label_accuracy"]
    search: Search | None = None
    budgets: dict[str, dict[str, Any]] = {}
    table: TableSpec | None = None
    trackers: Annotated[list[str], BeforeValidator(_listed)] = []
    _budget: str = PrivateAttr("")

    @property
    def budget(self) -> str:
        """The budget that the study was read with; "" for the study as its file says."""
        return self._budget

    @property
    def peers(self) -> list[str]:
        """The baselines that learn from labels: those of the table, and those of metrics such as umap.accuracy."""
        named = [*(self.table.baselines if self.table else ()), *(metric.rpartition(".")[0] for metric in self.metrics)]
        return [name for name in PEERS if name in named]

    def budgets_of(self, dataset: str) -> tuple[str, list[Any]] | None:
        """Return "labels" or "percent", and a dataset's label budgets; None where the study names none."""
        for key, value in (("labels", self.labels), ("percent", self.percent)):
            if value is not None:
                return key, value[dataset] if isinstance(value, dict) else value
        return None

    @property
    def draws(self) -> list[tuple[str, int]]:
        """Each dataset with each of its seeds, datasets outermost."""
        seeds = self.seeds if isinstance(self.seeds, dict) else dict.fromkeys(self.dataset, self.seeds)
        return [(dataset, seed) for dataset in self.dataset for seed in seeds[dataset]]

    def with_budget_named(self, name: str) -> "Study":
        """Return the same study, said to be of that budget."""
        copy = self.model_copy()
        copy._budget = name
        return copy

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if self.labels is not None and self.percent is not None:
            raise ValueError("must have labels or percent, not both")
        for key, value in (("labels", self.labels), ("percent", self.percent), ("seeds", self.seeds)):
            odd = set(value) ^ set(self.dataset) if isinstance(value, dict) else set()
            if odd:
                raise ValueError(f"must have {key} for each of its datasets and for no other: see {min(odd)!r}")
        unknown = set(self.per_dataset) - set(self.dataset)
        if unknown:
            raise ValueError(f"must have per_dataset for its own datasets only: see {min(unknown)!r}")
        if self.search is not None and (self.rows is not None or self.grid):
            raise ValueError("must have rows and grid, or a search, not both")
        return self
