"""The page: every section composed into one self-contained HTML file."""

from html import escape
from importlib.resources import files
from pathlib import PurePath
from string import Template

from semimetric.report import (
    clusters,
    confusion,
    curves,
    latent_section,
    neighbours,
    reconstructions,
    samples,
    scores,
    settings,
)
from semimetric.report.section import Section
from semimetric.report.verdict import verdict
from semimetric.report.view import View

ORDER = (settings, scores, latent_section, neighbours, confusion, clusters, reconstructions, samples, curves)


def compose(view: View) -> tuple[str, dict[str, bytes]]:
    """Return the page, and the pictures of its sections by name."""
    sections = [module.section(view) for module in ORDER]
    dataset = PurePath(str(view.config.get("dataset") or "run")).name  # of a file, without its folders
    preset = str(view.config.get("preset") or "a model of your own")
    html = Template(_resource("template.html")).substitute(
        title=escape(f"{dataset}, {preset} · semimetric"),
        heading=f"{escape(dataset)} <span>{escape(preset)}</span>",
        verdict=escape(verdict(view)),
        style=_resource("style.css"),
        contents="".join(f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in sections),
        sections="\n".join(map(_section, sections)),
        scripts=_scripts(sections),
        version=escape(_version(view)),
    )
    return html, {part.name: part.picture for part in sections if part.picture is not None}


def _section(part: Section) -> str:
    heading = f'<h2 id="{part.name}-title">{escape(part.title)}</h2>'
    return f'<section id="{part.name}" aria-labelledby="{part.name}-title">{heading}{part.body}</section>'


def _scripts(sections: list[Section]) -> str:
    """Return the scripts, Plotly's among them, if a section needs them."""
    if not any(part.interactive for part in sections):
        return ""
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>\n<script>{_resource('latent.js')}</script>"


def _version(view: View) -> str:
    from semimetric import __version__

    versions = view.config.get("versions")
    fitted = versions.get("semimetric") if isinstance(versions, dict) else None
    fitted_with = f"; the model was fitted with {fitted}" if fitted and fitted != __version__ else ""
    return f"semimetric {__version__}{fitted_with}"


def _resource(name: str) -> str:
    return files("semimetric.report").joinpath(name).read_text(encoding="utf-8")
