"""``semimetric predict``: the class of every row, by a fitted model."""

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, NamedTuple

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric predict runs/mine images/ --out classes.csv
"""


class PredictedClass(NamedTuple):
    """How many rows were named to be of a class, how many of them no label reached, and the others' mean probability.

    A row in a cluster that no label reached is named all the same: its probability is no more than which of the
    classes with a label it is nearest to.
    """

    name: Any
    rows: int
    in_clusters: int
    probability: float | None


def predict(
    run: o.RunArgument,
    data: o.DataArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write: a .csv with a line for each row: its likeliest class with a label, that class's "
            "probability and, of a model that spread its labels, a cluster where the row lies among training rows that "
            "no label reached.",
            rich_help_panel=o.OUTPUT,
        ),
    ],
    split: o.Split = None,
    device: o.Device = None,
    data_dir: o.DataDir = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    binarise: o.Binarise = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Name the class of every row of DATA, in the rows' order; labels that DATA has are not looked at.

    Of a folder of images each line names its file.
    """
    if out.suffix != ".csv":
        raise typer.BadParameter(f"must end in .csv, got {str(out)!r}", param_hint="--out")
    import numpy as np

    from semimetric.cli.guesses import guesses_of, table_of
    from semimetric.cli.show import print_json, working
    from semimetric.report.section import counted
    from semimetric.runs.directory import write_whole
    from semimetric.runs.fitted import check_out, load_fitted, load_rows

    check_out(out, run, data)
    embedder = load_fitted(run, device=device, show_progress=not quiet)
    if not len(embedder.classes_):
        raise ValueError(f"the model in {run} was fitted without labels: it knows no class")
    loading = o.given(
        data_dir=data_dir,
        label_column=label_column,
        image_size=image_size,
        binarise=binarise,
    )
    rows = load_rows(embedder, run, data, split, show_progress=not quiet, **loading)
    with working("naming classes", not quiet):
        guesses = guesses_of(embedder, rows.X)
    write_whole(out, table_of(np.arange(len(rows.X)), rows.files, guesses))
    classes = _by_class(embedder.classes_.tolist(), guesses)
    clusters = sorted(Counter(cluster for cluster in guesses.get("cluster", ()) if cluster is not None).items())
    if as_json:
        told: dict[str, Any] = {
            "classes": {str(each.name): each.rows for each in classes},
            "mean_probability": {str(each.name): each.probability for each in classes},
        }
        if "cluster" in guesses:
            told["in_clusters"] = {str(each.name): each.in_clusters for each in classes}
            told["clusters"] = {str(cluster): count for cluster, count in clusters}
        print_json({"rows": len(rows.X), **told, "split": rows.split, "out": out})
        return
    _print(f"{len(rows.X):,} rows ({rows.split}) of {data}", classes, bool(clusters))
    if clusters:
        many = counted(sum(count for _, count in clusters), "row")
        print(
            f"{many} in {counted(len(clusters), 'cluster')} that no label reached (column cluster): of no class above, "
            "perhaps, or of an unusual kind. Label a few of them."
        )
    print(f"Table: {out}")


def _by_class(names: list[Any], guesses: dict[str, list[Any]]) -> list[PredictedClass]:
    rows = Counter(guesses["predicted"])
    reached: dict[Any, list[float]] = {name: [] for name in names}
    clusters = guesses.get("cluster", [None] * len(guesses["predicted"]))
    for name, probability, cluster in zip(guesses["predicted"], guesses["probability"], clusters, strict=True):
        if cluster is None:
            reached[name].append(probability)
    return [
        PredictedClass(name, rows[name], rows[name] - len(sure), fmean(sure) if sure else None)
        for name, sure in reached.items()
    ]


def _print(title: str, classes: list[PredictedClass], clustered: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("predicted", overflow="fold")
    beyond = ["of them in clusters", "others' mean probability"]
    for heading in ("rows", *(beyond if clustered else ["mean probability"])):
        table.add_column(heading, justify="right")
    for each in classes:
        inside = [f"{each.in_clusters:,}"] if clustered else []
        sure = "" if each.probability is None else f"{each.probability:.3f}"
        table.add_row(Text(str(each.name)), f"{each.rows:,}", *inside, sure)
    Console(soft_wrap=True).print(title, style="bold", highlight=False, markup=False)
    Console().print(table)
