"""Learning curves: one panel per loss term, training and held-out rows."""

import math

from semimetric.report.drawing import canvas, shortened
from semimetric.report.palette import ACCENT, DIFFERS, MUTED
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.view import View

NAME, TITLE = "curves", "Learning curves"
SPLITS = (("train_", "training", ACCENT, "-"), ("held_out_", "held out", DIFFERS, "--"))
PANELS_PER_LINE = 3


def section(view: View) -> Section:
    """Return the picture with its caption, or why there is none."""
    history = view.record.history
    terms = terms_of(history)
    if not history:
        return absent(NAME, TITLE, "The history of this run is empty: no epoch was completed.")
    if not terms:
        return absent(NAME, TITLE, "The history of this run names no loss term.")
    best = view.config.get("best_epoch")
    png = picture(history, terms, best)
    text = f"{counted(len(terms), 'loss term')} over {counted(len(history), 'epoch')}."
    if len(history) == 1:
        text += " One epoch makes a point, not a curve."
    if best is not None:
        text += f" The vertical line marks epoch {best}, whose model was kept."
    if not view.held_out:
        text += " No rows were held out, so there is no second curve to warn of overfitting."
    return Section(NAME, TITLE, paragraph(text) + figure(png, f"Learning curves: {_in_words(history, terms)}"), png)


def terms_of(history: list[dict[str, float]]) -> list[str]:
    """Return the names of the loss terms in order of first appearance.

    >>> terms_of([{"epoch": 1, "train_metric": 0.3, "held_out_metric": 0.4, "seconds": 2.0}])
    ['metric']
    """
    names = [key for row in history for key in row]
    return list(dict.fromkeys(key.removeprefix(p) for key in names for p, *_ in SPLITS if key.startswith(p)))


def picture(history: list[dict[str, float]], terms: list[str], best_epoch: int | None) -> bytes:
    """Return the panels as a PNG."""
    across = min(len(terms), PANELS_PER_LINE)
    down = -(-len(terms) // across)
    with canvas(max(4.4, 8.8 * across / PANELS_PER_LINE), 0.35 + 2.3 * down) as (drawn, content):
        grid = drawn.subplots(down, across, squeeze=False).ravel()
        for axes, term in zip(grid, terms, strict=False):
            for prefix, label, colour, line in SPLITS:
                epochs, values = _curve(history, prefix + term)
                if values:
                    axes.plot(
                        epochs,
                        values,
                        line,
                        color=colour,
                        linewidth=1.6,
                        label=label,
                        marker="o" if len(values) <= 12 else None,
                        markersize=3.5,
                    )
            if best_epoch is not None:
                axes.axvline(best_epoch, color=MUTED, linewidth=0.9, linestyle=":")
            axes.set_title(shortened(term.replace("_", " "), 32))
            axes.set_xlabel("epoch")
            axes.grid(axis="y")
            axes.margins(x=0.03)
            axes.locator_params(axis="y", nbins=5)
            axes.xaxis.get_major_locator().set_params(integer=True)
        for axes in grid[len(terms) :]:
            axes.set_visible(False)
        lines = {line.get_label(): line for axes in grid for line in axes.get_lines()}
        labels = [label for _, label, *_ in SPLITS if label in lines]
        drawn.legend([lines[label] for label in labels], labels, loc="outside upper right", ncols=2, handlelength=2.4)
        drawn.set_layout_engine("constrained", h_pad=0.08)
    return content.getvalue()


def _curve(history: list[dict[str, float]], key: str) -> tuple[list[float], list[float]]:
    points = [
        (row.get("epoch", index + 1), row[key])
        for index, row in enumerate(history)
        if math.isfinite(row.get(key, math.nan))
    ]
    return [epoch for epoch, _ in points], [value for _, value in points]


def _in_words(history: list[dict[str, float]], terms: list[str]) -> str:
    said = []
    for term in terms:
        for prefix, label, *_ in SPLITS:
            _, values = _curve(history, prefix + term)
            if values:
                said.append(f"{term} ({label}) goes from {values[0]:.3g} to {values[-1]:.3g}")
    return "; ".join(said) + "."
