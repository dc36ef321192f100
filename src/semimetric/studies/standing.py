"""How a study stands while it runs: what a display shows."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from semimetric.studies.task import Task

LAST_SHOWN = 5


@dataclass
class Standing:
    """Numbers of runs, and when they began.

    total : of the whole study; of a search, as many as it may come to.
    done, failed, pruned : so far, those of earlier calls included.
    running : key → its task, and when it was started here (seconds of `time.monotonic`).
    seconds : core-seconds of all runs done.
    last : the last results, newest first: what it is, and what came of it.
    """

    total: int
    done: int = 0
    failed: int = 0
    pruned: int = 0
    seconds: float = 0.0
    running: dict[str, tuple[Task, float]] = field(default_factory=dict)
    last: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=LAST_SHOWN))
    began: float = field(default_factory=time.monotonic)
    finished_here: int = 0

    @property
    def left(self) -> int:
        """Runs that are neither done nor given up nor under way."""
        return max(0, self.total - self.done - self.failed - self.pruned - len(self.running))

    @property
    def elapsed(self) -> float:
        """Seconds since this call began."""
        return time.monotonic() - self.began

    @property
    def remaining(self) -> float | None:
        """Seconds that are left, at the pace so far; None before the first run has ended."""
        if not self.finished_here:
            return None
        return self.elapsed / self.finished_here * (self.left + len(self.running))


Watch = Callable[[Standing], None]


def described(task: Task) -> str:
    """Return a task's place in a few words.

    >>> from semimetric.runs import RunConfig
    >>> described(Task(RunConfig("digits"), {"dataset": "digits", "labels": 60, "seed": 1, "row": "DML", "alpha": 0.3}))
    'DML, digits, 60 labels, seed 1, alpha 0.3'
    """
    place: Mapping[str, object] = task.place
    words = [str(place["row"])] if "row" in place else []
    words.append(str(place["dataset"]).rsplit("/", 1)[-1])
    if "labels" in place:
        words.append("all labels" if place["labels"] is None else f"{place['labels']} labels")
    if "percent" in place:
        words.append(f"{place['percent']} % labels")
    words.append(f"seed {place['seed']}")
    named = {"row", "dataset", "labels", "percent", "seed"}
    hidden = {"preset"} if "row" in place else set()
    words += [f"{k} {_short(v)}" for k, v in place.items() if k not in named | hidden]
    return ", ".join(words)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
