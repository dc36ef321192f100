"""Processes of this machine, one thread each.

A process that dies takes its own run with it and no other: each is watched by a thread of the driver, which says what
happened and starts another. Nothing is pickled and the driver's script is not imported, so it needs no guard.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import joblib

import semimetric
from semimetric.studies.engines.base import gpus_to_use
from semimetric.studies.perform import LOST, Job, Outcome

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
LOG_KEPT = 2_000  # characters of a dead worker's log that go into the record


class LocalEngine:
    """Runs jobs in ``workers`` processes; by default one for each core, or for each GPU where there are any."""

    def __init__(
        self, workers: int | None = None, *, device: str | None = None, logs: Path, lock: int | None = None
    ) -> None:
        self._gpus = gpus_to_use(device)
        self._workers = workers or self._gpus or joblib.cpu_count()
        self._logs = logs
        self._lock = lock
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._closed = threading.Event()
        logs.mkdir(parents=True, exist_ok=True)
        self._threads = [threading.Thread(target=self._serve, args=(n,), daemon=True) for n in range(self._workers)]
        for thread in self._threads:
            thread.start()

    @property
    def capacity(self) -> int:
        """As many as there are processes."""
        return self._workers

    @property
    def processes(self) -> list[int]:
        """The process numbers of the workers that are alive."""
        return [process.pid for process in list(self._processes.values()) if process.poll() is None]

    def submit(self, job: Job) -> None:
        """Give a job to the next process that is free."""
        self._jobs.put(job)

    def wait(self, seconds: float) -> Outcome | None:
        """Return what came of a job, or None if none has ended after so many seconds."""
        try:
            return self._outcomes.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Kill all processes."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)
        for process in list(self._processes.values()):
            process.kill()
        for thread in self._threads:
            thread.join()
        for process in self._processes.values():
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def _serve(self, number: int) -> None:
        while (job := self._jobs.get()) is not None and not self._closed.is_set():
            try:
                outcome = self._compute(number, job)
            except OSError as error:  # no process can be started: not for want of trying again
                outcome = Outcome(job.key, LOST, error=f"could not start a worker process: {error}")
            self._outcomes.put(outcome)

    def _compute(self, number: int, job: Job) -> Outcome:
        process = self._ready(number)
        if self._closed.is_set():  # it may have been started after all were killed
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps(asdict(job)) + "\n"
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:  # it was killed while it had nothing to do
            if self._closed.is_set():
                return Outcome(job.key, LOST, error="the study ended")
            process.wait()
            return self._compute(number, job)
        answer = process.stdout.readline()
        if answer.endswith("\n"):
            return Outcome(**json.loads(answer))
        return Outcome(job.key, LOST, error=_epitaph(process.wait()), traceback=self._last_words(number))

    def _ready(self, number: int) -> "subprocess.Popen[str]":
        """Return the process of that number, a new one if it has died."""
        process = self._processes.get(number)
        if process is None or process.poll() is not None:
            own_gpu = {"CUDA_VISIBLE_DEVICES": self._visible(number)} if self._gpus else {}
            package = str(Path(semimetric.__file__).parents[1])
            path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
            with self._log(number).open("wb") as log:
                process = self._processes[number] = subprocess.Popen(
                    [sys.executable, "-P", "-m", "semimetric.studies.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, **ONE_THREAD, **own_gpu, "PYTHONPATH": path},
                    pass_fds=() if self._lock is None else (self._lock,),
                    start_new_session=True,  # Ctrl-C in the terminal is not for them
                    encoding="utf-8",
                )
        return process

    def _visible(self, number: int) -> str:
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
        names = chosen.split(",") if chosen else [str(n) for n in range(self._gpus)]
        return names[number % len(names)]

    def _log(self, number: int) -> Path:
        return self._logs / f"worker-{number}.log"

    def _last_words(self, number: int) -> str:
        try:
            return self._log(number).read_text(errors="replace")[-LOG_KEPT:]
        except OSError:
            return ""


def _epitaph(code: int) -> str:
    """Say how a process ended.

    >>> _epitaph(-9)
    'its worker process was killed (SIGKILL), perhaps for want of memory'
    """
    if code >= 0:
        return f"its worker process ended with code {code}"
    why = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"its worker process was killed ({signal.Signals(-code).name}){why}"
