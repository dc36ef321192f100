"""The program: its commands, and how its errors are told."""

import sys
import warnings
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from semimetric import __version__
from semimetric.cli import datasets, demo, embed, evaluate, fit, predict, report, study, suggest

FAILED, WRONGLY_USED = 1, 2
_TYPER_INTERRUPTED = 130  # what Typer makes, without a word, of Ctrl-C in a command

app = typer.Typer(
    name="semimetric",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Learn a metric space from a few labels and everything you have not labelled.",
    epilog="Begin with **semimetric demo**. Exit codes: 0 fine, 1 failed or interrupted, 2 used wrongly.",
)
app.command(name="demo", epilog=demo.EXAMPLES)(demo.demo)
app.command(name="fit", epilog=fit.EXAMPLES)(fit.fit)
app.command(name="embed", epilog=embed.EXAMPLES)(embed.embed)
app.command(name="predict", epilog=predict.EXAMPLES)(predict.predict)
app.command(name="evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command(name="suggest", epilog=suggest.EXAMPLES)(suggest.suggest)
app.command(name="report", epilog=report.EXAMPLES)(report.report)
app.command(name="study", epilog=study.EXAMPLES)(study.study)
app.command(name="datasets", epilog=datasets.EXAMPLES)(datasets.datasets)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"semimetric {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program, and leave with 0 (fine), 1 (failed or interrupted) or 2 (used wrongly)."""
    warnings.showwarning = _show_warning
    try:
        app(prog_name="semimetric")
    except KeyboardInterrupt:
        _tell("interrupted")
        sys.exit(FAILED)
    except SystemExit as left:
        if left.code != _TYPER_INTERRUPTED:
            raise
        _tell("interrupted")
        sys.exit(FAILED)
    except (ValueError, TypeError, ImportError) as error:
        if _is_ours(error):
            _tell(f"error: {error}")
            sys.exit(WRONGLY_USED)
        raise
    except BrokenPipeError:
        sys.exit(FAILED)
    except (OSError, FloatingPointError, MemoryError) as error:
        _tell(f"error: {_sentence(error)}")
        sys.exit(FAILED)


def _sentence(error: BaseException) -> str:
    """Return what happened without Python's "[Errno 2]"."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or "out of memory"


def _is_ours(error: BaseException) -> bool:
    """Whether the library itself raised this, to tell its user something; a bug elsewhere shows its traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] in (
        "semimetric",
        "sklearn",
    )


def _tell(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, markup=False, highlight=False)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: Any = None,
) -> None:
    _tell(f"warning: {message}")
