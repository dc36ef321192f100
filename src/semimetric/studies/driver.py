"""A study from its first run to its last: what is done is left alone, what fails is tried again and written down."""

import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semimetric.data.download import local_root
from semimetric.errors import StudyError
from semimetric.evaluation.peers import check_peers
from semimetric.runs.code import code_version
from semimetric.runs.tracking import TrackingPlan, plan_tracking
from semimetric.studies.checks import check_study
from semimetric.studies.collecting import collect
from semimetric.studies.directory import ATTEMPTS, Failure, StudyDirectory, lacking
from semimetric.studies.engines import Engine, open_engine
from semimetric.studies.grid import expand
from semimetric.studies.lock import only_driver
from semimetric.studies.perform import DONE, FAILED, PRUNED, Job, Outcome
from semimetric.studies.specification import Study
from semimetric.studies.standing import Standing, Watch, described
from semimetric.studies.task import Result, Task
from semimetric.studies.work import Grid, Work

TICK = 0.5  # seconds between two looks at the engine


@dataclass(frozen=True)
class Settings:
    """How a study is run, none of which changes what comes of it.

    engine, workers, address, device : see `semimetric.studies.engines.open_engine`.
    data_dir : where local copies of named datasets are.
    retry_failed : whether runs that failed for good in an earlier call are tried again.
    track : trackers that runs are reported to, beside those that the study names.
    """

    engine: str = "local"
    workers: int | None = None
    address: str | None = None
    device: str | None = None
    data_dir: str | None = None
    retry_failed: bool = False
    track: Sequence[str] = ()


def run_study(
    study: Study, folder: str | os.PathLike[str], settings: Settings | None = None, watch: Watch | None = None
) -> list[Result]:
    """Run what is left of a study, in a directory that may hold some of its runs, and return all results.

    It can be killed, and so can its workers: whoever calls it again loses nothing but the runs that were under way, and
    those go on from their checkpoints.

    Raises
    ------
    StudyError
        If something in the study could not be run, another process is at work on the directory, the engine cannot
        start, a tracker is unknown or not installed, or a baseline needs a package that is not.
    KeyboardInterrupt
        At Ctrl-C, after the workers were ended.

    Examples
    --------
    >>> import tempfile
    >>> study = Study(name="s", dataset="digits", labels=50, base={"epochs": 1}, grid={"latent_dim": [2]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = run_study(study, folder, Settings(workers=1))
    >>> [(result.status, result.place["latent_dim"]) for result in results]
    [('done', 2)]
    """
    settings = settings or Settings()
    check_study(study)
    directory = StudyDirectory(Path(folder).absolute())
    tracking = _tracking(study, settings, directory)
    _check_peers(study)
    directory.path.mkdir(parents=True, exist_ok=True)
    with only_driver(directory.path) as lock:
        _describe(study, directory)
        if study.search is not None:
            from semimetric.studies.search import Trials, mend  # Optuna comes with it

            mend(directory.journal)
            trials = Trials(study, directory)
            trials.resume()
            driver = _Driver(study, directory, settings, watch, tracking, total=trials.runs)
            driver.settle(trials.tasks())
            driver.drive(trials, lock)
            return collect(study, directory.path)
        tasks = expand(study)
        driver = _Driver(study, directory, settings, watch, tracking, total=len({task.key for task in tasks}))
        driver.drive(Grid(driver.settle(tasks)), lock)
        return collect(study, directory.path)


def _tracking(study: Study, settings: Settings, directory: StudyDirectory) -> TrackingPlan:
    try:
        return plan_tracking([*study.trackers, *settings.track], group=study.name, store=directory.tracking)
    except (ValueError, ImportError) as error:
        raise StudyError(str(error)) from None


def _check_peers(study: Study) -> None:
    try:
        check_peers(study.peers)
    except ImportError as error:
        raise StudyError(str(error)) from None


def _describe(study: Study, directory: StudyDirectory) -> None:
    directory.describe(
        {
            "name": study.name,
            "title": study.title,
            "budget": study.budget,
            "code": code_version(),
            "last_called": datetime.now(UTC).isoformat(timespec="seconds"),
            "study": study.model_dump(mode="json"),
        }
    )


