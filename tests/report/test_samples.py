"""Samples and traversals: what is drawn where, and what is said of what cannot be."""

import io

import numpy as np
import pytest
from PIL import Image

from semimetric.errors import RunError
from semimetric.report import samples, write_report
from semimetric.report.samples_plot import GUTTER, PER_LINE, PITCH, Walk, of_images, of_vectors
from semimetric.report.view import view_of
from semimetric.runs.directory import RunRecord


def section_with(**arrays):
    return samples.section(view_of(RunRecord({}, arrays={"Z_test": np.zeros((3, 4)), **arrays})))


def pixels(png, mode="L"):
    return np.asarray(Image.open(io.BytesIO(png)).convert(mode)).astype(int)


def flat(levels, side=4):
    """Images of one grey level each."""
    return np.tile(np.asarray(levels, np.uint8)[..., None, None], (side, side))


def test_every_sample_is_in_its_place():
    levels = np.arange(30) * 8
    image = pixels(of_images(flat(levels), []))
    scale = image.shape[1] / (GUTTER + PER_LINE * PITCH - (PITCH - 1))
    for index, level in enumerate(levels):
        line, column = divmod(index, PER_LINE)
        x, y = (GUTTER + column * PITCH + 0.5) * scale, (line * PITCH + 0.5) * scale
        assert image[int(y), int(x)] == level


def test_every_step_of_a_traversal_is_in_its_place():
    levels = np.array([[10, 60, 110, 160], [200, 150, 100, 50]])
    walks = [Walk(flat(line), place, (-2.0, 1.5)) for place, line in enumerate(levels, start=1)]
    image = pixels(of_images(np.empty((0, 4, 4), np.uint8), walks))
    scale = image.shape[1] / (GUTTER + PER_LINE * PITCH - (PITCH - 1))
    for place, line in enumerate(levels):
        for column, level in enumerate(line):
            x, y = (GUTTER + (column + 0.5) * 1.2) * scale, (place * 1.32 + 0.6) * scale
            assert image[int(y), int(x)] == level


def test_walks_are_named_by_number_and_range():
    walk = Walk(flat([1]), 3, (-2.346, 12.0))
    assert (walk.name, walk.range) == ("dimension 3", "−2.35 to 12")
    assert (Walk(flat([1]), None, None).name, Walk(flat([1]), None, None).range) == ("", "")


def test_dimensions_are_numbered_from_one_as_on_the_axes():
    view = view_of(RunRecord({}, arrays={
        "Z_test": np.zeros((3, 4)),
        "traversals": np.zeros((2, 5, 3, 3), np.uint8),
        "traversal_dimensions": np.array([3, 0]),
        "traversal_values": np.array([[-1, 0, 1, 2, 3], [0, 1, 2, 3, np.nan]], np.float32),
    }))  # fmt: skip
    walks = samples._walks(view, samples._found(view, "traversals", 2))
    assert [(walk.dimension, walk.ends) for walk in walks] == [(4, (-1.0, 3.0)), (1, None)]


def test_long_traversals_keep_their_ends():
    view = view_of(RunRecord({}, arrays={"Z_test": np.zeros((3, 1)), "traversals": np.arange(40.0).reshape(1, 40, 1)}))
    (walk,) = samples._walks(view, samples._found(view, "traversals", 2))
    steps = walk.steps[:, 0].tolist()
    assert len(steps) == samples.MOST_STEPS
    assert (steps[0], steps[-1]) == (0, 39)
    assert set(np.diff(steps)) <= {3, 4}


@pytest.mark.parametrize("shape", [(8, 8), (6, 9, 3), (6, 9, 1), (7,), (1,)])
def test_each_is_shown_without_the_other(shape):
    values = np.random.default_rng(0).integers(0, 255, (4, *shape)).astype(np.uint8)
    values = values.astype(np.float32) if len(shape) == 1 else values
    only = section_with(samples=values)
    assert "The run has no traversals" in only.body
    assert 'alt="4 samples from the prior."' in only.body
    walks = section_with(traversals=values[:, None].repeat(3, axis=1))
    assert "The run has no samples" in walks.body
    assert 'alt="Traversals along 4 latent dimensions."' in walks.body
    for found in (only, walks):
        assert found.picture is not None
        assert (pixels(found.picture) < 250).mean() > 0.005


def test_neither_is_said_and_leaves_no_picture(make_run, section_of):
    run = make_run(without=("samples", "traversals"))
    html = section_of(write_report(run), "samples")
    assert 'class="absent"' in html
    assert "The run has no samples, which take a prior to draw from and a decoder." in html
    assert "The run has no traversals, which take a decoder." in html
    assert not (run / "samples.png").exists()
    assert 'class="absent"' in section_with(samples=np.empty((0, 8, 8)), traversals=np.empty((0, 5, 3))).body


def test_what_is_not_finite_is_left_out_and_counted():
    values, walks = np.ones((5, 3), np.float32), np.ones((2, 4, 3), np.float32)
    values[1, 2], values[3, 0], walks[0, 1, 1] = np.nan, np.inf, -np.inf
    numbers = {"traversal_dimensions": np.array([0, 2]), "traversal_values": np.zeros((2, 4))}
    found = section_with(samples=values, traversals=walks, **numbers)
    assert "2 samples with NaN or infinite values cannot be shown." in found.body
    assert "1 traversal with NaN or infinite values cannot be shown." in found.body
    assert "3 samples from the prior and traversals along 1 latent dimension." in found.body
    nothing = section_with(samples=np.full((5, 3), np.nan))
    assert nothing.picture is None
    assert "5 samples with NaN or infinite values cannot be shown." in nothing.body


def test_vectors_are_curves_in_the_units_of_the_data():
    # Two samples of two features, at 0 and at 1: the curve of the second lies above that of the first.
    png = of_vectors(np.array([[0.0, 0.0], [1.0, 1.0]]), [], np.array([[0.0, 0.0], [1.0, 1.0]]))
    image = pixels(png, "RGB")
    blue = (image[..., 2] - image[..., 0] > 60).sum(axis=1)  # of the curves, by line
    lines = np.flatnonzero(blue > 0.8 * blue.max())
    band = (image == [0xE4, 0xE7, 0xEB]).all(axis=2).sum(axis=1) > image.shape[1] / 2
    assert lines.min() < np.flatnonzero(band).min() + 20
    assert lines.max() > np.flatnonzero(band).max() - 20
    assert np.ptp(lines) > 0.9 * band.sum()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": np.zeros(5)}, r"samples has shape \(5,\)"),
        ({"samples": np.zeros((5, 3, 8, 8), np.uint8)}, r"samples has shape \(5, 3, 8, 8\)"),
        ({"samples": np.zeros((5, 0, 8), np.uint8)}, "samples has shape"),
        ({"samples": np.array([["a"], ["b"]])}, "samples has shape"),
        ({"traversals": np.zeros((2, 5))}, r"traversals has shape \(2, 5\)"),
        ({"traversal_dimensions": np.arange(7)}, r"traversal_dimensions has shape \(7,\), not \(2,\)"),
        ({"traversal_dimensions": np.array([0, 2])}, "traversal_dimensions has 2, and the latent space 2 dimensions"),
        ({"traversal_values": np.zeros((2, 3))}, r"traversal_values has shape \(2, 3\), not \(2, 7\)"),
        ({"samples": np.zeros((5, 3))}, "one are images, one vectors"),
    ],
)
def test_contradictions_are_refused(make_run, change, said):
    with pytest.raises(RunError, match=said):
        write_report(make_run(arrays=change))
