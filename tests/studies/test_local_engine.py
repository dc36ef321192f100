"""How many processes there are, and which GPU each of them sees."""

import joblib
import pytest

from semimetric.errors import StudyError
from semimetric.studies.engines import local, open_engine
from semimetric.studies.engines.local import LocalEngine


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Return an engine on a machine with so many GPUs; it starts no process before it has a job."""
    opened = []

    def made(gpus, **options):
        monkeypatch.setattr(local, "gpus_to_use", lambda device: gpus)
        opened.append(LocalEngine(logs=tmp_path, **options))
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def test_there_is_a_process_for_each_gpu_else_for_each_core_else_as_many_as_asked_for(engine):
    assert engine(0).capacity == joblib.cpu_count()
    assert engine(3).capacity == 3
    assert engine(3, workers=7).capacity == 7
    assert engine(0, workers=1).processes == []


@pytest.mark.parametrize(("visible", "seen"), [(None, ["0", "1", "0"]), ("4,6", ["4", "6", "4"])])
def test_processes_are_dealt_out_to_the_gpus_that_may_be_used(engine, monkeypatch, visible, seen):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    two = engine(2, workers=3)
    assert [two._visible(number) for number in range(3)] == seen


def test_nothing_waits_for_nothing(engine):
    assert engine(0, workers=1).wait(0.01) is None


def test_what_cannot_be_opened_is_said(tmp_path):
    with (
        pytest.raises(StudyError, match="workers must be at least 1, got 0"),
        open_engine("local", workers=0, logs=tmp_path),
    ):
        pass
