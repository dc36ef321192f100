"""Reporting a run to trackers while it goes on, so that none of them can harm it."""

import importlib.util
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from semimetric.errors import nearest_names
from semimetric.runs.directory import RunDirectory, json_text, write_whole
from semimetric.runs.trackers import TRACKERS, TrackedRun, Tracker

GROUP = "semimetric"  # of runs that belong to no study
STATE = "told.json"


@dataclass(frozen=True)
class TrackingPlan:
    """Which trackers a run is reported to, and as what: plain values, to be sent to other processes and machines.

    trackers : names in `semimetric.runs.trackers.TRACKERS`.
    group, name : what the run is called there.
    store : folder for what a tracker keeps of all runs of the group; by default the run's own.
    environment : the trackers' environment variables, as they are where the plan was made.
    """

    trackers: Sequence[str] = ()
    group: str = GROUP
    name: str = ""
    store: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def plan_tracking(
    trackers: Iterable[str], *, group: str = GROUP, name: str = "", store: str | os.PathLike[str] = ""
) -> TrackingPlan:
    """Return a plan with the trackers checked, and with the addresses that this process's environment gives them.

    Credentials are left where they are.

    Raises
    ------
    ValueError
        If there is no such tracker.
    ImportError
        If a package that one of them needs is not installed.
    """
    names = tuple(dict.fromkeys(trackers))
    check_trackers(names)
    variables = [variable for each in names for variable in TRACKERS[each].variables]
    environment = {variable: os.environ[variable] for variable in variables if os.environ.get(variable)}
    return TrackingPlan(names, group, name, os.fspath(store), environment)


def check_trackers(names: Iterable[str]) -> None:
    """Raise if there is no such tracker, or what it needs is not installed; nothing is imported.

    >>> check_trackers(["tensorbord"])
    Traceback (most recent call last):
    ValueError: unknown tracker 'tensorbord': did you mean 'tensorboard'? Known: mlflow, tensorboard, wandb
    """
    for name in names:
        if name not in TRACKERS:
            raise ValueError(f"unknown tracker {name!r}: {nearest_names(name, TRACKERS)}")
        missing = [package for package in TRACKERS[name].packages if not _is_installed(package)]
        if missing:
            what = f"{' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed"
            raise ImportError(f"the tracker {name!r} needs {what}: pip install 'semimetric[{name}]'")


def _is_installed(package: str) -> bool:
    found = importlib.util.find_spec(package)
    return found is not None and found.origin is not None  # a folder that W&B made is no package, but looks like one


@dataclass
class _Told:
    """What a tracker has been told so far: as what it knows the run, and how many epochs."""

    begun: bool = False
    identity: str = ""
    epochs: int = 0


class Tracking:
    """Reports one run, and outlives every tracker: one that fails is given up, with one warning.

    Nothing is opened before the first epoch, so that a run that cannot be fitted is not reported. What was told is
    written down: an interrupted run goes on where its report was, in the tracker's same run.

    Parameters
    ----------
    plan : TrackingPlan
    run : RunDirectory
        ``tracking/`` in it is written.

    Attributes
    ----------
    failed : dict
        Tracker to why it was given up.

    Raises
    ------
    ValueError, ImportError
        As `check_trackers` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Tracking(TrackingPlan(), RunDirectory(folder)) as tracking:
    ...     tracking.begin({"latent_dim": 10}, resumed=False)
    ...     tracking.epochs([{"epoch": 1.0, "train_metric": 0.2}])
    ...     tracking.scores({"knn_accuracy": 0.9})
    """

    def __init__(self, plan: TrackingPlan, run: RunDirectory) -> None:
        check_trackers(plan.trackers)
        self.failed: dict[str, str] = {}
        self._plan = plan
        self._folder = run.tracking.absolute()
        self._settings: Mapping[str, Any] = {}
        self._resumed = False
        self._begun = False
        self._open: dict[str, Tracker] = {}
        self._told: dict[str, _Told] = {}
        self._done = 0

    def begin(self, settings: Mapping[str, Any], *, resumed: bool) -> None:
        """Say what the run is. One that is not ``resumed`` takes the place of the run that was in its directory."""
        self._settings = settings
        self._resumed = resumed

    def epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Report the epochs that have not been reported yet; ``history`` is `MetricEmbedder.history_` so far."""
        self._start()
        self._done = len(history)
        for name, tracker in list(self._open.items()):
            with self._survived(name):
                self._report(tracker, self._told[name], history)

    def scores(self, metrics: Mapping[str, float | None]) -> None:
        """Report the final scores; those that are None are left out."""
        self._start()
        known = {name: value for name, value in metrics.items() if value is not None}
        for name, tracker in list(self._open.items()):
            with self._survived(name):
                tracker.scores(self._done, known)

    def close(self, succeeded: bool = True) -> None:
        """End all reports."""
        while self._open:
            name, tracker = self._open.popitem()
            with self._survived(name):
                tracker.close(succeeded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(succeeded=kind is None)

    def _start(self) -> None:
        """Open the trackers, if that has not been done."""
        if self._begun:
            return
        self._begun = True
        if not self._resumed:
            _clear(self._folder)
        self._told = {name: _Told() for name in self._plan.trackers} | _read(self._folder / STATE)
        run = TrackedRun(
            self._plan.group,
            self._plan.name or self._folder.parent.name,
            self._settings,
            self._folder,
            Path(self._plan.store).absolute() if self._plan.store else self._folder,
            self._plan.environment,
        )
        for name in self._plan.trackers:
            with self._survived(name):
                self._open[name] = tracker = TRACKERS[name](run, self._told[name].identity)
                if not tracker.goes_on:
                    self._told[name] = _Told()
                if not self._told[name].begun:
                    tracker.begin(self._settings)
                    self._write_down(self._told[name], begun=True, identity=tracker.identity)

    def _report(self, tracker: Tracker, told: _Told, history: Sequence[Mapping[str, float]]) -> None:
        for number, row in enumerate(history[told.epochs :], start=told.epochs + 1):
            tracker.epoch(number, {term: value for term, value in row.items() if term != "epoch"})
        self._write_down(told, epochs=len(history))

    def _write_down(self, told: _Told, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(told, name, value)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / STATE, json_text({name: asdict(each) for name, each in self._told.items()}))

    @contextmanager
    def _survived(self, name: str) -> Iterator[None]:
        """Give the tracker up if it fails, and say so once."""
        try:
            yield
        except Exception as error:
            tracker = self._open.pop(name, None)
            if tracker is not None:
                with suppress(Exception):
                    tracker.close(False)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.failed[name] = reason
            warnings.warn(f"reporting to {name} failed, and the run goes on without it: {reason}", stacklevel=4)


def _clear(folder: Path) -> None:
    """Remove what an earlier run in the same place reported; a store, beside it, may hold other runs and be open."""
    with suppress(OSError):
        (folder / STATE).unlink(missing_ok=True)
    for entry in folder.glob("*/"):
        shutil.rmtree(entry, ignore_errors=True)


def _read(path: Path) -> dict[str, _Told]:
    try:
        return {name: _Told(**told) for name, told in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # not reported to before, or damaged: report anew
        return {}
