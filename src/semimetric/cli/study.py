"""``semimetric study``: a grid of runs, or a search, and its tables."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Examples**

    semimetric study

    semimetric study digits-presets --budget quick

    semimetric study mine.yaml --out runs/mine --workers 4 --resume
"""
UNFINISHED = 1
STUDY, ENGINE = "Study", "Engine"


def study(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A study that comes with the program, or a .yaml of your own; without it, those that come are listed.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            help="Which of the study's budgets, as a rule smoke, quick or full.",
            show_default="full, if the study has it",
            rich_help_panel=STUDY,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Directory of the study; runs that are done there are not repeated.",
            show_default="runs/studies/NAME-BUDGET",
            rich_help_panel=STUDY,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the study in --out, which must be there; without this, it is begun if it is not.",
            rich_help_panel=STUDY,
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Try runs again that failed in earlier calls.", rich_help_panel=STUDY),
    ] = False,
    table_only: Annotated[
        bool,
        typer.Option("--table-only", help="Run nothing: write the tables of what is done.", rich_help_panel=STUDY),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Run and write nothing: tell how many runs there are.", rich_help_panel=STUDY),
    ] = False,
    engine: Annotated[
        str,
        typer.Option("--engine", help="local: processes of this machine. ray: a Ray cluster.", rich_help_panel=ENGINE),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            help="Of the Ray cluster.",
            show_default="RAY_ADDRESS, else a new one on this machine",
            rich_help_panel=ENGINE,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            help="Runs at a time, each on one thread.",
            show_default="one per core, or per GPU",
            min=1,
            rich_help_panel=ENGINE,
        ),
    ] = None,
    device: o.Device = None,
    data_dir: o.DataDir = None,
    track: o.Track = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Run all that a study asks for, several runs at a time, and write its tables.

    It can be stopped and killed at any moment: the same command goes on where it was.
    """
    if name is None:
        _list(as_json)
        return
    for option, given in (("--table-only", table_only), ("--dry-run", dry_run)):
        if given and retry_failed:
            raise typer.BadParameter(f"does not go with {option}, which runs nothing", param_hint="--retry-failed")
    from semimetric.studies import read_study

    what = read_study(name, budget, check=not table_only)
    folder = out or Path("runs/studies") / "-".join(filter(None, [what.name, what.budget]))
    if (resume or table_only) and not (folder / "study.json").exists():
        raise typer.BadParameter(f"there is no study in {folder}", param_hint="--resume" if resume else "--table-only")
    if dry_run:
        _tell_the_plan(what, folder, as_json)
        return
    from semimetric.studies.collecting import collect, other_code
    from semimetric.studies.tables.write_tables import write_tables

    _warn(other_code(what, folder))
    if not table_only:
        from semimetric.cli.study_display import displayed
        from semimetric.studies.driver import Settings, run_study

        directory = None if data_dir is None else str(data_dir)
        settings = Settings(engine, workers, address, device, directory, retry_failed, track or ())
        try:
            with displayed(what.title or what.name, not quiet) as watch:
                run_study(what, folder, settings, watch)
        except KeyboardInterrupt:
            _tell_how_to_go_on(what, folder)
            raise typer.Exit(UNFINISHED) from None
    results = collect(what, folder)
    tables = write_tables(what, results, folder)
    summary = _summary(what, folder, results, tables)
    if as_json:
        from semimetric.cli.show import print_json

        print_json(summary)
    else:
        _print(summary)
    if summary["failed"]:
        raise typer.Exit(UNFINISHED)


def _list(as_json: bool) -> None:
    from semimetric.studies import built_in_studies

    studies = built_in_studies()
    if as_json:
        from semimetric.cli.show import print_json

        rows = [
            {"name": name, "title": s.title, "description": s.description, "budgets": list(s.budgets)}
            for name, s in studies.items()
        ]
        print_json({"studies": rows})
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for column in ("name", "what", "budgets"):
        table.add_column(column, overflow="fold")
    for name, one in studies.items():
        table.add_row(name, one.title, ", ".join(one.budgets))
    Console().print(table)


def _tell_the_plan(study: Any, folder: Path, as_json: bool) -> None:
    from semimetric.cli.show import print_json
    from semimetric.studies.collecting import tasks_so_far
    from semimetric.studies.directory import StudyDirectory

    directory = StudyDirectory(folder)
    tasks = {task.key: task for task in tasks_so_far(study, directory)}
    done = directory.results(tasks)
    failed = {key for key, failure in directory.failures().items() if key in tasks and failure.final} - done.keys()
    total = len(tasks)
    if study.search is not None:
        from semimetric.studies.search import runs_at_most

        total = runs_at_most(study)
    plan = {
        "study": study.name,
        "budget": study.budget,
        "out": str(folder),
        "runs": total,
        "done": len(done),
        "failed": len(failed),
        "left": total - len(done) - len(failed),
    }
    if as_json:
        print_json(plan)
    else:
        most = "" if study.search is None else " at most"
        print(f"{plan['runs']:,} runs{most}: {plan['done']:,} done, {plan['failed']:,} failed, {plan['left']:,} left")
        print(f"Directory: {folder}")


def _summary(study: Any, folder: Path, results: Any, tables: list[Path]) -> dict[str, Any]:
    count = {status: sum(r.status == status for r in results) for status in ("done", "failed", "missing")}
    failures = [{"place": dict(r.place), "error": r.error} for r in results if r.status == "failed"]
    summary = {
        "study": study.name,
        "budget": study.budget,
        "out": str(folder),
        **count,
        "seconds": sum(result.seconds for result in results),
        "tables": [str(table) for table in tables],
        "failures": failures,
    }
    if study.search is not None:
        from semimetric.studies.search import best_trial

        summary["best"] = best_trial(study, folder)
    return summary


def _print(summary: dict[str, Any]) -> None:
    missing = f", {summary['missing']:,} {'pruned' if 'best' in summary else 'not run'}" if summary["missing"] else ""
    print(
        f"{summary['done']:,} runs done, {summary['failed']:,} failed{missing}; "
        f"{summary['seconds']:,.0f} core-seconds in all"
    )
    best = summary.get("best")
    if best:
        print(f"Best: {best['metric']} {best['value']:.4f} in trial {best['trial']}, {best['arguments']}")
    print(f"Directory: {summary['out']}")
    if summary["tables"]:
        print(f"Tables: {', '.join(Path(table).name for table in summary['tables'])}")
    if summary["failed"]:
        from semimetric.cli.show import tell

        for failure in summary["failures"][:5]:
            place = ", ".join(f"{name} {value}" for name, value in failure["place"].items())
            tell(f"failed: {place}: {failure['error']}")
        tell(
            f"{summary['failed']} runs failed, their tracebacks are in {Path(summary['out']) / 'failed'}; "
            "to try them again: --retry-failed"
        )


def _warn(text: str) -> None:
    if text:
        from semimetric.cli.show import tell

        tell(f"warning: {text}")


def _tell_how_to_go_on(study: Any, folder: Path) -> None:
    from semimetric.cli.show import tell
    from semimetric.studies.collecting import collect

    results = collect(study, folder)
    done = sum(result.status == "done" for result in results)
    words = [word for word in sys.argv[1:] if word != "--resume"]
    tell(
        f"interrupted: {done} of {len(results)} runs are done, those under way keep their checkpoints. "
        f"To go on: {shlex.join(['semimetric', *words, '--resume'])}"
    )
