"""A table as Markdown."""

import re

from semimetric.studies.tables.notes import notes_of
from semimetric.studies.tables.sheets import Entry, Sheet, sheets_of
from semimetric.studies.tables.table import Table

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")


def to_markdown(table: Table, figure: str | None = None) -> str:
    """Return a table as Markdown, with the picture of that name where there is one."""
    parts = [f"# {escape(table.title)}"]
    if table.description:
        parts.append(escape(table.description))
    for sheet in sheets_of(table):
        parts += [f"**{escape(sheet.caption)}**", _pipes(sheet)]
    if figure is not None:
        parts.append(f"![{escape(table.metrics[0].label)}]({figure})")
    parts.append("\n".join(f"- {escape(note)}" for note in notes_of(table)))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line.

    >>> escape("a|b *c* <i> & d")
    'a\\\\|b \\\\*c\\\\* &lt;i&gt; &amp; d'
    """
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def _pipes(sheet: Sheet) -> str:
    rule = ["---"] * sheet.words + ["---:"] * (len(sheet.head) - sheet.words)
    rows = [list(map(escape, sheet.head)), rule]
    rows += [[_entry(entry) for entry in row] for group in sheet.groups for row in group]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _entry(entry: Entry) -> str:
    return f"**{escape(entry.text)}**" if entry.best and entry.text else escape(entry.text)
