"""A search for the best arguments, by Optuna: which trial is next, and what came of it.

Trials are scored on validation rows, so that what is chosen is not chosen by the test rows; the best arguments are then
run once more on the whole training data, and those runs are scored on the test rows.
"""

import hashlib
import json
import math
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from semimetric.errors import StudyError
from semimetric.studies.directory import StudyDirectory
from semimetric.studies.grid import tasks_of
from semimetric.studies.specification import Space, Study
from semimetric.studies.task import SCORED_ON, VALIDATION, Task

BEST = "best"  # what place["trial"] says of the runs that follow the search

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.trial import FrozenTrial, TrialState
except ModuleNotFoundError:
    raise StudyError(
        "a study with a search needs Optuna, which is not installed: pip install 'semimetric[search]'"
    ) from None


class Trials:
    """The tasks of a search's trials, as they are asked for."""

    def __init__(self, study: Study, directory: StudyDirectory) -> None:
        assert study.search is not None
        self.study = study
        self.search = study.search
        self.directory = directory
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        directory.path.mkdir(parents=True, exist_ok=True)
        self.name = _identity(study)
        self.optuna = optuna.create_study(
            study_name=self.name,
            storage=open_storage(str(directory.journal)),
            direction=self.search.direction,
            load_if_exists=True,
        )
        self._waiting: deque[Task] = deque()
        self._values: dict[int, list[float]] = {}
        self._open: dict[int, int] = {}  # trial → tasks of which nothing is known yet
        self._best_asked = False

    def resume(self) -> None:
        """Take up the trials that a driver was at when it was killed; for the driver alone."""
        for trial in self.optuna.trials:
            if trial.state == TrialState.RUNNING:
                self._begin(trial.number, self._suggest(trial.number, trial._trial_id))

    @property
    def runs(self) -> int:
        """How many runs there will be at most."""
        return runs_at_most(self.study)

    def tasks(self) -> list[Task]:
        """Return the tasks of all trials so far, and those of the best arguments if all trials are done."""
        trials = [trial for trial in self.optuna.trials if set(trial.params) == set(self.search.space)]
        return [task for trial in trials for task in self._tasks(trial.number, trial.params)] + self._best_tasks()

    def take(self) -> Task | None:
        """Return a task of a trial that has begun, else of a new trial."""
        if not self._waiting:
            number = len(self.optuna.get_trials(deepcopy=False))
            if number < self.search.trials:
                self.optuna.sampler = self._sampler(number)
                trial = self.optuna.ask()
                self._begin(trial.number, {name: _suggest(trial, name, s) for name, s in self.search.space.items()})
            elif not self._open and not self._best_asked:
                self._best_asked = True
                self._waiting.extend(self._best_tasks())
        return self._waiting.popleft() if self._waiting else None

    def finished(self, task: Task, kind: str, row: dict[str, Any] | None) -> int:
        """Hear what came of a task; return how many others of its trial are not worth running any more."""
        number = task.place["trial"]
        if not isinstance(number, int) or number not in self._open:
            return 0
        value = None if row is None else row["metrics"].get(self.study.metrics[0])
        if value is None or not math.isfinite(value):
            before = len(self._waiting)
            self._waiting = deque(other for other in self._waiting if other.place["trial"] != number)
            if kind == "lost":  # not the trial's fault: the next call takes it up again
                del self._open[number], self._values[number]
            else:
                self._tell(number, state=TrialState.PRUNED if kind == "pruned" else TrialState.FAIL)
            return before - len(self._waiting)
        self._values[number].append(value)
        self._open[number] -= 1
        if not self._open[number]:
            values = self._values[number]
            self._tell(number, value=math.fsum(values) / len(values))
        return 0

    def trial(self, task: Task) -> dict[str, Any] | None:
        """Return how the task's run reports its epochs: the first of each trial does."""
        number = task.place["trial"]
        if not self.search.prune or not isinstance(number, int):
            return None
        frozen = self._trial(number)
        if task.key != self._tasks(number, frozen.params)[0].key:
            return None
        return {
            "journal": str(self.directory.journal),
            "name": self.name,
            "trial": frozen._trial_id,
            "metric": self.study.metrics[0],
        }

    def _begin(self, number: int, arguments: dict[str, Any]) -> None:
        tasks = self._tasks(number, arguments)
        self._waiting.extend(tasks)
        self._open[number], self._values[number] = len(tasks), []

    def _tasks(self, number: int, arguments: dict[str, Any]) -> list[Task]:
        return list(self._of(arguments, number, {SCORED_ON: VALIDATION}))

    def _best_tasks(self) -> list[Task]:
        trials = self.optuna.get_trials(deepcopy=False)
        finished = [trial for trial in trials if trial.state.is_finished()]
        if len(finished) < self.search.trials or all(trial.state != TrialState.COMPLETE for trial in finished):
            return []
        return list(self._of(self.optuna.best_trial.params, BEST, {}))

    def _of(self, arguments: dict[str, Any], trial: int | str, loading: dict[str, str]) -> Iterator[Task]:
        chosen = {name: arguments[name] for name in self.search.space}  # in the file's order
        study = self.study.model_copy(update={"loading": {**self.study.loading, **loading}})
        return tasks_of(study, {**study.base, **chosen}, {"trial": trial, **chosen})

    def _trial(self, number: int) -> FrozenTrial:
        return self.optuna.get_trials(deepcopy=False)[number]

    def _suggest(self, number: int, identity: int) -> dict[str, Any]:
        """Return the arguments of a trial that exists; what it has not chosen yet is chosen now."""
        self.optuna.sampler = self._sampler(number)
        trial = optuna.Trial(self.optuna, identity)
        return {name: _suggest(trial, name, space) for name, space in self.search.space.items()}

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """Return the sampler of one trial, seeded by its number: a resumed search goes on as it would have."""
        if self.search.method == "random":
            return optuna.samplers.RandomSampler(seed=number)
        return optuna.samplers.TPESampler(seed=number, constant_liar=True)

    def _tell(self, number: int, **what: Any) -> None:
        del self._open[number], self._values[number]
        with suppress(ValueError):  # told before
            self.optuna.tell(number, what.get("value"), state=what.get("state"))


