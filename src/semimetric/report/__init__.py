"""The page that people look at after a fit, and its pictures."""

import os
from pathlib import Path

__all__ = ["write_report"]

PICTURES = ("scores", "latent", "neighbours", "confusion", "clusters", "reconstructions", "samples", "curves")
"""Sections with a picture, in the order of the page; ``latent`` is written to ``latent.png`` and so on."""


def write_report(run_dir: str | os.PathLike[str]) -> Path:
    """Write ``report.html`` and its pictures into a run directory.

    The page needs no network and no other file: pictures, scripts and data are inside it. A section whose
    data the run does not hold (no decoder, no labels …) says so in a sentence, and has no picture file.

    Parameters
    ----------
    run_dir : path
        A directory that a finished fit has written.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    RunError
        If the directory is not a run, or a file of it is missing, damaged or contradicts another.
    OSError
        If the directory cannot be written to. Each file is replaced as a whole or not at all.

    Examples
    --------
    >>> write_report("runs/demo")  # doctest: +SKIP
    PosixPath('runs/demo/report.html')
    """
    from semimetric.report.page import compose
    from semimetric.report.view import view_of
    from semimetric.runs.directory import RunDirectory

    run = RunDirectory(run_dir)
    html, pictures = compose(view_of(run.read(), source=str(run.path)))
    for name in PICTURES:
        path = run.path / f"{name}.png"
        if name in pictures:
            _replace(path, pictures[name])
        else:  # a picture of an earlier fit would show something that this run does not hold
            path.unlink(missing_ok=True)
    _replace(run.report, html.encode())
    return run.report


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
