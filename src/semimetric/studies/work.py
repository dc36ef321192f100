"""Which task is next: of a grid, all in their order. (A search has its own: `semimetric.studies.search`.)"""

from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from semimetric.studies.task import Task


class Work(Protocol):
    """Hands out tasks, and hears what came of them."""

    def take(self) -> Task | None:
        """Return the next task to start, or None if there is none at the moment."""

    def finished(self, task: Task, kind: str, row: dict[str, Any] | None) -> int:
        """Hear what came of a task (see `Outcome`); return how many others are not worth running any more."""

    def trial(self, task: Task) -> dict[str, Any] | None:
        """Return what a worker must know to prune the task's run; None if it is not to be pruned."""


class Grid:
    """Tasks that are known from the start."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = deque(tasks)

    def take(self) -> Task | None:
        """Return the next one."""
        return self._tasks.popleft() if self._tasks else None

    def finished(self, task: Task, kind: str, row: dict[str, Any] | None) -> int:
        """Nothing follows from it."""
        return 0

    def trial(self, task: Task) -> None:
        """Nothing is pruned."""
