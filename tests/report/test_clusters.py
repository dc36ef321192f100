"""Clusters that no label reaches: what is drawn and said of them, and what is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from semimetric.errors import RunError
from semimetric.report import clusters
from semimetric.report.view import view_of
from semimetric.runs.directory import RunRecord

SIZES = np.array([300, 20])
LEVELS = np.array([[10, 60, 110], [160, 200, 250]])
INPUTS = np.tile(LEVELS.astype(np.uint8)[..., None, None], (4, 4))


def section_with(**changes):
    arrays = {"cluster_sizes": SIZES, "cluster_inputs": INPUTS} | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    return clusters.section(view_of(RunRecord({}, arrays={"Z_test": np.zeros((3, 4)), **arrays})))


def test_every_row_of_a_cluster_is_in_its_place():
    image = np.asarray(Image.open(io.BytesIO(section_with().picture)).convert("L")).astype(int)
    for level in LEVELS.ravel():  # flat squares of one grey each
        assert (image == level).sum() > 5_000
    places = [[np.argwhere(image == level).mean(axis=0) for level in line] for line in LEVELS]
    (first, second), across = np.array(places), np.array(places)[..., 1]
    assert (np.diff(across, axis=1) > 0).all(), "from left to right in the order given"
    assert (second[:, 0] > first[:, 0]).all(), "the second cluster below the first"


def test_it_says_how_many_rows_there_are():
    assert "No label reaches 320 training rows in 2 clusters." in section_with().body
    assert "semimetric predict with --split train all of them" in section_with().body
    assert "the 1 largest of which are shown" in section_with(cluster_inputs=INPUTS[:1]).body


def test_vectors_are_drawn_as_curves_over_one_scale():
    flat = np.zeros((2, 1, 50))
    flat[1] = 1  # the second lies at the top of the range, the first at its bottom: they are next to each other
    image = np.asarray(Image.open(io.BytesIO(section_with(cluster_inputs=flat).picture)).convert("L")).astype(int)
    lines = np.flatnonzero((image[:, -100:] < 60).any(axis=1))
    assert 0 < np.ptp(lines) < 0.25 * len(image)


def test_of_many_clusters_the_first_are_drawn():
    drawn = section_with(cluster_sizes=np.full(40, 10), cluster_inputs=np.tile(INPUTS[:1, :1], (40, 30, 1, 1))).picture
    assert (np.asarray(Image.open(io.BytesIO(drawn)).convert("L")) == LEVELS[0, 0]).sum() < 1.05 * 20 * 10 * 140**2
    assert (
        "the 20 largest of which are shown"
        in section_with(cluster_sizes=np.full(40, 10), cluster_inputs=np.tile(INPUTS[:1, :1], (20, 3, 1, 1))).body
    )


NONE = {"cluster_sizes": np.empty(0, int), "cluster_inputs": np.empty((0, 10, 4, 4), np.uint8)}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (dict.fromkeys(NONE), "This run does not know which rows its labels reach"),
        (NONE, "No cluster of training rows lies out of the labels&#x27; reach."),
    ],
)
def test_where_there_is_none_it_says_why(arrays, said):
    found = section_with(**arrays)
    assert found.picture is None
    assert said in found.body


@pytest.mark.parametrize(
    "change",
    [
        {"cluster_sizes": SIZES[None]},
        {"cluster_sizes": SIZES[:1]},
        {"cluster_sizes": np.array(["a", "b"])},
        {"cluster_sizes": -SIZES},
        {"cluster_sizes": NONE["cluster_sizes"]},
        {"cluster_inputs": NONE["cluster_inputs"]},
        {"cluster_inputs": INPUTS[:, :0]},
        {"cluster_inputs": INPUTS[..., :0]},
        {"cluster_inputs": INPUTS[:, :, 0, 0]},
        {"cluster_inputs": np.repeat(INPUTS[..., None], 5, axis=4)},
        {"cluster_inputs": None},
        {"cluster_inputs": INPUTS.astype(str)},
    ],
)
def test_arrays_that_contradict_each_other_are_refused(change):
    with pytest.raises(RunError, match="damaged: cluster_"):
        section_with(**change)
