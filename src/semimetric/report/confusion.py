"""Which classes are taken for which."""

import numpy as np

from semimetric.errors import some_of
from semimetric.report.drawing import canvas, shortened
from semimetric.report.palette import ACCENT, INK, MUTED
from semimetric.report.section import Section, absent, figure, paragraph
from semimetric.report.view import View

NAME, TITLE = "confusion", "Confusion"
MOST_NUMBERED, MOST_NAMED = 20, 40
WORST = 4


def section(view: View) -> Section:
    """Return the matrix and the commonest confusions, or why there are none."""
    if view.predicted is None or not (view.predicted >= 0).any():
        return absent(NAME, TITLE, "The run holds no predictions: there was no label to predict from.")
    if not ((view.true >= 0) & (view.predicted >= 0)).any():
        return absent(NAME, TITLE, "None of the evaluated rows has a label to hold against its prediction.")
    counts = matrix(view)
    total, right = int(counts.sum()), int(np.trace(counts))
    score = f"{right:,} of {total:,} rows ({100 * right / total:.1f} %) are predicted to be of their own class"
    by = "the labels that were spread to the nearest training rows" if view.spread else "the nearest labelled rows"
    text = f"{score}, by {by}."
    if view.on_training_rows:
        text += " They are the very rows it was trained on, which flatters."
    if unseen := view.unseen:
        text += f" Without a labelled row, so never predicted: {some_of(unseen)}."
    worst = commonest(view, counts)
    text += f" Most often confused: {worst}." if worst else " There is no mistake."
    png = picture(view, counts)
    return Section(NAME, TITLE, paragraph(text) + figure(png, f"Confusion matrix: {score}."), png)


def matrix(view: View) -> np.ndarray:
    """Return the counts, (classes, classes): rows the true class, columns the predicted one."""
    counts = np.zeros((len(view.names), len(view.names)), dtype=np.int64)
    if view.predicted is not None:
        both = (view.true >= 0) & (view.predicted >= 0)
        np.add.at(counts, (view.true[both], view.predicted[both]), 1)
    return counts


def commonest(view: View, counts: np.ndarray) -> str:
    """Return the most frequent mistakes in words, empty if there is none."""
    mistakes = counts - np.diag(np.diag(counts))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:WORST]
    pairs = [np.unravel_index(place, counts.shape) for place in order]
    said = [
        f"{view.name(int(true))} taken for {view.name(int(taken))} ({mistakes[true, taken]:,})"
        for true, taken in pairs
        if mistakes[true, taken]
    ]
    return ", ".join(said)


def picture(view: View, counts: np.ndarray) -> bytes:
    """Return the matrix as a PNG: colour the share of the true class, numbers the counts."""
    from matplotlib.colors import LinearSegmentedColormap

    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = float(np.clip(0.52 * classes, 2.6, 6.4))
    colours = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#cfe3ee", ACCENT, "#06304a"])
    with canvas(size, size, trim=True) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        shown = axes.imshow(shares, cmap=colours, vmin=0, vmax=1)
        beside = axes.inset_axes((1 + 0.2 / size, 0, 0.11 / size, min(1.0, 2.4 / size)))
        bar = drawn.colorbar(shown, cax=beside, ticks=[0, 0.5, 1])
        bar.outline.set_visible(False)
        bar.ax.set_yticklabels(["0", "half of the class", "all of it"])
        if classes <= MOST_NUMBERED:
            for (true, taken), count in np.ndenumerate(counts):
                if count:
                    text_colour = "white" if shares[true, taken] > 0.45 else INK
                    weight = "bold" if true == taken else "normal"
                    fit = 8.5 if classes <= 12 else 6.5
                    axes.text(
                        taken,
                        true,
                        f"{count}",
                        ha="center",
                        va="center",
                        color=text_colour,
                        fontsize=fit,
                        weight=weight,
                    )
        step = -(-classes // MOST_NAMED)
        ticks = np.arange(0, classes, step)
        names = [shortened(view.names[code]) for code in ticks]
        upright = max(len(name) for name in names) > 3
        small = 8 if classes <= 24 else 6
        axes.set_xticks(
            ticks, names, rotation=45 if upright else 0, ha="right" if upright else "center", fontsize=small
        )
        axes.set_yticks(ticks, names, fontsize=small)
        if upright:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="#eef0f3", linewidth=0.6 if classes <= MOST_NAMED else 0)
        axes.tick_params(which="minor", length=0)
        axes.xaxis.label.set_color(MUTED)
    return content.getvalue()
