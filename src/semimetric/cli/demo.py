"""``semimetric demo``: the main job on data that ships with the dependencies."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from semimetric.cli import options as o
from semimetric.cli.fit import run_and_report

EXAMPLES = """
**Example**

    semimetric demo
"""
LABELS = 50


def demo(
    out: Annotated[
        Path,
        typer.Option("--out", help="Run directory to write; replaced if it is there.", rich_help_panel=o.OUTPUT),
    ] = Path("runs/demo"),
    seed: o.Seed = 0,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Learn from 50 labels of 1,198 handwritten digits, in less than a minute, and write a report."""
    from semimetric.runs import RunConfig, RunDirectory

    config = RunConfig("digits", labels=LABELS, seed=seed)
    words = ["semimetric", "fit", "digits", "--labels", LABELS, "--seed", seed, "--out", out]
    command = shlex.join(map(str, words))  # which can go on with the run; demo begins anew
    run_and_report(config, RunDirectory(out), command, resume=False, overwrite=True, as_json=as_json, quiet=quiet)
