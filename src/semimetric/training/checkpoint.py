"""The checkpoint that an interrupted fit resumes from: one file, replaced as a whole after each epoch."""

import hashlib
import os
import pickle
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semimetric.errors import RunError

FORMAT = 2
FILE_NAME = "last.pt"


class Checkpoint:
    """Reads and writes ``last.pt`` in a directory.

    Parameters
    ----------
    directory : path
        Made if it is not there.
    fingerprint : dict
        What must be equal for a resumed fit to be the same fit: its settings, and a digest of its data.
    """

    def __init__(self, directory: str | os.PathLike[str], fingerprint: dict[str, Any]) -> None:
        self.path = Path(directory) / FILE_NAME
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise OSError(f"checkpoint_dir {str(directory)!r} cannot be written: {reason}") from error
        self.fingerprint = fingerprint
        self._failed = False

    def write(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint; a full disk costs the checkpoint and a warning, not the training."""
        partial = self.path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                torch.save({"format": FORMAT, "fingerprint": self.fingerprint, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self.path)
            self._failed = False
        except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            if not self._failed:
                warnings.warn(
                    f"could not write the checkpoint {self.path}: {error}. Training goes on, but could not be "
                    "resumed from here",
                    stacklevel=2,
                )
            self._failed = True

    def read(self) -> dict[str, Any] | None:
        """Return the last state written, or None if there is none.

        Raises
        ------
        RunError
            If the file is damaged, of another format, or of a fit with other settings or data.
        """
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            written, theirs = state["format"], state["fingerprint"]
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
            raise RunError(f"the checkpoint {self.path} is damaged: delete it to start anew ({error})") from error
        if written != FORMAT:
            raise RunError(f"the checkpoint {self.path} has format {written}, this version reads {FORMAT}")
        changed = [k for k in self.fingerprint if theirs.get(k) != self.fingerprint[k]]
        if changed:
            differences = "; ".join(f"{k} was {theirs.get(k)!r}, now {self.fingerprint[k]!r}" for k in changed)
            raise RunError(
                f"the checkpoint {self.path} is of another fit ({differences}): resume with the same settings and "
                "data, or delete it to start anew"
            )
        return state


def digest(*arrays: np.ndarray) -> str:
    """Return a short digest of the arrays' content, to tell one dataset from another."""
    h = hashlib.blake2b(digest_size=16)
    for array in arrays:
        h.update(f"{array.shape}{array.dtype}".encode())
        for start in range(0, len(array), 4096):
            h.update(np.ascontiguousarray(array[start : start + 4096]).data)
    return h.hexdigest()
