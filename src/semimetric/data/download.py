"""Finding a dataset's files: a local copy, else the cache, else a checked and resumable download."""

import errno
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semimetric.errors import DataError
from semimetric.progress import progress

TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 16


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, its MD5, and where it can be had, the preferred place first."""

    name: str
    md5: str
    urls: tuple[str, ...]


def cache_dir() -> Path:
    """Return the platform's cache folder for semimetric (it may not exist yet)."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("semimetric"))


def local_root(data_dir: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of local copies: ``data_dir``, else the variable SEMIMETRIC_DATA, else ``None``."""
    chosen = data_dir if data_dir is not None else os.environ.get("SEMIMETRIC_DATA") or None
    return None if chosen is None else Path(chosen).expanduser()


def locate(
    folder: str, files: Sequence[RemoteFile], data_dir: str | os.PathLike[str] | None = None
) -> dict[str, Path] | None:
    """Return the paths of ``files`` by name where one folder holds all, gzipped or not, else ``None``.

    The local root's ``folder`` is looked at first, then the cache's. Nothing is written.
    """
    root = local_root(data_dir)
    for parent in (root, cache_dir()):
        if parent is None:
            continue
        found: dict[str, Path] = {}
        for file in files:
            plain = file.name.removesuffix(".gz")
            for path in (parent / folder / file.name, parent / folder / plain):
                if path.is_file():
                    found[file.name] = path
                    break
        if len(found) == len(files):
            return found
    return None


def obtain(
    name: str,
    folder: str,
    files: Sequence[RemoteFile],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    show_progress: bool = False,
) -> dict[str, Path]:
    """Return the paths of a dataset's files by name, downloading into the cache what is nowhere at hand.

    Raises
    ------
    DataError
        The local root is not a folder; or the files are not at hand and cannot, or may not, be downloaded.
    """
    root = local_root(data_dir)
    if root is not None and not root.is_dir():
        said = f"data_dir={str(data_dir)!r}" if data_dir is not None else f"SEMIMETRIC_DATA={str(root)!r}"
        raise DataError(f"{said} is not a folder; give the folder that holds {folder}/")
    found = locate(folder, files, data_dir)
    if found is not None:
        return found
    places = [str(parent / folder) for parent in (root, cache_dir()) if parent is not None]
    advice = (
        f"looked in {' and '.join(places)} for {', '.join(file.name for file in files)}. "
        f"Where you have these files, put them in a folder {folder}/ and name the folder that holds it with "
        "data_dir= (--data-dir) or the variable SEMIMETRIC_DATA"
    )
    if not download:
        raise DataError(f"{name} is not on this machine and download=False: {advice}, or allow the download.")
    try:
        return {
            file.name: fetch(file.urls, cache_dir() / folder / file.name, file.md5, show_progress) for file in files
        }
    except DataError as error:
        raise DataError(f"{name} could not be downloaded: {error}\nAlso {advice}.") from error


def fetch(urls: Sequence[str], path: str | os.PathLike[str], md5: str, show_progress: bool = False) -> Path:
    """Download one file, trying ``urls`` in order, and return its path once its checksum is right.

    The bytes go to ``<path>.partial``, which an interruption leaves behind and the next call, or the next
    mirror, continues. Several processes may fetch the same file: one works, the others wait. A file already
    at ``path`` is returned as it is.

    Raises
    ------
    DataError
        No mirror gave the right content, the disk is full, or ``path`` cannot be written.

    Examples
    --------
    >>> import hashlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     original = Path(folder, "original")
    ...     _ = original.write_bytes(b"data")
    ...     md5 = hashlib.md5(b"data").hexdigest()
    ...     fetch([original.as_uri()], Path(folder, "copy"), md5).read_bytes()
    b'data'
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    failures = []
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(path.with_name(f".{path.name}.lock")):
        if path.exists():  # another process finished it while this one waited
            return path
        for url in urls:
            try:
                _fetch_from(url, partial, md5, show_progress)
            except _Failure as failure:
                failures.append(f"{url}: {failure}")
                continue
            with _writing(path):
                os.replace(partial, path)
            return path
    kept = ""
    if partial.exists():
        kept = f" {partial.stat().st_size} bytes are kept in {partial}; the next try continues from there."
    raise DataError(f"{path.name} could not be fetched ({'; '.join(failures)}).{kept}")


class _Failure(Exception):
    """One mirror did not give the file; the next one may."""


def _fetch_from(url: str, partial: Path, md5: str, show_progress: bool) -> None:
    """Complete ``partial`` from ``url``; content that is wrong is deleted."""
    resumed = _stream(url, partial, show_progress)
    got = _md5(partial)
    if got != md5 and resumed:  # what was there before may be at fault: once more, from the start
        partial.unlink()
        _stream(url, partial, show_progress)
        got = _md5(partial)
    if got != md5:
        partial.unlink()
        raise _Failure(f"wrong checksum, the content is not the published one (MD5 {got}, expected {md5})")


def _stream(url: str, partial: Path, show_progress: bool) -> bool:
    """Append the rest of the file to ``partial``; return whether it continued earlier bytes."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "semimetric", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as response:
            if have and not _continues(response, have):
                have = 0  # the server sends the whole file
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else None
            _append(response, partial, have, total, show_progress)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send: the checksum decides whether that is right
            return True
        raise _Failure(f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _Failure(f"no connection ({error.reason})") from error
    except DataError:  # the disk, not the mirror
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Failure(f"the connection failed ({str(error) or type(error).__name__})") from error
    return have > 0


def _continues(response: Any, have: int) -> bool:
    """Whether the response begins at byte ``have``; a whole file instead is fine, any other part is not."""
    if getattr(response, "status", 200) != 206:
        return False
    said = response.headers.get("Content-Range", "")
    if not said.startswith(f"bytes {have}-"):
        raise _Failure(f"the server sent another part than was asked for ({said or 'unnamed'})")
    return True


def _append(response: Any, partial: Path, have: int, total: int | None, show_progress: bool) -> None:
    with (
        _writing(partial),
        partial.open("ab") as file,
        progress(partial.stem, total, show=show_progress, unit="bytes", done=have) as bar,
    ):
        file.truncate(have)
        while chunk := _read(response):
            file.write(chunk)
            have += len(chunk)
            bar.advance(len(chunk))
    if total is not None and have < total:
        raise _Failure(f"the connection ended after {have} of {total} bytes")


def _read(response: Any) -> bytes:
    try:
        return response.read(_CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        # Told apart here from a failure to write, which is an OSError too.
        raise _Failure(f"the connection failed ({str(error) or type(error).__name__})") from error


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn a failure to write into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"the disk that holds {path.parent} is full: free some space and run again (what has arrived "
                "is kept), or put the files elsewhere and say where with SEMIMETRIC_DATA"
            ) from error
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold ``lock`` among processes; the system lets go of it when a process dies, however it dies."""
    with _writing(lock):
        file = lock.open("a+b")
    with file:
        # A file system without locks leaves only the checksum to guard the content, which is enough.
        with suppress(OSError):
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
        yield
