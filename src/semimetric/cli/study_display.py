"""A study under way: a live table on a terminal, a line for each run elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from semimetric.studies.standing import Standing, Watch, described

SHOWN = 8  # runs under way


@contextmanager
def displayed(title: str, show: bool) -> Iterator[Watch]:
    """Yield what draws a study's standing on standard error, where it is wanted."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if not show:
        yield lambda standing: None
    elif console.is_terminal:
        with Live(console=Console(stderr=True), refresh_per_second=4, transient=False) as live:
            yield lambda standing: live.update(picture(title, standing))
    else:
        told = _Lines(console)
        yield told


def picture(title: str, standing: Standing) -> RenderableType:
    """Return the live table: a bar, counts, what is under way, and the last results."""
    numbers = Text(" · ".join(f"{value} {name}" for name, value in counts(standing).items()))
    runs = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0), expand=True)
    runs.add_column("run", ratio=3, overflow="ellipsis", no_wrap=True)
    runs.add_column("", ratio=2, overflow="ellipsis", no_wrap=True)
    for task, _ in list(standing.running.values())[:SHOWN]:
        runs.add_row(Text(described(task)), Text("under way", "dim"))
    if len(standing.running) > SHOWN:
        runs.add_row(Text(f"and {len(standing.running) - SHOWN} more"), "")
    for what, came_of_it in standing.last:
        runs.add_row(Text(what), Text(came_of_it, "red" if came_of_it.startswith("failed") else ""))
    bar = Table.grid(expand=True)  # a bar alone does not end its line
    ended = standing.done + standing.failed + standing.pruned
    bar.add_row(ProgressBar(total=max(1, standing.total), completed=ended))
    return Group(Text(title, "bold"), bar, numbers, runs)


def counts(standing: Standing) -> dict[str, str]:
    """Return what a display tells in numbers: name → value."""
    pruned = {"pruned": f"{standing.pruned:,}"} if standing.pruned else {}
    left = standing.remaining
    return {
        f"of {standing.total:,} done": f"{standing.done:,}",
        "running": f"{len(standing.running):,}",
        "failed": f"{standing.failed:,}",
        **pruned,
        "left": f"{standing.left:,}",
        "elapsed": _clock(standing.elapsed),
        "to go": "?" if left is None else f"about {_clock(left)}",
        "core-seconds": f"{standing.seconds:,.0f}",
    }


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


class _Lines:
    """Prints a line whenever a run has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: tuple[str, str] | None = None

    def __call__(self, standing: Standing) -> None:
        if not standing.last or standing.last[0] is self._told:
            return
        self._told = standing.last[0]
        numbers = ", ".join(f"{value} {name}" for name, value in counts(standing).items())
        self._console.print(f"{': '.join(self._told)} ({numbers})", markup=False)
