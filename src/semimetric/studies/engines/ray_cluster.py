"""A Ray cluster: the same jobs as Ray tasks, one core each, on as many machines as it has."""

from dataclasses import asdict
from typing import Any

from semimetric.errors import StudyError
from semimetric.studies.perform import LOST, Job, Outcome, perform

RETRIES = 3  # of a task whose machine or process died, by Ray itself


def _compute(job: dict[str, Any]) -> dict[str, Any]:
    return asdict(perform(Job(**job)))


class RayEngine:
    """Runs jobs as Ray tasks; the study's directory must be one that all machines share.

    Parameters
    ----------
    address : str, optional
        Of the cluster, as ``ray.init`` takes it; without one, that of RAY_ADDRESS, else Ray starts on this machine.
    workers : int, optional
        How many runs at a time; by default as many as the cluster has cores, or GPUs for a ``device`` "cuda".
    """

    def __init__(self, address: str | None = None, workers: int | None = None, *, device: str | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise StudyError(
                "the ray engine needs Ray, which is not installed: pip install 'semimetric[ray]', or use --engine local"
            ) from None
        self._ray: Any = ray
        self._ours = not self._ray.is_initialized()
        if self._ours:
            try:
                self._ray.init(
                    address=address, log_to_driver=False, include_dashboard=False if address is None else None
                )
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise StudyError(f"there is no Ray cluster at {address or 'RAY_ADDRESS'}: {error}") from error
        self._workers = workers
        self._resource = "GPU" if device is not None and device.startswith("cuda") else "CPU"
        needs = {"num_cpus": 1, "num_gpus": 1 if self._resource == "GPU" else 0}
        self._task = self._ray.remote(**needs, max_retries=RETRIES)(_compute)
        self._running: dict[Any, str] = {}

    @property
    def capacity(self) -> int:
        """The cluster's cores or GPUs, of which there may be more or fewer at any time."""
        there = int(self._ray.cluster_resources().get(self._resource, 0))
        return max(1, min(there, self._workers or there))

    def submit(self, job: Job) -> None:
        """Hand a job to Ray."""
        self._running[self._task.remote(asdict(job))] = job.key

    def wait(self, seconds: float) -> Outcome | None:
        """Return what came of a job, or None if none has ended after so many seconds."""
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        if not done:
            return None
        key = self._running.pop(done[0])
        try:
            return Outcome(**self._ray.get(done[0]))
        except self._ray.exceptions.RayError as error:  # its process or machine died once too often
            return Outcome(key, LOST, error=f"Ray lost it: {type(error).__name__}", traceback=str(error))

    def close(self) -> None:
        """Cancel what is under way, and let go of the cluster."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        if self._ours:
            self._ray.shutdown()
