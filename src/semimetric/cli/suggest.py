"""``semimetric suggest``: the rows whose labels would help a fitted model most."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semimetric.cli import options as o

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = """
**Example**

    semimetric suggest runs/mnist-best mnist -n 20 --picture suggestions.png
"""


def suggest(
    run: o.RunArgument,
    data: o.DataArgument,
    n: Annotated[int, typer.Option("-n", help="How many rows to suggest.", min=1, rich_help_panel=o.LABELS)] = 10,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="train, val or test.",
            show_default="train if there is one, else every row",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    device: o.Device = None,
    data_dir: o.DataDir = None,
    labels_file: o.LabelsFile = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    binarise: o.Binarise = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Also write the rows and their predictions to this .csv file.", rich_help_panel=o.OUTPUT
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Also draw the rows' inputs into this .png file.", rich_help_panel=o.OUTPUT),
    ] = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say which rows of DATA to label next: one of each cluster that no label reached, then those about which the
    model in RUN is in doubt, spread over its space.

    Rows that have a label in DATA, or had one when the model was fitted, are left out; if all of DATA has labels, as
    in a benchmark, only the latter.
    """
    for path, suffix, name in ((out, ".csv", "--out"), (picture, ".png", "--picture")):
        if path is not None and path.suffix != suffix:
            raise typer.BadParameter(f"must end in {suffix}, got {str(path)!r}", param_hint=name)
    from semimetric.cli.guesses import guesses_of, table_of
    from semimetric.cli.show import print_json, working
    from semimetric.data.arrays import labelled_rows
    from semimetric.report.section import counted
    from semimetric.runs.directory import write_whole
    from semimetric.runs.fitted import check_out, load_fitted, load_rows

    for path in (out, picture):
        if path is not None:
            check_out(path, run, data, labels_file)
    embedder = load_fitted(run, device=device, show_progress=False)
    loading = o.given(
        data_dir=data_dir,
        labels_file=labels_file,
        label_column=label_column,
        image_size=image_size,
        binarise=binarise,
    )
    found = load_rows(embedder, run, data, split or "train", show_progress=not quiet, **loading)
    X, y = found.X, found.y
    with working("looking for rows to label", not quiet):
        rows = embedder.suggest(X, n, None if y is None or labelled_rows(y).all() else y)
        guesses = guesses_of(embedder, X[rows], classes=2)
    clusters = guesses.get("cluster", [None] * n)
    files = None if found.files is None else found.files[rows]
    if out is not None:
        write_whole(out, table_of(rows, files, guesses))
    if picture is not None:
        from semimetric.report.suggestions import MOST, contact_sheet
        from semimetric.runs.pictures import viewable

        inputs = viewable(embedder, X[rows[:MOST]])
        sheet = contact_sheet(inputs, rows, guesses["predicted"], guesses["probability"], clusters)
        write_whole(picture, sheet)
    if as_json:
        print_json({"rows": rows, "files": files, **guesses, "split": found.split, "out": out, "picture": picture})
        return
    title = f"{counted(n, 'row')} of {data} to label next ({found.split}, {len(X):,} rows, counted from 0)"
    _print(title, rows, files, guesses)
    if out is not None:
        print(f"Table: {out}")
    if picture is not None:
        print(f"Picture{f' of the first {MOST:,}' if len(rows) > MOST else ''}: {picture}")
    print("Label these rows, put their labels into your data, and fit again.")


def _print(title: str, rows: "np.ndarray", files: "np.ndarray | None", guesses: dict[str, list[Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from semimetric.cli.guesses import PLACES

    clusters = guesses.get("cluster", [None] * len(rows))
    clustered = any(cluster is not None for cluster in clusters)
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    named, last = [] if files is None else ["file"], ["cluster"] if clustered else []
    for heading in ("row", *named, "predicted", "probability", "second", "probability", *last):
        numeric = heading in ("row", "probability", "cluster")
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    columns = (guesses[name] for place in PLACES for name in place)
    for place, (row, *guess, cluster) in enumerate(zip(rows, *columns, clusters, strict=True)):
        file = [] if files is None else [Text(str(files[place]))]
        classes = ["" if each is None else str(each) for each in guess[::2]]
        shares = ["" if each is None else f"{each:.3f}" for each in guess[1::2]]
        beyond = ["" if cluster is None else str(cluster)] if clustered else []
        table.add_row(str(row), *file, Text(classes[0]), shares[0], Text(classes[1]), shares[1], *beyond)
    Console(soft_wrap=True).print(title, style="bold", highlight=False, markup=False)
    Console().print(table)
