"""Results on the terminal: one table of scores, and JSON for machines."""

import json
import math
from typing import Any

from rich.console import Console
from rich.table import Table

from semimetric.evaluation.tables import score_table
from semimetric.runs import RunDirectory, RunRecord


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object on standard output; numbers that are not finite become null."""
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in content.items()}
    print(json.dumps(finite, indent=2, default=str))


def print_scores(title: str, metrics: dict[str, Any], baselines: dict[str, Any] | None = None) -> None:
    """Print the table of scores, the baselines' beside the model's, the best of each row in bold."""
    rows = score_table(metrics, baselines or {})
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    columns = list(rows[0].values)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            table.add_section()
            table.add_row(f"[dim]{group}[/dim]")
        finite = {c: v for c, v in row.values.items() if v is not None and math.isfinite(v)}
        best = max(finite.values(), default=None) if len(finite) > 1 and row.key != "reconstruction_error" else None
        table.add_row(f"  {row.label}", *(_number(row.values[c], best) for c in columns))
    Console().print(table)


def print_run(run: RunDirectory, record: RunRecord) -> None:
    """Print what a finished run has to say: its scores, and where its report lies."""
    config = record.config
    title = (
        f"{config['preset']} on {config['dataset']}: {config['n_labelled']:,} labels, "
        f"{config['n_train']:,} training rows, {config['epochs']} epochs in {config['seconds_fit']:.0f} s"
    )
    console = Console(soft_wrap=True)
    if record.metrics:
        print_scores(title, record.metrics, record.baselines)
    else:
        console.print(title, style="bold")
        console.print("No test labels, so no scores: give a file with X_test and y_test, or --test-share.")
    if run.report.exists():
        console.print(f"Report: {run.report}", highlight=False)


def run_as_json(run: RunDirectory, record: RunRecord) -> dict[str, Any]:
    """Return the run as one flat object: scores, sizes, paths."""
    sizes = (
        "dataset",
        "preset",
        "seed",
        "n_train",
        "n_labelled",
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


def _number(value: float | None, best: float | None) -> str:
    if value is None:
        return ""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
    return f"[bold]{text}[/bold]" if value == best else text