class _Lock(JournalFileOpenLock):
    """The operating system's lock: Optuna's own outlives a killed process by half a minute."""

    def __init__(self, journal: str) -> None:
        super().__init__(journal)
        self._path = f"{journal}.flock"
        self._held = -1

    def acquire(self) -> bool:
        import fcntl

        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._held = descriptor
        return True

    def release(self) -> None:
        os.close(self._held)


def open_storage(journal: str) -> optuna.storages.JournalStorage:
    """Return the storage of a search: a journal that any number of processes append to."""
    return optuna.storages.JournalStorage(JournalFileBackend(journal, lock_obj=_Lock(journal)))


def mend(journal: Path) -> None:
    """Cut off half a line at the journal's end, which Optuna would stumble over once it is followed by another."""
    if journal.exists() and (content := journal.read_bytes()) and not content.endswith(b"\n"):
        os.truncate(journal, content.rfind(b"\n") + 1)


def best_trial(study: Study, folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the number, value and arguments of the best trial so far; None if no trial has ended."""
    trials = Trials(study, StudyDirectory(folder))
    with suppress(ValueError):
        best = trials.optuna.best_trial
        return {"trial": best.number, "metric": study.metrics[0], "value": best.value, "arguments": dict(best.params)}
    return None


def runs_at_most(study: Study) -> int:
    """Return how many runs a search comes to if none is pruned: its trials', and those of the best arguments."""
    assert study.search is not None
    return (study.search.trials + 1) * len(list(tasks_of(study, {}, {})))


def _suggest(trial: optuna.Trial, name: str, space: Space) -> Any:
    if space.choices is not None:
        return trial.suggest_categorical(name, space.choices)
    if isinstance(space.low, int) and isinstance(space.high, int):
        return trial.suggest_int(name, space.low, space.high, log=space.log)
    return trial.suggest_float(name, space.low, space.high, log=space.log)


def _identity(study: Study) -> str:
    """Return a name that is the same for as long as trials are comparable: more of them may be asked for."""
    assert study.search is not None
    content = study.model_dump(
        mode="json", include={"dataset", "loading", "labels", "percent", "balanced", "seeds", "base"}
    )
    content |= {
        "metric": study.metrics[0],
        **study.search.model_dump(mode="json", exclude={"trials", "prune", "method"}),
    }
    digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=6).hexdigest()
    return f"{study.name}-{digest}"
