"""The program, called in this process, and two finished runs that the tests share."""

import io
import json
import re
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import numpy as np
import pytest

from semimetric.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a call of the program left: its exit code, and both streams without colours."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output, which must be one JSON object and nothing else, without NaN."""

        def refuse(name):
            raise AssertionError(f"{name} is not JSON")

        content = json.loads(self.out, parse_constant=refuse)
        assert isinstance(content, dict)
        return content


def call(*arguments, width=200) -> Outcome:
    """Run ``semimetric`` with these arguments; only SystemExit may leave it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default", UserWarning)
        patch.setattr(sys, "argv", ["semimetric", *map(str, arguments)])
        patch.setenv("COLUMNS", str(width))
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        else:
            code = 0
    plain = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()) for stream in (out, err))
    return Outcome(code, *plain)


@pytest.fixture(scope="session")
def semimetric():
    return call


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run on digits with 50 labels, and what fitting it printed."""
    path = tmp_path_factory.mktemp("digits") / "run"
    done = call("fit", "digits", "--labels", 50, "--epochs", 1, "--latent-dim", 4, "--out", path, "--json")
    assert done.code == 0, done.err
    return path, done


def three_classes(rows=90, seed=0):
    """Vectors of three classes that lie apart, and their labels."""
    y = np.arange(rows) % 3
    X = np.random.default_rng(seed).normal(size=(rows, 6)).astype(np.float32)
    X[:, 0] += 3 * y
    return X, y


@pytest.fixture(scope="session")
def vectors():
    return three_classes()


@pytest.fixture(scope="session")
def vector_file(tmp_path_factory, vectors):
    path = tmp_path_factory.mktemp("vectors") / "mine.npz"
    np.savez(path, X=vectors[0], y=vectors[1])
    return path


@pytest.fixture(scope="session")
def vector_run(tmp_path_factory, vector_file):
    """A run on vectors of one's own, and what fitting it printed to a person."""
    path = tmp_path_factory.mktemp("vectors") / "run"
    done = call("fit", vector_file, "--labels", 30, "--epochs", 2, "--latent-dim", 2, "--out", path, width=80)
    assert done.code == 0, done.err
    return path, done


@pytest.fixture
def no_report(monkeypatch):
    """Leave out the report, where a test is about something else."""
    monkeypatch.setattr("semimetric.report.write_report", lambda run: None)
