"""The latent plane as an interactive plot with thumbnails, and its section of the page."""

import json
from html import escape
from typing import Any

import numpy as np

from semimetric.report.drawing import shortened
from semimetric.report.latent import LatentPlane, class_places, latent_plane, picture
from semimetric.report.palette import colour, symbol
from semimetric.report.section import Section, absent, counted, data_uri, figure
from semimetric.report.thumbnails import images, sprite_sheet
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
    hints = "Point at a mark to see the row; drag to enlarge, double-click to go back; click a class to hide it."
    content = json_for_script(plot(view, plane))
    body = f"""
<p>{escape(_introduction(view, plane))}</p>
<div class="toolbar" hidden>{_switches(view, plane)}</div>
<div id="latent-plot" role="img" aria-label="{escape(alt)} Also as a picture in latent.png."></div>
<div id="latent-tip" aria-hidden="true" hidden><div class="thumb"></div><div class="text"></div></div>
<noscript>{figure(png, alt)}</noscript>
<p class="note">{escape(plane.projection.note)} <span class="script-only">{hints}</span></p>
<script type="application/json" id="latent-data">{content}</script>"""
    return Section(NAME, TITLE, body, png, interactive=True)


def json_for_script(content: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that holds it.

    >>> json_for_script({"name": "</script>"})
    '{"name": "\\\\u003c/script>"}'
    """
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def plot(view: View, plane: LatentPlane) -> dict[str, Any]:
    """Return the Plotly traces and layout, one entry per point for the tooltip, and the sprite sheet.

    Every class has a trace of its rows and one of its labelled training rows, in one legend group. The
    ``customdata`` of a mark is its place in ``points``.
    """
    points, sprites = _points(view, plane)
    places = plane.projection.points.round(4).tolist()
    kinds = np.repeat([0, 1], [len(plane.rows), len(plane.labelled_rows)])
    codes = np.concatenate([view.true[plane.rows], view.labelled[plane.labelled_rows]])
    traces = []
    for code in np.unique(codes):
        for kind in (0, 1):
            members = np.flatnonzero((codes == code) & (kinds == kind)).tolist()
            if members or kind == 0:
                traces.append(_trace(view, int(code), kind, members, places))
    traces.sort(key=lambda trace: trace["meta"]["labelled"])  # stars lie on top
    names = class_places(view, plane)
    notes = [
        {"x": x, "y": y, "text": f"<b>{escape(shortened(view.name(code)))}</b>", "showarrow": False}
        for code, (x, y) in names.items()
    ]
    return {
        "traces": traces,
        "annotations": notes,
        "axes": list(plane.projection.axes),
        "equal": view.Z.shape[1] > 1,
        "points": points,
        "sprites": _sheet(sprites),
    }


def _trace(view: View, code: int, kind: int, members: list[int], places: list[list[float]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(shortened(view.name(code), 24)),
        "legendgroup": str(code),
        "showlegend": False,
        "x": [places[i][0] for i in members],
        "y": [places[i][1] for i in members],
        "customdata": members,
        "hoverinfo": "none",
        "meta": {"labelled": bool(kind)},
        "marker": {
            "color": colour(code),
            "symbol": "star" if kind else symbol(code)[1],
            "size": (13 if len(places) < 1500 else 11) if kind else (9 if len(places) < 500 else 7),
        },
    }


def _points(view: View, plane: LatentPlane) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Return what the tooltip says of each point, and the images it shows, in the order of the sheet."""
    shown, of_labelled = images(view.inputs("shown_inputs")), images(view.inputs("labelled_inputs"))
    sprites: list[np.ndarray] = []
    points = []

    def kept(pool: np.ndarray | None, place: int) -> int:
        if pool is None or not 0 <= place < len(pool) or (sprites and pool.shape[1:] != sprites[0].shape):
            return -1
        sprites.append(pool[place])
        return len(sprites) - 1

    wrong = view.wrong
    for row in plane.rows:
        entry = {
            "row": int(row),
            "class": view.name(int(view.true[row])),
            "sprite": kept(shown, int(view.shown[row])),
        }
        if view.predicted is not None:
            entry["predicted"] = view.name(int(view.predicted[row]))
        points.append(entry | ({"wrong": 1} if wrong[row] else {}))
    for row in plane.labelled_rows:
        name = view.name(int(view.labelled[row]))
        points.append({"class": name, "labelled": 1, "sprite": kept(of_labelled, int(row))})
    return points, sprites


def _sheet(sprites: list[np.ndarray]) -> dict[str, Any] | None:
    if not sprites:
        return None
    content, kind, columns, width, height = sprite_sheet(sprites)
    return {
        "uri": data_uri(content, kind),
        "columns": columns,
        "width": width,
        "height": height,
        "count": len(sprites),
    }


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
    if class_places(view, plane):
        switches.append(("names", "class names", True))
    return "".join(
        f'<label><input type="checkbox" id="show-{key}"{" checked" if on else ""}> {escape(text)}</label>'
        for key, text, on in switches
    )
