"""Write a study's table in every format, and its figure."""

from collections.abc import Sequence
from pathlib import Path

from semimetric.runs.directory import write_whole
from semimetric.studies.tables.csv_lines import comparisons_to_csv, to_csv
from semimetric.studies.tables.figure import draw
from semimetric.studies.tables.html_page import to_html
from semimetric.studies.tables.latex import to_latex
from semimetric.studies.tables.markdown import to_markdown
from semimetric.studies.tables.panels import axis_of, name_figure, panels_of
from semimetric.studies.tables.tabulate import Tabled, tabulate
from semimetric.studies.task import Result


def write_tables(study: Tabled, results: Sequence[Result], folder: Path) -> list[Path]:
    """Write ``table.md``, ``table.csv``, ``table.tex`` and ``table.html``, and what goes with them.

    ``comparisons.csv`` is there where rows are compared; ``score-by-labels.png`` and ``.svg`` (or
    ``score-by-latent-dim`` and so on: see ``table.against``) where something varies that an axis can show. Each file
    is replaced as a whole or not at all; those of an earlier table that this one has not are removed.

    Parameters
    ----------
    study
        With ``name``, ``title``, ``description``, ``metrics``, ``table`` (None for the defaults) and ``budget``.
    results : sequence of Result
        Of every task of the study, those that failed or were not run included, in the study's order.
    folder : path
        Made if it is not there.

    Returns
    -------
    list of pathlib.Path
        The files, the Markdown first.

    Raises
    ------
    ValueError
        If there is no result, or two stand at the same place.
    OSError
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> study = SimpleNamespace(
    ...     name="mine", title="Mine", description="", metrics=["knn_accuracy"], table=None, budget="full"
    ... )
    >>> results = [Result({"row": "DML", "labels": 60, "seed": 0}, "done", {"knn_accuracy": 0.9}, 12.0)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_tables(study, results, Path(folder))]
    ['table.md', 'table.csv', 'table.tex', 'table.html']
    """
    if not results:
        raise ValueError("a table needs results: the study has no run")
    table = tabulate(study, results)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = axis_of(table, study.table.against if study.table is not None else None)
    panels = panels_of(table, key) if key is not None else None
    files: dict[str, str | bytes] = {}
    svg = None
    if key is not None and panels is not None and panels.rows:
        if panels.left_out:
            table.notes.append(f"The figure shows the best {len(panels.rows)} rows; {panels.left_out:,} are left out.")
        svg = draw(table, panels, "svg")
        files |= {f"{name_figure(key)}.png": draw(table, panels, "png"), f"{name_figure(key)}.svg": svg}
    text: dict[str, str | bytes] = {
        "table.md": to_markdown(table, next(iter(files), None)),
        "table.csv": to_csv(table),
        "table.tex": to_latex(table),
        "table.html": to_html(table, svg),
    }
    if table.comparisons:
        text["comparisons.csv"] = comparisons_to_csv(table)
    files = text | files
    for name, content in files.items():
        write_whole(folder / name, content.encode() if isinstance(content, str) else content)
    for old in (*folder.glob("score-by-*.png"), *folder.glob("score-by-*.svg"), folder / "comparisons.csv"):
        if old.name not in files:
            old.unlink(missing_ok=True)
    return [folder / name for name in files]
