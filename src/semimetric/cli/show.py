"""Results on the terminal: one table of scores, and JSON for machines."""

import json
import math
import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import PurePath
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from semimetric.evaluation.tables import CALIBRATION, ScoreRow, score_table
from semimetric.report.likelihood import amount
from semimetric.report.section import counted
from semimetric.report.verdict import baseline_name, cautions
from semimetric.report.view import view_of
from semimetric.runs import RunDirectory, RunRecord
from semimetric.runs.directory import plain


def tell(text: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True, soft_wrap=True).print(text, markup=False, highlight=False)


def working(what: str, show: bool) -> AbstractContextManager[Any]:
    """Show on standard error, where that is a terminal, that something is under way."""
    return Console(stderr=True).status(what) if show else nullcontext()


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output; numbers that are not finite become null."""
    print(json.dumps(plain(content), indent=2, allow_nan=False))


def print_scores(
    title: str,
    metrics: dict[str, Any],
    baselines: dict[str, Any] | None = None,
    *,
    n_scored: int,
    unseen: Mapping[Any, int],
    latent_dim: int,
) -> None:
    """Print the table of scores of so many rows, the baselines' beside the model's, the best of each row in bold.

    ``unseen`` are the rows' classes of which the fit had no label, and how many rows each has.
    """
    rows = score_table(metrics, baselines or {})
    if not rows:
        return
    columns = list(rows[0].values)
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(f"{counted(n_scored, 'row')} scored")
    for column in columns:
        table.add_column(column if column == "model" else baseline_name(column, latent_dim), justify="right")
    group = None
    for row in rows:
        if row.group != group:
            if group is not None:
                table.add_row()
            group = row.group
            table.add_row(f"[dim]{group}[/dim]")
        table.add_row(f"  {row.label}", *(_number(row.values[c], row) for c in columns))
    console = Console(soft_wrap=True)
    console.print(title, style="bold", highlight=False, markup=False)
    Console().print(table)
    for told in cautions(n_scored, unseen):
        console.print(told, markup=False, highlight=False)


def print_run(run: RunDirectory, record: RunRecord) -> None:
    """Print what a finished run has to say: its scores, where its report lies, and what to do next."""
    config = record.config
    title = (
        f"{config['preset']} on {PurePath(config['dataset']).name}: {counted(config['n_labelled'], 'label')}, "
        f"{counted(config['n_train'], 'training row')}, {counted(config['epochs'], 'epoch')} "
        f"in {config['seconds_fit']:.0f} s"
    )
    console = Console(soft_wrap=True, highlight=False)
    if record.metrics:
        view, latent_dim = view_of(record), config["parameters"]["latent_dim"]
        print_scores(
            title, record.metrics, record.baselines, n_scored=view.n_scored, unseen=view.unseen, latent_dim=latent_dim
        )
    else:
        console.print(title, style="bold", markup=False)
        console.print("No test labels, so no scores: give a file with X_test and y_test, or --test-share.")
    sizes = record.arrays.get("cluster_sizes")
    if sizes is not None and len(sizes):
        console.print(
            f"No label reaches {counted(int(sizes.sum()), 'training row')} in {counted(len(sizes), 'cluster')}: "
            "of a class without a label, perhaps, or of an unusual kind. semimetric suggest names one row of each to "
            "label, semimetric predict with --split train all of them."
        )
    if run.report.exists():
        console.print(f"Report: {run.report}", markup=False)
    if config["stopped"] == "interrupted":
        console.print(
            f"Interrupted after {config['epochs']} of {counted(config['epochs_planned'], 'epoch')}. "
            f"To go on: {resuming(config['command'])}",
            markup=False,
        )


def resuming(command: str) -> str:
    """Return the command that goes on with the run that this one began.

    >>> resuming("semimetric fit digits --labels 50 --overwrite")
    'semimetric fit digits --labels 50 --resume'
    """
    words = [word for word in shlex.split(command) if word not in ("--overwrite", "--resume")]
    return shlex.join([*words, "--resume"])


def run_as_json(run: RunDirectory, record: RunRecord) -> dict[str, Any]:
    """Return the run as one flat object: scores, sizes, paths."""
    sizes = (
        "dataset",
        "preset",
        "seed",
        "n_train",
        "n_labelled",
        "n_unreached",
        "n_test",
        "epochs",
        "best_epoch",
        "stopped",
        "seconds_fit",
    )
    report = str(run.report) if run.report.exists() else None
    return {
        **record.metrics,
        **{key: record.config.get(key) for key in sizes},
        "baselines": record.baselines,
        "run": str(run.path),
        "report": report,
    }


def _best(row: ScoreRow) -> float | None:
    finite = [value for value in row.values.values() if value is not None and math.isfinite(value)]
    return max(finite) if len(finite) > 1 else None


def _number(value: float | None, row: ScoreRow) -> str:
    if value is None:
        return ""  # not computed
    if not math.isfinite(value):
        return "n/a"
    if not row.ranked:
        return f"{value:.3f}" if row.group == CALIBRATION else amount(value)
    best, text = _best(row), f"{value:.3f}"
    return f"[bold]{text}[/bold]" if best is not None and round(value, 3) == round(best, 3) else text
