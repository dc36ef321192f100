"""What every engine does, and how one is chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from semimetric.errors import StudyError, nearest_names
from semimetric.studies.perform import Job, Outcome

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Computes jobs, several at a time, in no particular order."""

    @property
    def capacity(self) -> int:
        """How many jobs can be under way at a time; it may change."""

    def submit(self, job: Job) -> None:
        """Start a job, or let it wait for its turn."""

    def wait(self, seconds: float) -> Outcome | None:
        """Return what came of a job that has ended since, or None if none has after so many seconds."""

    def close(self) -> None:
        """End at once; runs under way keep their checkpoints."""


@contextmanager
def open_engine(
    name: str,
    *,
    workers: int | None = None,
    device: str | None = None,
    address: str | None = None,
    logs: Path,
    lock: int | None = None,
) -> Iterator[Engine]:
    """Open an engine for the time of a ``with`` block.

    Parameters
    ----------
    name : str
        "local" or "ray".
    workers : int, optional
        How many runs at a time; by default as many as there are cores, or GPUs if they are computed on those.
    device : str, optional
        As `MetricEmbedder` takes it.
    address : str, optional
        Of a Ray cluster; without one, Ray starts on this machine.
    logs : path
        Folder for what workers write on standard error.
    lock : int, optional
        A file descriptor that workers keep open for as long as they live.

    Raises
    ------
    StudyError
        If there is no such engine, or it cannot start.
    """
    if name not in ENGINES:
        raise StudyError(f"unknown engine {name!r}: {nearest_names(name, ENGINES)}")
    if workers is not None and workers < 1:
        raise StudyError(f"workers must be at least 1, got {workers}")
    if address is not None and name != "ray":
        raise StudyError("an address is of a Ray cluster: it goes with --engine ray")
    engine: Engine
    if name == "local":
        from semimetric.studies.engines.local import LocalEngine

        engine = LocalEngine(workers, device=device, logs=logs, lock=lock)
    else:
        from semimetric.studies.engines.ray_cluster import RayEngine

        engine = RayEngine(address, workers, device=device)
    try:
        yield engine
    finally:
        engine.close()


def gpus_to_use(device: str | None) -> int:
    """Return how many GPUs of this machine runs are to be dealt out to, one each; 0 for other devices."""
    import torch

    if device is None or device in ("auto", "cuda"):
        return torch.cuda.device_count()
    return 0
