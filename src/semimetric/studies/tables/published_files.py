"""Files of published figures: those of the library, and a user's own."""

import csv
import io
import os
from importlib.resources import files
from pathlib import Path

from semimetric.errors import nearest_names


def read_published(file: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a CSV file of published figures, one dict per line.

    Parameters
    ----------
    file : str or path
        A file of the library by its name, or the path of one's own (with a header line, UTF-8).

    Raises
    ------
    ValueError
        If there is none of that name, or it is no CSV file with a header.

    Examples
    --------
    >>> read_published("tvae2018_table1.csv")[0]["vae_loss"]
    '104.66'
    """
    packaged = files("semimetric.studies.tables") / "published"
    try:
        if (packaged / str(file)).is_file():
            text = (packaged / str(file)).read_text(encoding="utf-8")
        else:
            text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        known = [entry.name for entry in packaged.iterdir() if entry.name.endswith(".csv")]
        raise ValueError(
            f"published figures: {str(file)!r} is neither a readable CSV file nor one of the library's own "
            f"({nearest_names(str(file), known)})"
        ) from error
    lines = list(csv.DictReader(io.StringIO(text)))
    if not lines or None in lines[0] or any(value is None for value in lines[0].values()):
        raise ValueError(f"published figures: {str(file)!r} must have a header line and as many cells in each line")
    return lines


def columns_of(file: str | os.PathLike[str]) -> list[str]:
    """Return the names of a file's columns.

    >>> columns_of("tvae2018_table1.csv")
    ['dataset', 'epochs', 'model', 'vae_loss', 'triplet_accuracy']
    """
    return list(read_published(file)[0])
