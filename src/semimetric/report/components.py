"""The components of the prior, where the latent plane can show them as they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.errors import RunError
from semimetric.report.palette import INK
from semimetric.report.section import counted
from semimetric.report.view import View

LABEL = "prior components (one standard deviation)"
MANY = 64
"""More components than this are drawn faintly, and without a cross at their means."""
NEGLIGIBLE = 1e-3
"""Components of a smaller weight, as a share of an equal one, are not drawn."""
VERTICES, FEW_VERTICES = 60, 30
CROSS = 0.08


@dataclass(frozen=True)
class Components:
    """Means and scales (k, 2) of the components that are drawn, and how many are not, for which reason."""

    means: np.ndarray
    scales: np.ndarray
    without_weight: int
    not_finite: int
    outside: int

    def __len__(self) -> int:
        return len(self.means)

    @property
    def many(self) -> bool:
        """Whether there are so many that they have to be faint."""
        return len(self) > MANY

    def strokes(self) -> list[np.ndarray]:
        """Return what is drawn, as lines (points, 2): an ellipse each, and a cross at its mean unless there are many.

        Axis-aligned ellipses of one standard deviation: circles where both scales are the same.
        """
        turn = np.linspace(0, 2 * np.pi, (FEW_VERTICES if self.many else VERTICES) + 1)
        ellipse = np.column_stack([np.cos(turn), np.sin(turn)])
        cross = [] if self.many else [np.array([[-CROSS, 0], [CROSS, 0]]), np.array([[0, -CROSS], [0, CROSS]])]
        return [
            mean + scale * line
            for mean, scale in zip(self.means, self.scales, strict=True)
            for line in (ellipse, *cross)
        ]


def components_of(view: View, points: np.ndarray) -> Components | None:
    """Return the components to draw beside points (n, 2); None where there are none, or the space is no plane.

    Raises
    ------
    RunError
        If the arrays of the prior contradict each other or the embeddings.
    """
    arrays = view.record.arrays
    if "prior_means" not in arrays or "prior_scales" not in arrays or len(points) == 0:
        return None
    means = _numbers(view, "prior_means", (len(arrays["prior_means"]), view.Z.shape[1]))
    scales = _numbers(view, "prior_scales", means.shape)
    weights = _numbers(view, "prior_weights", means.shape[:1]) if "prior_weights" in arrays else np.ones(len(means))
    if view.Z.shape[1] != 2 or len(means) == 0:
        return None
    finite = np.isfinite(means).all(1) & np.isfinite(scales).all(1) & (scales >= 0).all(1) & np.isfinite(weights)
    weighty = weights >= NEGLIGIBLE * (weights[finite].mean() if finite.any() else 0)
    drawn = finite & weighty
    return Components(
        means[drawn],
        scales[drawn],
        without_weight=int((finite & ~weighty).sum()),
        not_finite=int((~finite).sum()),
        outside=_outside(means[drawn], scales[drawn], points),
    )


def draw_components(axes: Any, components: Components) -> Any:
    """Draw the components on Matplotlib axes, whose limits they leave alone, and return the key for a legend."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.3} if components.many else {"linewidth": 1.1, "alpha": 0.8}
    axes.add_collection(LineCollection(components.strokes(), colors=INK, zorder=2.5, **look), autolim=False)
    return Line2D([], [], color=INK, label=LABEL.replace(" (", "\n("), **look | {"alpha": 0.8})


def plotted_components(components: Components | None, points: np.ndarray) -> dict[str, Any] | None:
    """Return the components as one line with gaps, for Plotly, and the axes' ranges, which the points decide.

    None where there is no component to draw.
    """
    if not components:
        return None
    strokes = components.strokes()
    low, high = points.min(0), points.max(0)
    margin = np.where(high > low, 0.06 * (high - low), 0.5)
    return {
        "x": _with_gaps(stroke[:, 0] for stroke in strokes),
        "y": _with_gaps(stroke[:, 1] for stroke in strokes),
        "name": LABEL.replace(" (", "<br>("),
        "many": components.many,
        "ranges": np.column_stack([low - margin, high + margin]).tolist(),
    }


def about(components: Components) -> str:
    """Return what a reader should know about the components, as plain text."""
    count = len(components)
    text = []
    if count:
        each = "each one standard deviation around its mean" if count > 1 else "one standard deviation around its mean"
        text.append(f"Outlined: {counted(count, 'component')} of the prior, {each}.")
    if components.outside:
        some = "One" if components.outside == 1 else f"{components.outside:,}"
        outlines = "The outline" if count == 1 else f"{some} of the outlines"
        lie = "lies" if components.outside == 1 else "lie"
        text.append(f"{outlines} {lie} wholly outside the range of the rows, which alone decides what is in view.")
    for number, what in (
        (components.without_weight, "with next to no weight"),
        (components.not_finite, "with NaN, infinite or negative parameters"),
    ):
        if number:
            text.append(f"{counted(number, 'component')} {what} {'is' if number == 1 else 'are'} not drawn.")
    return " ".join(text)


def _numbers(view: View, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = view.record.arrays[name]
    if array.shape != shape or not np.issubdtype(array.dtype, np.number):
        raise RunError(
            f"{view.source}: embedding.npz is damaged: {name} has shape {array.shape}, {array.dtype}, "
            f"not {shape} of numbers"
        )
    return array.astype(np.float64)


def _outside(means: np.ndarray, scales: np.ndarray, points: np.ndarray) -> int:
    """Count the ellipses that have no point of their outline in the box of the points: beyond it, or around it."""
    low, high = points.min(0), points.max(0)
    radius = np.maximum(scales, 1e-100)
    nearest = np.abs(np.clip(means, low, high) - means) / radius
    farthest = np.maximum(np.abs(low - means), np.abs(high - means)) / radius
    beyond, around = np.hypot(*nearest.T) > 1, np.hypot(*farthest.T) < 1
    return int((beyond | around).sum())


def _with_gaps(lines: Iterable[np.ndarray]) -> list[float | None]:
    together: list[float | None] = []
    for line in lines:
        together += [float(f"{value:.5g}") for value in line]
        together.append(None)
    return together
