"""A table as one HTML page that needs no other file and no network."""

import base64
from html import escape
from importlib.resources import files
from string import Template

from semimetric import __version__
from semimetric.studies.tables.notes import notes_of
from semimetric.studies.tables.sheets import Entry, Sheet, sheets_of
from semimetric.studies.tables.table import Table


def to_html(table: Table, figure: bytes | None = None) -> str:
    """Return a table as a page; ``figure`` is an SVG to show in it."""
    resources = files("semimetric.studies.tables")
    sheets = sheets_of(table)
    return Template(resources.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{table.title} · semimetric"),
        heading=escape(table.title),
        description=f"<p>{escape(table.description)}</p>" if table.description else "",
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        sheets="\n".join(_section(sheet) for sheet in sheets),
        figure="" if figure is None else _figure(table, figure),
        notes="".join(f"<li>{escape(note)}</li>" for note in notes_of(table)),
        version=escape(__version__),
    )


def _section(sheet: Sheet) -> str:
    head = "".join(_head(name, index >= sheet.words) for index, name in enumerate(sheet.head))
    bodies = "".join(f"<tbody>{''.join(_row(row, sheet.words) for row in group)}</tbody>" for group in sheet.groups)
    caption = escape(sheet.caption)
    return (
        f'<section id="{sheet.name}"><h2>{caption}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f"<table><thead><tr>{head}</tr></thead>{bodies}</table></div></section>"
    )


def _head(name: str, number: bool) -> str:
    return f'<th scope="col"{" class=number" if number else ""}>{escape(name)}</th>'


def _row(row: tuple[Entry, ...], words: int) -> str:
    return f"<tr>{''.join(_cell(entry, index >= words) for index, entry in enumerate(row))}</tr>"


def _cell(entry: Entry, number: bool) -> str:
    kinds = [*(["number"] if number else []), *(["muted"] if entry.muted else []), *(["best"] if entry.best else [])]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    said = '<span class="unseen"> best</span>' if entry.best else ""
    return f"<td{kind}>{escape(entry.text)}{said}</td>"


def _figure(table: Table, figure: bytes) -> str:
    """Return the picture as an image, in which no script of a name that somebody chose would run."""
    source = f"data:image/svg+xml;base64,{base64.b64encode(figure).decode()}"
    alt = escape(f"{table.metrics[0].label} of each row; the numbers are in the table above")
    return f'<section id="figure"><figure><img src="{source}" alt="{alt}"></figure></section>'
