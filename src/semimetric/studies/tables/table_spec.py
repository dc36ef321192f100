"""How the results of a study become a table: the ``table:`` key of its YAML."""

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from semimetric.errors import nearest_names
from semimetric.evaluation.baselines import BASELINES
from semimetric.evaluation.peers import PEERS
from semimetric.studies.tables.published_files import columns_of

Scalar = str | int | float | bool | None
Selector = str | dict[str, Scalar]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedKey(_Strict):
    """What a column of a published file is called in a study, and what its values are there.

    >>> PublishedKey(key="labels", values={0.01: 6, 0.1: 60}).key
    'labels'
    """

    key: str
    values: dict[int | float | str, Scalar] = Field(default_factory=dict)


class PublishedMetric(_Strict):
    """Where a metric stands in a published file: a column, of the lines where other columns have these values."""

    column: str
    where: dict[str, Scalar] = Field(default_factory=dict)


class Published(_Strict):
    """Published figures to show beside a study's own.

    Parameters
    ----------
    file : str
        A file of the library (``safir2022_tables.csv``, ``tvae2018_table1.csv``), or the path of a CSV file.
    citation : str
        What to call them under the table.
    where : dict
        Only lines of the file with these values in these columns.
    rows : dict
        Name of a row of the study → the values that tell its lines in the file.
    keys : dict
        Column of the file → the study's key that must have the same value (`PublishedKey` where names of values
        differ). A line whose cell is empty fits any value.
    metrics : dict
        Metric of the study → its column (`PublishedMetric` where it depends on another column).

    Raises
    ------
    ValueError
        If the file cannot be read, or has no column of a name given here.

    Examples
    --------
    >>> Published(
    ...     file="safir2022_tables.csv",
    ...     where={"table": 3},
    ...     rows={"DML": {"model": "dml"}},
    ...     keys={"latent_dim": "latent_dim"},
    ...     metrics={"knn_accuracy": "accuracy"},
    ... ).metrics["knn_accuracy"].column
    'accuracy'
    """

    file: str
    citation: str = ""
    where: dict[str, Scalar] = Field(default_factory=dict)
    rows: dict[str, dict[str, Scalar]]
    keys: dict[str, PublishedKey] = Field(default_factory=dict)
    metrics: dict[str, PublishedMetric]

    @field_validator("keys", mode="before")
    @classmethod
    def _named_keys(cls, keys: object) -> object:
        if not isinstance(keys, dict):
            return keys
        return {column: {"key": key} if isinstance(key, str) else key for column, key in keys.items()}

    @field_validator("metrics", mode="before")
    @classmethod
    def _named_metrics(cls, metrics: object) -> object:
        if not isinstance(metrics, dict):
            return metrics
        return {name: {"column": column} if isinstance(column, str) else column for name, column in metrics.items()}

    @model_validator(mode="after")
    def _columns_exist(self) -> "Published":
        known = columns_of(self.file)
        named = [*self.where, *self.keys, *(column for row in self.rows.values() for column in row)]
        for metric in self.metrics.values():
            named += [metric.column, *metric.where]
        for column in named:
            if column not in known:
                raise ValueError(f"{self.file} has no column {column!r}: {nearest_names(column, known)}")
        return self


class TableSpec(_Strict):
    """How results become a table.

    Parameters
    ----------
    blocks : list of str, optional
        The keys that divide the table, the dataset always among them; rows are compared within a block, and its best
        is marked. By default labels (or percent) and latent_dim.
    baselines : list of str
        Of ``"pca"`` (of the block's dimension), ``"pca50"``, ``"raw"`` and `semimetric.evaluation.peers.PEERS`: rows of
        their own in each block.
    lower_is_better, unranked : lists of str
        Metrics whose best is the lowest, and those that have no best.
    published : Published, optional
        Figures to show beside.
    compare : list of pairs
        Rows to compare, paired by seed. A row is named by its name, by a baseline's, or by values of its keys
        (``{row: DML autoencoder, alpha: 0.5}``); a name that fits several rows pairs each with its partner.
    against : str, optional
        The key of the figure's horizontal axis: by default the label budget, else the first numeric key of
        ``blocks`` that varies.
    notes : list of str
        Sentences to set below the table.

    Examples
    --------
    >>> TableSpec(compare=[["dml-autoencoder", "pca"]]).baselines
    ('pca', 'raw')
    """

    blocks: tuple[str, ...] | None = None
    baselines: tuple[str, ...] = ("pca", "raw")
    lower_is_better: tuple[str, ...] = ("reconstruction_error", "vae_loss", "ece", "nll")
    unranked: tuple[str, ...] = ("kl",)
    published: Published | None = None
    compare: tuple[tuple[Selector, Selector], ...] = ()
    against: str | None = None
    notes: tuple[str, ...] = ()

    @field_validator("baselines")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in (*BASELINES, *PEERS):
                raise ValueError(f"holds {name!r}, which is no baseline: {nearest_names(name, (*BASELINES, *PEERS))}")
        return names

    def check(self, rows: list[str], keys: list[str]) -> None:
        """Raise ValueError if a row or a key is named that the study does not have; before anything is trained.

        Parameters
        ----------
        rows : list of str
            The names of the study's rows, and the words among the values of its grid.
        keys : list of str
            Every key that the place of one of its results will have.

        Examples
        --------
        >>> TableSpec(blocks=["label"]).check(rows=["dml"], keys=["labels"])
        Traceback (most recent call last):
        ...
        ValueError: table.blocks and table.against: no key 'label': did you mean 'labels'? Known: labels
        """
        for key in (*(self.blocks or ()), *((self.against,) if self.against else ())):
            if key not in keys:
                raise ValueError(f"table.blocks and table.against: no key {key!r}: {nearest_names(key, keys)}")
        known = [*rows, *BASELINES, *PEERS]
        for selector in (selector for pair in self.compare for selector in pair):
            name = selector if isinstance(selector, str) else selector.get("row")
            if name is not None and name not in known:
                raise ValueError(f"table.compare: no row is called {name!r}: {nearest_names(str(name), known)}")
            if name in PEERS and name not in self.baselines:
                raise ValueError(f"table.compare: {name!r} is compared with and must be one of table.baselines")
            for key in selector if isinstance(selector, dict) else ():
                if key != "row" and key not in keys:
                    raise ValueError(f"table.compare: no key {key!r}: {nearest_names(key, keys)}")
        for name in self.published.rows if self.published else ():
            if name not in rows:
                raise ValueError(f"table.published.rows: no row is called {name!r}: {nearest_names(name, rows)}")
