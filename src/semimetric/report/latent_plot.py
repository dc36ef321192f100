"""The latent plane as an interactive plot with thumbnails: what its script is given."""

from html import escape
from typing import Any

import numpy as np

from semimetric.report.components import components_of, plotted_components
from semimetric.report.drawing import shortened
from semimetric.report.latent import LatentPlane, class_places
from semimetric.report.palette import colour, symbol
from semimetric.report.section import data_uri
from semimetric.report.thumbnails import images, sprite_sheet
from semimetric.report.view import View


def plot(view: View, plane: LatentPlane) -> dict[str, Any]:
    """Return the Plotly traces and layout, one entry per point for the tooltip, and the sprite sheet.

    ``components`` are the outlines of the prior's, None where there are none.

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
        "components": plotted_components(components_of(view, plane.projection.points), plane.projection.points),
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
