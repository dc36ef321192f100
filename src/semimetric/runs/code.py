"""Which code made a run: a version alone does not tell two states of a working copy apart."""

import hashlib
from functools import lru_cache
from pathlib import Path

import semimetric


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the package's version, and a digest of its source files as they were when first asked.

    >>> code_version().startswith(semimetric.__version__ + "+")
    True
    """
    root = Path(semimetric.__file__).parent
    h = hashlib.blake2b(digest_size=6)
    for file in sorted(root.rglob("*.py")):
        h.update(f"{file.relative_to(root).as_posix()}\0".encode())
        h.update(file.read_bytes())
    return f"{semimetric.__version__}+{h.hexdigest()}"
