"""What lies in a study's directory, and the one place that knows the names of its files.

::

    study.json       what was run, by which code
    runs/KEY/        the runs, each a run directory, named after a hash of its configuration
    results.jsonl    a line for each finished run: what tables are made of
    failed/KEY.json  of each run that failed, its attempts and their tracebacks
    baselines/       scores of raw input and PCA, computed once for all runs that they stand beside
    search.journal   a search's trials (Optuna's journal storage)
    tracking/        what trackers keep of all runs together
    logs/            what workers wrote on standard error
    study.lock       who is at work on it
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semimetric.errors import RunError
from semimetric.runs import RunDirectory
from semimetric.runs.directory import UNFINISHED, flat_scores, json_text, plain, write_whole

ATTEMPTS = 2


@dataclass
class Failure:
    """A run that failed: what it was, and what came of each attempt (``kind`` "error" or "lost", ``error``,
    ``traceback``, ``when``, ``code``)."""

    key: str
    config: Mapping[str, Any]
    place: Mapping[str, Any]
    attempts: list[dict[str, str]] = field(default_factory=list)

    @property
    def final(self) -> bool:
        """Whether it is not to be tried again unasked; one whose worker was killed is, by whoever calls next."""
        return sum(attempt["kind"] == "error" for attempt in self.attempts) >= ATTEMPTS

    @property
    def error(self) -> str:
        """The last line of the last attempt's traceback."""
        return self.attempts[-1]["error"] if self.attempts else ""


class StudyDirectory:
    """Reads and writes the files of one study."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.runs = self.path / "runs"
        self.failed = self.path / "failed"
        self.baselines = self.path / "baselines"
        self.logs = self.path / "logs"
        self.journal = self.path / "search.journal"
        self.tracking = self.path / "tracking"
        self._results = self.path / "results.jsonl"

    def run(self, key: str) -> RunDirectory:
        """Return the directory of one run, which need not exist."""
        return RunDirectory(self.runs / key)

    def describe(self, content: Mapping[str, Any]) -> None:
        """Write ``study.json``."""
        self._make(self.path)
        write_whole(self.path / "study.json", json_text(dict(content)))

    def described(self) -> dict[str, Any]:
        """Return what ``study.json`` says; nothing if it is not there or damaged."""
        return _read(self.path / "study.json")

    # Results ------------------------------------------------------------------------------------------

    def results(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the finished ones of these runs: key → ``metrics`` (flat), ``seconds``, ``code``.

        Of runs in ``results.jsonl`` no other file is opened. A run that its line was not written for, the driver
        having been killed, is read from its own directory. A run whose directory is gone is not finished.
        """
        wanted = set(keys)
        try:
            there = wanted & set(os.listdir(self.runs))
        except FileNotFoundError:
            return {}
        found = {key: row for key, row in self._lines().items() if key in there}
        for key in there - found.keys():
            row = summary(self.run(key))
            if row is not None:
                found[key] = row
        return found

    def append(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Add lines to ``results.jsonl``; for the driver alone."""
        if not rows:
            return
        text = "".join(json.dumps({"key": key, **plain(row)}, allow_nan=False) + "\n" for key, row in rows.items())
        self._make(self.path)
        descriptor = os.open(self._results, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a driver was killed, or a disk was full
                text = "\n" + text
            content = text.encode()
            while content:
                content = content[os.write(descriptor, content) :]
        finally:
            os.close(descriptor)

    def in_results(self) -> set[str]:
        """Return the keys that have a line."""
        return set(self._lines())

    def _lines(self) -> dict[str, dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        names: dict[str, str] = {}  # of metrics, each once in memory
        try:
            with self._results.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    with suppress(ValueError, KeyError, TypeError, AttributeError):  # half a line: its run is read
                        row = json.loads(line)
                        row["metrics"] = {names.setdefault(k, k): v for k, v in row["metrics"].items()}
                        rows[row.pop("key")] = row
        except FileNotFoundError:
            pass
        return rows

    # Failures -----------------------------------------------------------------------------------------

    def failures(self) -> dict[str, Failure]:
        """Return the runs that failed, by key."""
        found = {}
        for file in sorted(self.failed.glob("*.json")):
            with suppress(TypeError):
                found[file.stem] = Failure(**_read(file))
        return found

    def record_failure(self, failure: Failure, kind: str, error: str, traceback: str, code: str) -> None:
        """Add an attempt that failed, and write it down."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        failure.attempts.append({"kind": kind, "error": error, "traceback": traceback, "when": when, "code": code})
        self._make(self.failed)
        write_whole(self.failed / f"{failure.key}.json", json_text(asdict(failure)))

    def forget_failure(self, key: str) -> None:
        """Remove the record of a run that has since been finished, or is to be tried anew."""
        (self.failed / f"{key}.json").unlink(missing_ok=True)

    @staticmethod
    def _make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)


def summary(run: RunDirectory) -> dict[str, Any] | None:
    """Return what a finished run adds to the results; None if it is not finished, or damaged."""
    try:
        config = run.read_json("config.json")
        if config.get("stopped") in UNFINISHED:
            return None
        metrics = run.read_json("metrics.json")
    except RunError:
        return None
    metrics = flat_scores(metrics, metrics.pop("baselines", {}))
    seconds = float(config.get("seconds_fit") or 0.0) + float(config.get("seconds_evaluate") or 0.0)
    return {"metrics": metrics, "seconds": seconds, "code": config.get("code", ""), "stopped": config.get("stopped")}


def lacking(row: Mapping[str, Any], peers: Iterable[str]) -> list[str]:
    """Return the peers that a finished run, scored at all, was not scored beside: a study may come to ask for more.

    >>> lacking({"metrics": {"accuracy": 0.9, "umap.accuracy": 0.8}}, ["umap", "self-training"])
    ['self-training']
    """
    scored = {name.partition(".")[0] for name in row["metrics"]}
    return [peer for peer in peers if peer not in scored] if scored else []


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
