"""The contact sheet: every input in its place, whatever kind it is, above what is said of it."""

import io

import numpy as np
import pytest
from PIL import Image

from semimetric.report.suggestions import ACROSS, CAPTION, GAP, MOST, PITCH, contact_sheet


def pixels(png, mode="L"):
    return np.asarray(Image.open(io.BytesIO(png)).convert(mode)).astype(int)


def flat(levels, side=8):
    """Images of one grey level each."""
    return np.tile(np.asarray(levels, np.uint8)[..., None, None], (side, side))


def sheet(inputs):
    n = len(inputs)
    return contact_sheet(inputs, np.arange(n), ["cat"] * n, [0.5] * n, [None] * n)


def places(image, n):
    """The part of the picture where each input is, and where its caption is."""
    pad = 8  # of 0.04 inches, on every side
    scale = (image.shape[1] - 2 * pad) / (min(n, ACROSS) * PITCH - (PITCH - 1))
    for place in range(n):
        line, column = divmod(place, ACROSS)
        left, top = pad + column * PITCH * scale, pad + line * (1 + CAPTION + GAP) * scale
        within, below = slice(int(left + 0.05 * scale), int(left + 0.95 * scale)), int(top + 1.02 * scale)
        yield (
            image[int(top + 0.05 * scale) : int(top + 0.95 * scale), within],
            image[below : int(below + CAPTION * scale), within],
        )


@pytest.mark.parametrize("n", [1, 3, 10, 23])
def test_every_input_is_in_its_place_above_its_caption(n):
    levels = np.arange(n) * 10
    for level, (input_, caption) in zip(levels, places(pixels(sheet(flat(levels))), n), strict=True):
        assert np.abs(input_ - level).max() <= 1  # of Matplotlib's 256 greys
        assert 0.02 < (caption < 160).mean() < 0.5


def test_colours_are_kept():
    colours = np.array([[200, 30, 60], [10, 120, 240]], np.uint8)
    image = pixels(sheet(np.tile(colours[:, None, None], (1, 8, 8, 1))), "RGB")
    for colour, (input_, _) in zip(colours, places(image, 2), strict=True):
        assert (input_ == colour).all()


def test_vectors_are_curves_over_one_scale():
    image = pixels(sheet(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])))
    (low, _), (high, _) = places(image, 2)
    heights = [np.flatnonzero((part < 128).mean(axis=1) > 0.9).mean() / len(part) for part in (high, low)]
    assert heights[0] < 0.05
    assert heights[1] > 0.95


def test_what_is_said_of_an_input_is_drawn():
    def drawn(row, name, share, cluster=None):
        return contact_sheet(flat([100]), [row], [name], [share], [cluster])

    first = drawn(5, "cat", 0.5)
    assert drawn(5, "cat", 0.5) == first
    changed = (drawn(6, "cat", 0.5), drawn(5, "dog", 0.5), drawn(5, "cat", 0.6), drawn(5, None, None))
    assert len({first, *changed, drawn(5, "cat", 0.5, 0), drawn(5, "cat", 0.5, 1)}) == 7


def test_of_a_row_in_a_cluster_the_class_that_it_is_not_is_left_out():
    cat, dog = (contact_sheet(flat([100]), [5], [name], [0.9], [2]) for name in ("cat", "dog"))
    assert cat == dog


@pytest.mark.parametrize("name", ["$x", "colorectal adenocarcinoma epithelium", "línea\nnueva", "猫", -3])
def test_any_name_fits(name):
    inputs, rows = flat([0] * 10), range(10)
    plain, named = (pixels(contact_sheet(inputs, rows, [n] * 10, [1.0] * 10, [None] * 10)) for n in ("a", name))
    assert named.shape == plain.shape


def test_of_very_many_inputs_the_first_are_drawn():
    lines = MOST // ACROSS
    image = pixels(sheet(flat(np.arange(MOST + 30) % 200)))
    assert image.shape[0] / image.shape[1] == pytest.approx(
        (lines * (1 + CAPTION + GAP) - GAP) / (ACROSS * PITCH - (PITCH - 1)), rel=0.01
    )
