"""``semimetric predict``: the class of every row, by a fitted model."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric predict runs/mine images/ --out classes.csv
"""


def predict(
    run: o.RunArgument,
    data: o.DataArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write: a .csv with a line for each row: its class, that class's probability and, of a model "
            "that spread its labels, a cluster where the row lies among training rows that no label reached.",
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

    from semimetric.cli.guesses import clusters_of, guesses_of, table_of
    from semimetric.cli.show import print_json, working
    from semimetric.report.section import counted
    from semimetric.runs.directory import check_writable, write_whole
    from semimetric.runs.fitted import load_fitted, load_rows

    check_writable(out)
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
        guesses = guesses_of(embedder, rows.X) | clusters_of(embedder, rows.X)
    write_whole(out, table_of(np.arange(len(rows.X)), rows.files, guesses))
    found = Counter(guesses["predicted"])
    counts = {name: found[name] for name in embedder.classes_.tolist()}
    clusters = sorted(Counter(cluster for cluster in guesses.get("cluster", ()) if cluster is not None).items())
    if as_json:
        classes = {str(name): count for name, count in counts.items()}
        beyond = {"clusters": {str(cluster): count for cluster, count in clusters}} if "cluster" in guesses else {}
        print_json({"rows": len(rows.X), "classes": classes, **beyond, "split": rows.split, "out": out})
        return
    _print(f"{len(rows.X):,} rows ({rows.split}) of {data}", counts, guesses)
    if clusters:
        told = counted(sum(count for _, count in clusters), "row")
        print(
            f"{told} in {counted(len(clusters), 'cluster')} that no label reached (column cluster): of no class above, "
            "perhaps, or of an unusual kind. Label a few of them."
        )
    print(f"Table: {out}")


def _print(title: str, counts: dict[Any, int], guesses: dict[str, list[Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("predicted", overflow="fold")
    for heading in ("rows", "mean probability"):
        table.add_column(heading, justify="right")
    sure = dict.fromkeys(counts, 0.0)
    for name, probability in zip(guesses["predicted"], guesses["probability"], strict=True):
        sure[name] += probability
    for name, count in counts.items():
        table.add_row(Text(str(name)), f"{count:,}", f"{sure[name] / count:.3f}" if count else "")
    Console(soft_wrap=True).print(title, style="bold", highlight=False, markup=False)
    Console().print(table)
