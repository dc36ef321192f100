"""A table as LaTeX that needs no package but booktabs."""

from semimetric.studies.notes import notes_of
from semimetric.studies.sheets import Entry, Sheet, sheets_of
from semimetric.studies.table import Table

LONGEST = 42
"""Rows of one tabular; a longer sheet is broken between its groups, where it can be, to fit pages."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "'",
    "‘": "`",
    "…": r"\ldots{}",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "²": r"$^2$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "\u00a0": "~",
}
_SPECIAL['"'] = r"\char34{}"  # \textquotedbl needs the T1 encoding


def to_latex(table: Table) -> str:
    r"""Return a table as LaTeX, to be read in by ``\input`` after ``\usepackage{booktabs}``."""
    parts = [f"% {_comment(table.title)}: needs \\usepackage{{booktabs}}"]
    for sheet in sheets_of(table):
        for part, groups in enumerate(_pages(sheet)):
            caption = sheet.caption + (" (continued)" if part else "")
            parts.append(_tabular(Sheet(caption, sheet.head, groups, sheet.words), table.title))
    notes = "\n".join(f"\\item {escape(note)}" for note in notes_of(table))
    parts.append(f"\\begin{{itemize}}\\small\n{notes}\n\\end{{itemize}}")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""Return text that LaTeX sets as it is; what its default fonts lack becomes a question mark.

    >>> escape("50 % of A&B, ± .004")
    '50 \\% of A\\&B, $\\pm$ .004'
    """
    return "".join(_SPECIAL.get(c, c if ord(c) < 0x17F and c.isprintable() else "?") for c in " ".join(text.split()))


def _comment(text: str) -> str:
    return " ".join(text.split())


def _pages(sheet: Sheet) -> list[tuple[tuple[tuple[Entry, ...], ...], ...]]:
    pages: list[list[tuple[tuple[Entry, ...], ...]]] = [[]]
    rows = 0
    for group in sheet.groups:
        pieces = [group[at : at + LONGEST] for at in range(0, len(group), LONGEST)]
        for piece in pieces:
            if rows and rows + len(piece) > LONGEST:
                pages.append([])
                rows = 0
            pages[-1].append(piece)
            rows += len(piece)
    return [tuple(page) for page in pages]


def _tabular(sheet: Sheet, title: str) -> str:
    numbers = len(sheet.head) - sheet.words
    lines = [
        "\\begin{table}",
        "\\centering\\footnotesize\\setlength{\\tabcolsep}{3.5pt}",
        f"\\caption{{{escape(title)}. {escape(sheet.caption)}.}}",
        f"\\begin{{tabular}}{{@{{}}{'l' * sheet.words}{'r' * numbers}@{{}}}}",
        "\\toprule",
        " & ".join(map(escape, sheet.head)) + r" \\",
        "\\midrule",
    ]
    for index, group in enumerate(sheet.groups):
        if index:
            lines.append("\\addlinespace")
        lines += [" & ".join(map(_entry, row)) + r" \\" for row in group]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table}"])


def _entry(entry: Entry) -> str:
    text = escape(entry.text)
    # A row that began with a bracket would be read as an argument of the line before.
    text = f"{{{text}}}" if text.startswith(("[", "*")) else text
    return f"\\textbf{{{text}}}" if entry.best and text else text
