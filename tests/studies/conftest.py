"""A small study on vectors of one's own, and an engine that needs no processes."""

from collections import deque

import numpy as np
import pytest

from semimetric.studies import Study
from semimetric.studies.perform import Job, Outcome, perform


@pytest.fixture(scope="session")
def vector_file(tmp_path_factory):
    """Vectors of three classes that lie apart, 72 of 90 for training."""
    y = np.arange(90) % 3
    X = np.random.default_rng(0).normal(size=(90, 6)).astype(np.float32)
    X[:, 0] += 3 * y
    path = tmp_path_factory.mktemp("vectors") / "mine.npz"
    np.savez(path, X=X, y=y)
    return str(path)


@pytest.fixture
def study(vector_file):
    """Return a study on the vectors, with what is said otherwise."""

    def made(**changes):
        content = {
            "name": "small",
            "dataset": vector_file,
            "labels": 30,
            "base": {"epochs": 2},
            "grid": {"latent_dim": [2, 3]},
            "rows": [{"name": "DML", "preset": "dml"}, {"name": "both", "preset": "dml-autoencoder"}],
        }
        return Study(**{key: value for key, value in (content | changes).items() if value is not None})

    return made


class Inline:
    """An engine that computes a job when it is asked for one, in this process, or does as it is told."""

    capacity = 2

    def __init__(self, answer=None):
        self.answer = answer or perform
        self.jobs: deque[Job] = deque()
        self.submitted: list[Job] = []

    def submit(self, job):
        self.jobs.append(job)
        self.submitted.append(job)

    def wait(self, seconds):
        return self.answer(self.jobs.popleft()) if self.jobs else None

    def close(self):
        self.jobs.clear()


@pytest.fixture
def inline(monkeypatch):
    """Have studies computed by an `Inline` engine, and return it; ``answer`` takes a job's place."""
    from contextlib import contextmanager

    def installed(answer=None):
        engine = Inline(answer)

        @contextmanager
        def opened(*_, **__):
            yield engine

        monkeypatch.setattr("semimetric.studies.driver.open_engine", opened)
        return engine

    return installed


@pytest.fixture
def scored():
    """Return an outcome as if the job had been computed."""

    def made(job, **metrics):
        return Outcome(job.key, "done", {"metrics": metrics, "seconds": 1.5, "code": "", "stopped": "finished"})

    return made
