"""One section of the page: a heading, a body, and usually a picture that is also a file of its own."""

import base64
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Section:
    """``body`` is HTML with every text of the user escaped; ``picture`` the content of ``<name>.png``."""

    name: str
    title: str
    body: str
    picture: bytes | None = None
    interactive: bool = False


def absent(name: str, title: str, reason: str) -> Section:
    """Return a section that has nothing to show and says why."""
    return Section(name, title, f'<p class="absent">{escape(reason)}</p>')


def paragraph(text: str) -> str:
    """Return plain text as a paragraph under a heading."""
    return f"<p>{escape(text)}</p>"


def figure(picture: bytes, alt: str, caption: str = "") -> str:
    """Return a PNG as an HTML figure that needs no file; ``alt`` and ``caption`` are plain text."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    width, height = (int.from_bytes(picture[at : at + 4]) // 2 for at in (16, 20))  # drawn for two dots a pixel
    size = f'width="{width}" height="{height}"'
    return f'<figure><img src="{data_uri(picture)}" {size} alt="{escape(alt)}">{below}</figure>'


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Return bytes as a ``data:`` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "label"), counted(60000, "label"), counted(2, "class", "classes")
    ('1 label', '60,000 labels', '2 classes')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
