"""Progress bars for long work, in one look, drawn on standard error and only when asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What a long piece of work reports to."""

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Say that ``amount`` more units are done; ``note`` replaces the text at the end of the bar."""


class _Silent:
    def advance(self, amount: float = 1, note: str = "") -> None:
        return None


@contextmanager
def progress(
    description: str, total: float | None, *, show: bool, unit: str = "", done: float = 0
) -> Iterator[Progress]:
    """Open a progress bar for ``total`` units of work; with ``show=False`` nothing is drawn.

    ``unit="bytes"`` draws sizes and speed instead of counts; ``done`` is where resumed work begins.

    >>> with progress("embedding", 3, show=False) as bar:
    ...     for _ in range(3):
    ...         bar.advance()
    """
    if not show:
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    amounts: list[ProgressColumn] = (
        [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else [MofNCompleteColumn()]
    )
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        *amounts,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    ]
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=total, completed=int(done), note="")

        class Drawn:
            def advance(self, amount: float = 1, note: str = "") -> None:
                bar.update(task, advance=amount, note=note)

        yield Drawn()
