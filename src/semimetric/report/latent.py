"""The latent plane: which rows are shown, where, and their picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.report.components import components_of, draw_components
from semimetric.report.drawing import canvas, shortened
from semimetric.report.palette import INK, MUTED, colour, symbol
from semimetric.report.projection import Projection, project
from semimetric.report.view import View

MOST_TEST, MOST_LABELLED = 2000, 500
"""Points shown at most. t-SNE of these takes some seconds on one core, and the page stays quick."""
MOST_DIRECT = 20
"""Up to this many classes are named in the plane itself."""


@dataclass(frozen=True)
class LatentPlane:
    """``rows`` of the evaluated data and ``labelled_rows`` of the labelled rows, and where each is drawn."""

    rows: np.ndarray
    labelled_rows: np.ndarray
    projection: Projection

    @property
    def points(self) -> np.ndarray:
        """The places (n, 2) of ``rows``."""
        return self.projection.points[: len(self.rows)]

    @property
    def labelled_points(self) -> np.ndarray:
        """The places (m, 2) of ``labelled_rows``."""
        return self.projection.points[len(self.rows) :]


def latent_plane(view: View, *, seed: int = 0) -> LatentPlane:
    """Choose the rows to show, those with a thumbnail first, and place them on the plane."""
    random = np.random.default_rng(seed)
    finite = np.isfinite(view.Z).all(axis=1)
    pictured = np.flatnonzero(finite & (view.shown >= 0))
    plain = np.flatnonzero(finite & (view.shown < 0))
    rows = _drawn(random, pictured, MOST_TEST)
    rows = np.sort(np.concatenate([rows, _drawn(random, plain, MOST_TEST - len(rows))]))
    labelled = np.flatnonzero(np.isfinite(view.labelled_Z).all(axis=1) & (view.labelled >= 0))
    labelled = _drawn(random, labelled, MOST_LABELLED)
    Z = np.concatenate([view.Z[rows], view.labelled_Z[labelled]])
    return LatentPlane(rows, labelled, project(Z, seed=seed))


def _drawn(random: np.random.Generator, rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(random.choice(rows, most, replace=False))


def class_places(view: View, plane: LatentPlane) -> dict[int, tuple[float, float]]:
    """Return where to write each class's name: at its point nearest to the class's median.

    Nowhere in a strip, where half of that place is random, nor with too many classes to read.
    """
    places = {}
    for code in np.unique(view.true[plane.rows]):
        points = plane.points[view.true[plane.rows] == code]
        if code >= 0:
            middle = np.median(points, axis=0)
            x, y = points[np.argmin(((points - middle) ** 2).sum(axis=1))]
            places[int(code)] = (float(x), float(y))
    return places if len(places) <= MOST_DIRECT and view.Z.shape[1] > 1 else {}


def picture(view: View, plane: LatentPlane) -> bytes:
    """Return the plane as a PNG: colour the class, a star a labelled training row, a dark ring a mistake.

    Where the space is a plane, the components of the prior are outlined.
    """
    from matplotlib.patheffects import withStroke

    codes, wrong = view.true[plane.rows], view.wrong[plane.rows]
    with canvas(8.8, 7.0) as (figure, content):
        axes = figure.subplots()
        size = 16 if len(codes) > 500 else 30
        order = np.random.default_rng(0).permutation(len(codes))  # no class is drawn over all others
        for marker in sorted({symbol(int(code))[0] for code in codes}):
            group = [i for i in order if symbol(int(codes[i]))[0] == marker]
            axes.scatter(
                *plane.points[group].T,
                s=size,
                marker=marker,
                c=[colour(int(codes[i])) for i in group],
                edgecolor=[INK if wrong[i] else "white" for i in group],
                linewidth=[0.9 if wrong[i] else 0.25 for i in group],
                alpha=0.9,
                zorder=2,
            )
        stars = view.labelled[plane.labelled_rows]
        if len(stars):
            axes.scatter(
                *plane.labelled_points.T,
                s=110 if len(stars) <= 200 else 60,
                marker="*",
                c=[colour(int(code)) for code in stars],
                edgecolor=INK,
                linewidth=0.8,
                zorder=3,
            )
        halo = [withStroke(linewidth=3, foreground="white")]
        for code, (x, y) in class_places(view, plane).items():
            name = shortened(view.name(code))
            axes.text(x, y, name, ha="center", va="center", weight="bold", fontsize=10, path_effects=halo, zorder=4)
        components = components_of(view, plane.projection.points)
        outlined = [draw_components(axes, components)] if components else []
        _legend(axes, view, plane, bool(wrong.any()), outlined)
        axes.set_xlabel(plane.projection.axes[0])
        axes.set_ylabel(plane.projection.axes[1])
        axes.set_aspect("equal" if view.Z.shape[1] > 1 else "auto", adjustable="datalim")
        sides = (("bottom", axes.xaxis), ("left", axes.yaxis))
        for (side, axis), name in zip(sides, plane.projection.axes, strict=True):
            if not name:
                axis.set_ticks([])
                axes.spines[side].set_visible(False)
        figure.supxlabel(plane.projection.note, fontsize=7.5, color=MUTED)
        figure.set_layout_engine("constrained")
    return content.getvalue()


def _legend(axes: Any, view: View, plane: LatentPlane, mistakes: bool, more: list[Any]) -> None:
    from matplotlib.lines import Line2D

    codes = [int(code) for code in np.unique(view.true[plane.rows])]
    listed = codes[:24]
    plain: dict[str, Any] = {"linestyle": "", "markeredgecolor": "none", "markersize": 6}
    keys = [
        Line2D([], [], marker=symbol(c)[0], color=colour(c), label=shortened(view.name(c)), **plain) for c in listed
    ]
    if len(codes) > len(listed):
        keys.append(Line2D([], [], linestyle="", label=f"… and {len(codes) - len(listed)} more"))
    empty: dict[str, Any] = {"linestyle": "", "markerfacecolor": "none", "markeredgecolor": INK, "color": INK}
    if len(plane.labelled_rows):
        keys.append(Line2D([], [], marker="*", markersize=9, label="labelled training row", **empty))
    if mistakes:
        keys.append(Line2D([], [], marker="o", markersize=6, label="wrong prediction", **empty))
    axes.legend(handles=keys + more, loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.4 if more else 0.1)
