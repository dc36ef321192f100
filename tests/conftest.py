"""What several rooms of the tests share."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

# One thread for each test process, before NumPy and PyTorch are loaded: two workers with two threads each on
# two cores wait for each other most of the time. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts the tests in the background has them, and the programs that they interrupt, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from semimetric.data import load_dataset

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real datasets, where there is one."""
    if not (SHARED_DATA / "mnist").is_dir():
        pytest.skip(f"no real datasets in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"cannot mount a small file system: {done.stderr.decode().strip()}")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)
