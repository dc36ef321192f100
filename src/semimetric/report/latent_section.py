"""The section of the page that holds the interactive latent plane."""

import json
from html import escape
from typing import Any

import numpy as np

from semimetric.report.components import about, components_of
from semimetric.report.latent import LatentPlane, class_places, latent_plane, picture
from semimetric.report.latent_plot import plot
from semimetric.report.section import Section, absent, counted, figure
from semimetric.report.view import View

NAME, TITLE = "latent", "The latent plane"


def section(view: View) -> Section:
    """Return the plot with what its script needs, or why there is none."""
    plane = latent_plane(view)
    if len(plane.projection.points) == 0:
        return absent(NAME, TITLE, "The run holds no embedded rows.")
    png = picture(view, plane)
    alt = (
        f"Scatter plot of {counted(len(plane.rows), 'embedded row')} and "
        f"{counted(len(plane.labelled_rows), 'labelled training row')}, coloured by class."
    )
    components = components_of(view, plane.projection.points)
    prior = "" if components is None else f" {about(components)}"
    hints = "Point at a mark to see the row; drag to enlarge, double-click to go back; click a class to hide it."
    content = json_for_script(plot(view, plane))
    body = f"""
<p>{escape(_introduction(view, plane))}</p>
<div class="toolbar" hidden>{_switches(view, plane)}</div>
<div id="latent-plot" role="img" aria-label="{escape(alt)} Also as a picture in latent.png."></div>
<div id="latent-tip" aria-hidden="true" hidden><div class="thumb"></div><div class="text"></div></div>
<noscript>{figure(png, alt)}</noscript>
<p class="note">{escape(plane.projection.note + prior)} <span class="script-only">{hints}</span></p>
<script type="application/json" id="latent-data">{content}</script>"""
    return Section(NAME, TITLE, body, png, interactive=True)


def json_for_script(content: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that holds it.

    >>> json_for_script({"name": "</script>"})
    '{"name": "\\\\u003c/script>"}'
    """
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def _introduction(view: View, plane: LatentPlane) -> str:
    text = f"{counted(len(plane.rows), 'row')}"
    if len(plane.rows) < len(view.Z):
        text += f" of {len(view.Z):,}"
    split = view.config.get("evaluated_on")
    text += f" of the {split} split" if isinstance(split, str) else ""
    text += ", coloured by class" if (view.true[plane.rows] >= 0).any() else "; their classes are not known"
    stars = len(plane.labelled_rows)
    if stars:
        all_of = f"{stars:,} of the {view.n_labelled:,}" if stars < view.n_labelled else f"the {stars:,}"
        text += f"; stars are {all_of} labelled training rows"
    left_out = int((~np.isfinite(view.Z).all(axis=1)).sum())
    text += f". {counted(left_out, 'row')} with NaN or infinite places cannot be shown" if left_out else ""
    return text + "."


def _switches(view: View, plane: LatentPlane) -> str:
    switches = []
    if len(plane.labelled_rows):
        switches.append(("stars", "★ labelled training rows", True))
    if view.wrong[plane.rows].any():
        wrong = int(view.wrong[plane.rows].sum())
        switches.append(("rings", f"◯ ring wrong predictions ({wrong:,})", True))
        switches.append(("wrong", "only wrong predictions", False))
    if components_of(view, plane.projection.points):
        switches.append(("prior", "prior components", True))
    if class_places(view, plane):
        switches.append(("names", "class names", True))
    return "".join(
        f'<label><input type="checkbox" id="show-{key}"{" checked" if on else ""}> {escape(text)}</label>'
        for key, text, on in switches
    )
