"""What lies in a run directory, and the one place that knows the names of its files.

A run directory is all that a report, a study's table or a resumed fit needs; nothing is looked up elsewhere::

    config.json      what was run: arguments, dataset, seed, versions, the rows whose labels were kept
    metrics.json     one flat dict of scores, and the baselines' beside it
    history.csv      one row per epoch, each loss term
    embedding.npz    embeddings, labels and the few inputs that the report shows
    model/           the fitted model (JSON + safetensors)
    checkpoint/      what an interrupted fit resumes from; removed when the run is finished
    tracking/        what trackers keep of the run, where it is reported to any
    report.html      the page to look at, and its pictures as PNG files
"""

import csv
import errno
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from semimetric.errors import RunError

OWN = ("config.json", "metrics.json", "history.csv", "embedding.npz", "model", "checkpoint", "tracking", "report.html")
RUNNING = "running"  # what config["stopped"] says until a run is finished
UNFINISHED = (RUNNING, "interrupted")  # of a run that can be resumed


@dataclass
class RunRecord:
    """Everything a finished run leaves for its readers. All arrays are NumPy arrays; ``N`` is the latent dimension.

    config : what was run, as plain JSON values (``preset``, ``dataset``, ``estimator`` …).
    metrics : flat dict of scores of the model, e.g. ``knn_accuracy``; values are finite floats or None.
    baselines : name of baseline (``"raw"``, ``"pca"``) → the same kind of flat dict.
    history : one dict per epoch: ``epoch``, ``train_<term>``, ``held_out_<term>``, ``seconds`` …
    arrays : the content of ``embedding.npz``:

        Z_test (n, N) float32, y_test (n,), predicted_test (n,) (absent without labels),
        Z_labelled (m, N), y_labelled (m,): the labelled training rows,
        shown_rows (s,) rows of the test split whose inputs are kept, at most a few thousand,
        shown_inputs (s, …) those inputs: images (s, h, w) or (s, h, w, 3) uint8, or vectors (s, features),
        labelled_inputs (min(m, 200), …) likewise, of the first labelled rows,
        reconstruction_inputs, reconstruction_outputs (r, …) likewise (absent without a decoder),
        samples (s, …) likewise: decoded draws from the prior (absent without a prior or a decoder),
        traversals (r, t, …), traversal_dimensions (r,), traversal_values (r, t): decoded walks along dimensions,
        prior_means, prior_scales (K, N), prior_weights (K,): the prior's components, where it has Gaussian ones,
        cluster_sizes (k,), cluster_inputs (min(k, 20), 10, …): training rows that no label reached, in clusters, from
        each one's middle outwards (absent without self-training).

    A run on data without a test split embeds the training rows and names them ``Z_test`` all the same;
    ``config["evaluated_on"]`` says which split it was.
    """

    config: dict[str, Any]
    metrics: dict[str, float | None] = field(default_factory=dict)
    baselines: dict[str, dict[str, float | None]] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class RunDirectory:
    """Reads and writes the files of one run; every write is atomic, so a kill leaves old or new, never half."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.model = self.path / "model"
        self.checkpoint = self.path / "checkpoint"
        self.tracking = self.path / "tracking"
        self.report = self.path / "report.html"

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write one JSON file; non-finite numbers become null, as JSON has no name for them."""
        self._write(name, json_text(content))

    def write_history(self, rows: list[dict[str, float]]) -> None:
        """Write ``history.csv``: one line per epoch, columns in order of first appearance."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self._write("history.csv", text.getvalue().encode())

    def write_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Write ``embedding.npz``."""
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
        self._write("embedding.npz", content.getvalue())

    def owns(self, path: Path) -> bool:
        """Whether a file is one of the run's, but for the report's pictures, or in one of its folders."""
        place = path.resolve()
        return any(place.is_relative_to((self.path / name).resolve()) for name in OWN)

    def read(self) -> RunRecord:
        """Read the whole run back.

        Raises
        ------
        RunError
            If the directory is not a run, or a file of it is missing or damaged; the message names the file.
        """
        config = self.finished_config()
        scores = self.read_json("metrics.json")
        baselines = scores.pop("baselines", {})
        return RunRecord(config, scores, baselines, self._history(), self._arrays())

    def finished_config(self) -> dict[str, Any]:
        """Read ``config.json``, or raise `RunError` if the run is still going on, or was killed.

        What else lies in such a directory may be of the run before.
        """
        config = self.read_json("config.json")
        if config.get("stopped") == RUNNING:
            raise RunError(
                f"{self.path} is not a finished run: it is still being fitted, or was killed; "
                "if killed, go on with it by --resume"
            )
        return config

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one JSON file of the run, or raise `RunError` saying which file is missing or damaged."""
        try:
            content = json.loads(self._existing(name).read_text())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from error
        if not isinstance(content, dict):
            raise RunError(f"{self.path / name} is damaged: a JSON object was expected")
        return content

    def _history(self) -> list[dict[str, float]]:
        path = self._existing("history.csv")
        try:
            text = path.read_text()
            if not text.endswith("\n"):
                raise ValueError("its end is missing")
            return [
                {key: float(value) for key, value in row.items() if value} for row in csv.DictReader(text.splitlines())
            ]
        except (ValueError, TypeError, csv.Error) as error:
            raise RunError(f"{path} is damaged: {error}") from error

    def _arrays(self) -> dict[str, np.ndarray]:
        path = self._existing("embedding.npz")
        try:
            with np.load(path, allow_pickle=False) as content:
                return {name: content[name] for name in content.files}
        except Exception as error:  # damaged archives raise almost anything, BadZipFile and zlib.error included
            raise RunError(f"{path} is damaged: {error}") from error

    def _existing(self, name: str) -> Path:
        if not self.path.is_dir():
            raise RunError(f"{self.path} is not a run directory: there is no such folder")
        path = self.path / name
        if not path.is_file():
            raise RunError(f"{self.path} is not a finished run: {name} is missing")
        return path

    def _write(self, name: str, content: bytes) -> None:
        with _saying_where(self.path / name):
            self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / name, content)


def flat_scores(
    metrics: Mapping[str, float | None], baselines: Mapping[str, Mapping[str, float | None]]
) -> dict[str, float | None]:
    """Return all scores of a run in one dict.

    >>> flat_scores({"knn_accuracy": 0.9}, {"pca": {"knn_accuracy": 0.8}})
    {'knn_accuracy': 0.9, 'pca.knn_accuracy': 0.8}
    """
    beside = {f"{baseline}.{name}": value for baseline, scores in baselines.items() for name, value in scores.items()}
    return {**metrics, **beside}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, replacing one that is there, as a whole or not at all; an OSError says which file."""
    partial = _partial(path)
    with _saying_where(path):
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def write_array(path: Path, shape: tuple[int, ...], fill: Callable[[np.ndarray], object]) -> None:
    """Write a ``.npy`` of float32 as `write_whole` does, without holding it: ``fill`` is given its memory map."""
    partial = _partial(path)
    try:
        with _saying_where(path):
            _reserve_array(partial, shape)
        mapped = np.lib.format.open_memmap(partial, mode="r+")
        fill(mapped)
        with _saying_where(path):
            mapped.flush()
            del mapped  # some systems do not rename what is mapped
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _reserve_array(path: Path, shape: tuple[int, ...]) -> None:
    """Write a ``.npy`` of float32 zeros, every one: a disk that fills up under a memory map kills the program."""
    zeros = bytes(2**20)
    left = 4 * math.prod(shape)
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        while left > 0:
            left -= file.write(zeros[:left])


def check_writable(path: Path) -> None:
    """Raise OSError now if `write_whole` could not write the file later, after the work."""
    with _saying_where(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _partial(path).touch()
        _partial(path).unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


@contextmanager
def _saying_where(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and not path.parent.exists()
        why = f"there is no folder {path.parent}" if missing else error.strerror
        raise OSError(error.errno, f"could not write {path}: {why}") from error


def json_text(content: dict[str, Any]) -> bytes:
    """Return the text of a JSON file; non-finite numbers become null, as JSON has no name for them."""
    return (json.dumps(plain(content), indent=2, allow_nan=False) + "\n").encode()


def plain(value: Any) -> Any:
    """Turn NumPy values, tuples and paths into what JSON knows; NaN and infinities into None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
