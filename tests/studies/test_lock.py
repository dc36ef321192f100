"""One driver to a directory, and what the other is told."""

import os
import socket
import subprocess
import sys
import time

import pytest

from semimetric.errors import StudyError
from semimetric.studies import lock
from semimetric.studies.lock import only_driver, only_worker

HOLD = """
import sys, time
from pathlib import Path
from semimetric.studies.lock import only_driver
with only_driver(Path(sys.argv[1])) as descriptor:
    if len(sys.argv) > 2:
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(descriptor,),
                                 stdout=subprocess.DEVNULL)
        print(child.pid, flush=True)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the directory; it is killed in the end."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-c", HOLD, str(tmp_path), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_second_is_refused_and_told_who_is_there_and_a_killed_one_s_lock_is_taken_over(holder, tmp_path):
    first = holder()
    assert first.stdout.readline() == "held\n"
    with pytest.raises(StudyError) as error, only_driver(tmp_path):
        pass
    told = str(error.value)
    assert told.startswith(
        f"another study is at work on {tmp_path} (process {first.pid} on {socket.gethostname()}, since 2"
    )
    assert told.endswith(
        f"): wait for it, or end it by `kill {first.pid}` there and call again, or choose another --out; "
        "--table-only works beside it"
    )
    first.kill()
    first.wait()
    with only_driver(tmp_path):
        assert f'"pid": {os.getpid()},' in (tmp_path / "study.lock").read_text()
    with only_driver(tmp_path):
        pass  # free again


def test_the_lock_lasts_until_the_last_worker_of_a_killed_driver_has_ended(holder, tmp_path, monkeypatch):
    first = holder("with a child")
    child = int(first.stdout.readline())
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.wait()
    monkeypatch.setattr(lock, "PATIENCE", 0.3)
    with (
        pytest.raises(StudyError, match=f"the workers of process {first.pid} on .* which has ended, are still at work"),
        only_driver(tmp_path),
    ):
        pass
    os.kill(child, 9)
    monkeypatch.setattr(lock, "PATIENCE", 30.0)
    with only_driver(tmp_path):
        pass


def test_a_run_is_held_by_one_process_and_waited_for(tmp_path):
    with only_worker(tmp_path):
        began = time.monotonic()
        told = "another process is at work on this run"
        with pytest.raises(BlockingIOError, match=told), only_worker(tmp_path, patience=0.3):
            pass
        assert time.monotonic() - began >= 0.3
    with only_worker(tmp_path):
        pass
