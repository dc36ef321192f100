"""Who works on a directory: locks of the operating system, which end with their holder however it ends."""

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semimetric.errors import StudyError

FILE_NAME = "study.lock"
PATIENCE = 10.0  # seconds that the workers of a driver that died are given to notice


@contextmanager
def only_driver(folder: Path) -> Iterator[int]:
    """Hold a study's directory for the time of a ``with`` block; yield the lock's file descriptor.

    Worker processes inherit the descriptor. So the lock lasts until the last process that may write has ended, and no
    two drivers' workers are ever at the same run, not even for the moment after a driver was killed.

    Raises
    ------
    StudyError
        If another process holds it; the message says which, and how to proceed.
    """
    path = folder / FILE_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _locked(descriptor, path):
            holder = _holder(path)
            if not _died(holder) or time.monotonic() > deadline:
                raise StudyError(_refusal(folder, holder))
            time.sleep(0.1)
        content = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, (json.dumps(content) + "\n").encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def only_worker(folder: Path, patience: float = 60.0) -> Iterator[None]:
    """Hold a run's directory, which must exist, for the time of a ``with`` block.

    A cluster that takes a machine for dead may start its runs elsewhere while they are still at work.

    Raises
    ------
    BlockingIOError
        If another process still holds it after ``patience`` seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor, folder):
            if time.monotonic() > deadline:
                raise BlockingIOError(errno.EAGAIN, "another process is at work on this run", str(folder))
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a file, which is made, for the time of a ``with`` block; wait for as long as another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _locked(descriptor, path):
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, path: Path) -> bool:
    try:
        import fcntl
    except ImportError:
        raise StudyError("studies need the file locks of Linux or macOS: on Windows, run them under WSL") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StudyError(
            f"{path} cannot be locked ({error.strerror}): choose an --out on a file system that knows locks"
        ) from error
    return True


def _holder(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            return content
    return {}


def _died(holder: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that is no more; its last workers are then on their way out."""
    if not holder:
        return True  # it has the lock, and is about to say who it is
    if holder.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, KeyError, ValueError):
        return False
    return False


def _refusal(folder: Path, holder: dict[str, Any]) -> str:
    if not holder:
        return f"another process is at work on {folder}: wait for it, or choose another --out"
    who = f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('since')}"
    if _died(holder):
        return f"the workers of {who}, which has ended, are still at work on {folder}: wait for them, or end them"
    return (
        f"another study is at work on {folder} ({who}): wait for it, or end it by `kill {holder.get('pid')}` there and "
        "call again, or choose another --out; --table-only works beside it"
    )
