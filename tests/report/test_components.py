"""The prior's components in the plane: where they are drawn, what is said of them, what they leave alone."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from semimetric.errors import RunError
from semimetric.report import components, latent, write_report
from semimetric.report.components import about, components_of, plotted_components
from semimetric.report.drawing import canvas
from semimetric.report.view import view_of
from semimetric.runs.directory import RunRecord

BOX = np.array([[-1.0, -1.0], [1.0, 1.0]])


def view(means, scales=None, weights=None, Z=BOX):
    arrays = {"Z_test": Z, "prior_means": np.asarray(means, float)}
    arrays["prior_scales"] = np.ones_like(arrays["prior_means"]) if scales is None else np.asarray(scales, float)
    if weights is not None:
        arrays["prior_weights"] = np.asarray(weights, float)
    return view_of(RunRecord({}, arrays=arrays))


def found(*arguments, **keywords):
    components = components_of(view(*arguments, **keywords), BOX)
    assert components is not None
    return components


def test_outlines_are_one_standard_deviation_around_each_mean():
    strokes = found([[0, 0], [1, -2]], [[1, 1], [0.5, 3]]).strokes()
    assert len(strokes) == 6  # an ellipse and the two bars of a cross each
    for (mean, scale), (ellipse, *cross) in zip(
        [((0, 0), (1, 1)), ((1, -2), (0.5, 3))], (strokes[:3], strokes[3:]), strict=True
    ):
        assert np.allclose(np.linalg.norm((ellipse - mean) / scale, axis=1), 1)
        assert np.allclose(ellipse[0], ellipse[-1])
        assert np.allclose([bar.mean(0) for bar in cross], mean)


def test_many_components_are_faint_and_have_no_crosses():
    few, many = found(np.zeros((64, 2))), found(np.zeros((65, 2)))
    assert (few.many, len(few.strokes())) == (False, 3 * 64)
    assert (many.many, len(many.strokes())) == (True, 65)


def test_plotly_is_given_one_line_with_gaps_and_ranges_that_the_rows_decide():
    drawn = plotted_components(found([[0.5, 0], [1e6, 1e6]]), BOX)
    assert drawn is not None
    assert drawn["name"] == "prior components<br>(one standard deviation)"
    assert drawn["x"].count(None) == drawn["y"].count(None) == 6
    gap = drawn["x"].index(None)
    around = np.array([drawn["x"][:gap], drawn["y"][:gap]]).T - [0.5, 0]
    assert np.allclose(np.linalg.norm(around, axis=1), 1, atol=1e-4)
    assert np.allclose(drawn["ranges"], [[-1.12, 1.12]] * 2)
    assert plotted_components(found([[math.nan, 0]]), BOX) is None


def limits_of_the_picture(view, monkeypatch):
    """The limits of the axes that the PNG is drawn with."""
    taken = {}
    original = latent._legend

    def spy(axes, *rest):
        taken["axes"] = axes
        original(axes, *rest)

    monkeypatch.setattr(latent, "_legend", spy)
    latent.picture(view, latent.latent_plane(view))
    return [*taken["axes"].get_xlim(), *taken["axes"].get_ylim()]


def test_far_components_do_not_move_the_limits_of_the_picture(monkeypatch):
    Z = np.random.default_rng(0).normal(size=(50, 2))
    alone = limits_of_the_picture(view_of(RunRecord({}, arrays={"Z_test": Z})), monkeypatch)
    beside = limits_of_the_picture(view([[0, 0], [1e5, 0]], Z=Z), monkeypatch)
    # The wider legend leaves less room, which the equal aspect may take from one of the sides.
    assert np.allclose(np.abs(beside).max(), np.abs(alone).max(), rtol=0.3)


def test_the_outline_is_in_the_picture():
    pixels = []
    for shown in (view([[0, 0]], [[0.5, 0.5]]), view([[math.nan, 0]])):
        with canvas(4, 4) as (figure, content):
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set(xlim=(-1, 1), ylim=(-1, 1))
            axes.axis("off")
            components.draw_components(axes, components_of(shown, BOX))
        pixels.append(np.asarray(Image.open(io.BytesIO(content.getvalue())).convert("L")))
    drawn, blank = pixels
    assert (blank == 255).all()
    middle = len(drawn) // 2
    dark = np.flatnonzero(drawn[middle + 60] < 150)  # a row below the cross
    half = math.sqrt(0.25 - (60 / (len(drawn) / 2)) ** 2) * len(drawn) / 2
    assert dark.min() == pytest.approx(middle - half, abs=4)
    assert dark.max() == pytest.approx(middle + half, abs=4)


@pytest.mark.parametrize(
    ("mean", "scale", "outside"),
    [
        ((0, 0), 0.5, 0),  # wholly inside
        ((1.5, 0), 1, 0),  # reaches in
        ((1.8, 1.8), 1, 1),  # √(0.8² + 0.8²) > 1 from the corner
        ((1.7, 1.7), 1, 0),  # √(0.7² + 0.7²) < 1
        ((0, 0), 1.42, 1),  # around all corners, at √2
        ((0, 0), 1.41, 0),  # corners stick out
        ((5, 5), 0, 1),
    ],
)
def test_outlines_that_cannot_be_seen_are_counted(mean, scale, outside):
    assert found([mean], [[scale, scale]]).outside == outside


def test_what_is_said():
    assert about(found([[0, 0], [0.1, 0]])) == (
        "Outlined: 2 components of the prior, each one standard deviation around its mean."
    )
    assert "One of the outlines lies wholly outside" in about(found([[0, 0], [9, 9]]))
    assert "The outline lies wholly outside the range of the rows" in about(found([[9, 9]]))
    odd = found([[0, 0], [math.nan, 0], [0, 0], [0, 0]], [[1, 1], [1, 1], [-1, 1], [1, 1]], [1, 1, 1, 1e-9])
    assert len(odd) == 1
    assert "1 component with next to no weight is not drawn." in about(odd)
    assert "2 components with NaN, infinite or negative parameters are not drawn." in about(odd)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prior_means": np.zeros((3, 5))}, r"prior_means has shape \(3, 5\)"),
        ({"prior_means": np.zeros(3)}, "prior_means has shape"),
        ({"prior_means": np.array([["a", "b"]] * 4)}, "prior_means"),
        ({"prior_scales": np.ones((7, 2))}, r"prior_scales has shape \(7, 2\)"),
        ({"prior_weights": np.ones((4, 1))}, "prior_weights has shape"),
    ],
)
def test_contradictions_are_refused(make_run, change, said):
    with pytest.raises(RunError, match=said):
        write_report(make_run(arrays=change))


@pytest.mark.parametrize("run", [{}, {"without": ("prior_weights",)}])
def test_components_of_a_plane_are_outlined(make_run, section_of, run):
    html = section_of(write_report(make_run(**run)), "latent")
    assert "Outlined: 4 components of the prior" in html
    assert 'id="show-prior"' in html


@pytest.mark.parametrize(
    "run", [{"without": ("prior_means",)}, {"without": ("prior_scales",)}, {"dimensions": 3}, {"dimensions": 1}]
)
def test_nothing_is_outlined_without_a_prior_or_a_plane(make_run, section_of, run):
    html = section_of(write_report(make_run(**run)), "latent")
    assert "Outlined" not in html
    assert "show-prior" not in html
