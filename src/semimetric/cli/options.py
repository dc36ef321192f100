"""Arguments and options that several commands share; names and meanings are `MetricEmbedder`'s and `load_dataset`'s.

Options of the estimator default to None here and are then not passed on: its own defaults hold, and there is one
set of them. The help texts quote them, and a test compares.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

MODEL, PRIOR, TRAINING = "Model", "Prior and KL", "Training"
LABELS, DATA, OUTPUT = "Labels", "Data", "Output"

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A dataset's name (see `semimetric datasets`), a .npz with X and y, a .npy, a .parquet or .csv, "
        "or a folder of images: a subfolder for each class, and unlabelled/ for those of no known class.",
        show_default=False,
    ),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.", show_default=False)]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder with local copies of named datasets, one folder each.",
        show_default="SEMIMETRIC_DATA, else download",
        rich_help_panel=DATA,
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels-file",
        help="For a .npy: the labels, one per row (.npy; .csv, .txt without a heading).",
        rich_help_panel=DATA,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        help="For a .parquet or .csv: the column of labels.",
        show_default="none, or as the run was fitted",
        rich_help_panel=DATA,
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        "--image-size",
        help="For a folder of images: pixels a side to resize to.",
        show_default="the images' own, or as the run was fitted",
        rich_help_panel=DATA,
    ),
]
Binarise = Annotated[
    bool | None,
    typer.Option(
        "--binarise/--grey",
        help="Draw every pixel of 8-bit images as black or white, by its intensity.",
        show_default="grey, or as the run was fitted",
        rich_help_panel=DATA,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="train, val or test.",
        show_default="test if there is one, else every row",
        rich_help_panel=DATA,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Fixes every draw: labels, fit, evaluation.", rich_help_panel=TRAINING)
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", show_default="auto", rich_help_panel=TRAINING),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print the result as JSON, for machines.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.", rich_help_panel=OUTPUT)]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="NAME",
        help="Report to mlflow, tensorboard or wandb, too; may be given more than once.",
        show_default="none",
        rich_help_panel=OUTPUT,
    ),
]


def option(flag: str, text: str, default: str, panel: str) -> Any:
    """Return an option that is passed on only if given; ``default`` is told, and holds without it."""
    return typer.Option(flag, help=text, show_default=default, rich_help_panel=panel)


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}