class _Driver:
    """Keeps an engine busy with a study's work, and writes down what comes of it."""

    def __init__(
        self,
        study: Study,
        directory: StudyDirectory,
        settings: Settings,
        watch: Watch | None,
        tracking: TrackingPlan,
        total: int,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.tracking = tracking
        self.standing = Standing(total)
        self.failures = directory.failures()
        self.rows: dict[str, dict[str, Any]] = {}
        self._metrics = study.metrics
        self._peers = study.peers
        self._attempts: dict[str, int] = {}  # in this call
        self._again: deque[Task] = deque()
        self._twins: dict[str, list[Task]] = {}  # of runs under way
        self._watch = watch or (lambda standing: None)

    def settle(self, tasks: Iterable[Task]) -> list[Task]:
        """Count what is done and what failed for good; return what is left to do, each run once."""
        by_key = {task.key: task for task in tasks}
        rows = self.directory.results(by_key)
        self.rows = {key: row for key, row in rows.items() if not lacking(row, self._peers)}
        written = self.directory.in_results()
        self.directory.append({key: row for key, row in self.rows.items() if key not in written})
        for key in by_key.keys() & self.failures.keys():
            if key in self.rows or self.settings.retry_failed:
                self._forget(key)
        given_up = {key for key in by_key if key in self.failures and self.failures[key].final}
        self.standing.done, self.standing.failed = len(self.rows), len(given_up)
        self.standing.seconds = sum(row["seconds"] for row in self.rows.values())
        return [task for key, task in by_key.items() if key not in self.rows and key not in given_up]

    def drive(self, work: Work, lock: int) -> None:
        """Do all the work there is."""
        task = self._next(work)
        s, logs = self.settings, self.directory.logs
        if task is not None:
            with open_engine(
                s.engine, workers=s.workers, device=s.device, address=s.address, logs=logs, lock=lock
            ) as engine:
                while True:
                    while task is not None:
                        self._start(task, work, engine)
                        task = self._next(work) if len(self.standing.running) < engine.capacity else None
                    if not self.standing.running:
                        break
                    self._watch(self.standing)
                    outcome = engine.wait(TICK)
                    if outcome is not None:
                        self._hear(outcome, work)
                    task = self._next(work) if len(self.standing.running) < engine.capacity else None
        self._watch(self.standing)

    def _next(self, work: Work) -> Task | None:
        """Return a task to start: one that is neither done, nor given up, nor under way as another's twin."""
        if self._again:
            return self._again.popleft()
        while (task := work.take()) is not None:
            failure = self.failures.get(task.key)
            if task.key in self.standing.running:
                self._twins.setdefault(task.key, []).append(task)
            elif task.key in self.rows or (failure is not None and failure.final):
                kind = DONE if task.key in self.rows else FAILED
                self.standing.pruned += work.finished(task, kind, self.rows.get(task.key))
            else:
                return task
        return None

    def _start(self, task: Task, work: Work, engine: Engine) -> None:
        data_dir = local_root(self.settings.data_dir)  # a worker elsewhere has neither this directory nor variables
        job = Job(
            task.key,
            asdict(task.config),
            folder=str(self.directory.path),
            working_directory=os.getcwd(),
            data_dir=None if data_dir is None else os.path.abspath(data_dir),
            device=self.settings.device,
            peers=self._peers,
            trial=work.trial(task),
            tracking=asdict(replace(self.tracking, name=described(task))) if self.tracking.trackers else None,
        )
        self.standing.running[task.key] = (task, time.monotonic())
        engine.submit(job)

    def _hear(self, outcome: Outcome, work: Work) -> None:
        task, _ = self.standing.running.pop(outcome.key)
        standing = self.standing
        if outcome.kind == DONE:
            assert outcome.row is not None
            self.directory.append({task.key: outcome.row})
            self.rows[task.key] = outcome.row
            self._forget(task.key)
            standing.done += 1
            standing.seconds += outcome.row["seconds"]
            came_of_it = "; ".join(filter(None, [self._scores(outcome.row), outcome.warning]))
        elif outcome.kind == PRUNED:
            standing.pruned += 1
            came_of_it = "pruned"
        elif self._failed(task, outcome):
            standing.last.appendleft((described(task), f"failed, and is tried again: {outcome.error}"))
            self._again.append(task)
            return
        else:
            standing.failed += 1
            came_of_it = f"failed: {outcome.error}"
        standing.finished_here += 1
        standing.last.appendleft((described(task), came_of_it))
        for each in (task, *self._twins.pop(task.key, ())):
            standing.pruned += work.finished(each, outcome.kind, outcome.row)

    def _failed(self, task: Task, outcome: Outcome) -> bool:
        """Write a failure down; return whether the run is tried again."""
        new = Failure(task.key, asdict(task.config), dict(task.place))
        failure = self.failures.setdefault(task.key, new)
        self.directory.record_failure(failure, outcome.kind, outcome.error, outcome.traceback, code_version())
        self._attempts[task.key] = self._attempts.get(task.key, 0) + 1
        return self._attempts[task.key] < ATTEMPTS and not failure.final

    def _forget(self, key: str) -> None:
        if self.failures.pop(key, None) is not None:
            self.directory.forget_failure(key)

    def _scores(self, row: dict[str, Any]) -> str:
        shown = [(name, row["metrics"].get(name)) for name in self._metrics]
        return ", ".join(f"{name} {value:.3f}" for name, value in shown if value is not None) or "done"
