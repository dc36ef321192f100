"""A table as LaTeX that needs no package but booktabs."""

import unicodedata
from collections.abc import Sequence

from semimetric.studies.tables.notes import notes_of
from semimetric.studies.tables.sheets import BESIDE, Entry, Sheet, sheets_of
from semimetric.studies.tables.table import Table

LONGEST = 42
"""Rows of one tabular; a longer sheet is broken between its groups, where it can be, to fit pages."""

SMALL, WIDEST = 95, 125
"""Characters of a row from which a table is set smaller, and from which its metrics go to tables of their own."""

_LACKING = set("«»ðÐþÞĄąĐđĢģĦħĮįĸĿŀŉŊŋŦŧŲų")
"""What the default encoding, OT1, cannot set."""

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
    '"': r"\char34{}",  # \textquotedbl needs another encoding
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


def to_latex(table: Table) -> str:
    r"""Return a table as LaTeX, to be read in by ``\input`` after ``\usepackage{booktabs}``."""
    parts = [f"% {_comment(table.title)}: needs \\usepackage{{booktabs}}"]
    for whole in sheets_of(table):
        pieces = [Sheet(s.caption, s.head, groups, s.words) for s in _narrow(whole) for groups in _pages(s)]
        for part, sheet in enumerate(pieces):
            parts.append(_tabular(sheet, f"{table.title}. {sheet.caption}{' (continued)' if part else ''}"))
    notes = "\n".join(f"\\item {escape(note)}" for note in notes_of(table))
    parts.append(f"\\begin{{itemize}}\\small\n{notes}\n\\end{{itemize}}")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""Return text that LaTeX sets as it is; what its default fonts lack becomes a question mark.

    >>> escape("50 % of A&B, ± .004")
    '50 \\% of A\\&B, $\\pm$ .004'
    >>> escape("Müller, Ząb, 漢")
    'Müller, Zab, ?'
    """
    return "".join(map(_set, " ".join(text.split())))


def _set(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if ord(character) < 0x17F and character.isprintable() and character not in _LACKING:
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() and base.isalnum() else "?"


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


def _narrow(sheet: Sheet) -> list[Sheet]:
    """Return a sheet, or where it is too wide for a page several with its metrics dealt out to them."""
    fixed = list(range(sheet.words + 1))
    metrics: list[list[int]] = []
    for column in range(len(fixed), len(sheet.head)):
        if sheet.head[column] in BESIDE and metrics:
            metrics[-1].append(column)
        else:
            metrics.append([column])
    pieces: list[list[int]] = []
    for metric in metrics:
        if pieces and _width(_columns(sheet, [*pieces[-1], *metric])) < WIDEST:
            pieces[-1] += metric
        else:
            pieces.append([*fixed, *metric])
    return [_columns(sheet, columns) for columns in pieces]


def _columns(sheet: Sheet, columns: Sequence[int]) -> Sheet:
    groups = tuple(tuple(tuple(row[c] for c in columns) for row in group) for group in sheet.groups)
    return Sheet(sheet.caption, tuple(sheet.head[c] for c in columns), groups, sheet.words)


def _width(sheet: Sheet) -> int:
    rows = [row for group in sheet.groups for row in group]
    return sum(max(len(name), *(len(row[at].text) for row in rows)) + 2 for at, name in enumerate(sheet.head))


def _tabular(sheet: Sheet, caption: str) -> str:
    numbers = len(sheet.head) - sheet.words
    size, space = ("footnotesize", "3.5pt") if _width(sheet) < SMALL else ("scriptsize", "2pt")
    lines = [
        "\\begin{table}",
        f"\\centering\\{size}\\setlength{{\\tabcolsep}}{{{space}}}",
        f"\\caption{{{escape(caption)}.}}",
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
