"""Reconstructions beside the inputs they were made from."""

import numpy as np

from semimetric.report.drawing import canvas
from semimetric.report.palette import DIFFERS, INK, MUTED
from semimetric.report.section import Section, absent, counted, figure, paragraph
from semimetric.report.thumbnails import draw, images
from semimetric.report.view import View

NAME, TITLE = "reconstructions", "Reconstructions"
MOST_IMAGES, PER_LINE = 20, 10
MOST_VECTORS = 6


def section(view: View) -> Section:
    """Return the picture, or why there is none."""
    inputs, outputs = view.inputs("reconstruction_inputs"), view.inputs("reconstruction_outputs")
    if len(inputs) == 0 or len(outputs) == 0:
        reason = "This model has no decoder, so it reconstructs nothing: it only learns where inputs belong."
        return absent(NAME, TITLE, reason)
    if inputs.shape != outputs.shape:
        return absent(NAME, TITLE, f"Inputs {inputs.shape} and reconstructions {outputs.shape} differ in shape.")
    if images(inputs) is None:
        count, kind = min(len(inputs), MOST_VECTORS), "vector"
        png = _of_vectors(inputs[:count].reshape(count, -1), outputs[:count].reshape(count, -1))
        text = "A panel is one row of the data: its features in order, input solid, reconstruction dashed."
    else:
        count, kind = min(len(inputs), MOST_IMAGES), "image"
        both = images(np.concatenate([inputs[:count], outputs[:count]]))
        assert both is not None  # the inputs are images, and the outputs have their shape
        png = _of_images(both[:count], both[count:])
        text = "Above, the input; below it, what the decoder makes of its place in the latent space alone."
    alt = f"{counted(count, kind)} of the data, each with its reconstruction."
    return Section(NAME, TITLE, paragraph(text) + figure(png, alt), png)


def _of_images(inputs: np.ndarray, outputs: np.ndarray) -> bytes:
    across = min(len(inputs), PER_LINE)
    lines = -(-len(inputs) // across)
    gutter, pitch, between = 1.15, 1.08, 0.35
    width, height = gutter + across * pitch, lines * (2 * pitch) + (lines - 1) * between
    with canvas(8.8, 8.8 * height / (gutter + PER_LINE * pitch)) as (drawn, content):
        axes = drawn.add_axes((0, 0, 1, 1))
        for index in range(len(inputs)):
            line, column = divmod(index, across)
            top = height - line * (2 * pitch + between)
            x = gutter + column * pitch
            draw(axes, inputs[index], x, top - 1, 1, (0, 1))
            draw(axes, outputs[index], x, top - pitch - 1, 1, (0, 1))
            if column == 0:
                axes.text(gutter - 0.15, top - 0.5, "input", ha="right", va="center", color=MUTED)
                axes.text(gutter - 0.15, top - pitch - 0.5, "output", ha="right", va="center", color=MUTED)
        axes.set(xlim=(0, max(width, gutter + PER_LINE * pitch)), ylim=(0, height), aspect="equal", anchor="W")
        axes.axis("off")
    return content.getvalue()


def _of_vectors(inputs: np.ndarray, outputs: np.ndarray) -> bytes:
    across = min(len(inputs), 3)
    down = -(-len(inputs) // across)
    with canvas(max(4.4, 8.8 * across / 3), 0.4 + 1.75 * down) as (drawn, content):
        grid = drawn.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
        features = np.arange(1, inputs.shape[1] + 1)
        marker = "o" if len(features) <= 24 else None
        for axes, input_, output in zip(grid, inputs, outputs, strict=False):
            axes.plot(features, input_, color=INK, linewidth=1.1, marker=marker, markersize=2.8, label="input")
            axes.plot(
                features,
                output,
                "--",
                color=DIFFERS,
                linewidth=1.3,
                marker=marker,
                markersize=2.8,
                label="reconstruction",
            )
            axes.grid(axis="y")
            axes.xaxis.get_major_locator().set_params(integer=True)
        for axes in grid[len(inputs) :]:
            axes.set_visible(False)
        drawn.supxlabel("feature", fontsize=8.5, color=MUTED)
        drawn.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
        drawn.set_layout_engine("constrained")
    return content.getvalue()
