"""Runs that lack something: the page is made all the same, and says what is not there and why."""

import numpy as np
import pytest
from test_write_report import Page, section

from semimetric.report import write_report

NO_TEST = ("Z_test", "y_test", "predicted_test", "shown_rows", "shown_inputs", "reconstruction_inputs")


def absent(html: str) -> bool:
    return 'class="absent"' in html


def test_no_decoder(make_run):
    path = write_report(make_run(without=("reconstruction_inputs", "reconstruction_outputs")))
    html = section(path, "reconstructions")
    assert absent(html)
    assert "no decoder" in html


def test_no_labels_at_all(make_run):
    unknown = {"y_test": np.full(120, -1)}
    without = ("predicted_test", "Z_labelled", "y_labelled", "labelled_inputs")
    path = write_report(make_run(arrays=unknown, without=without, metrics={}, config={"n_labelled": 0}))
    page = Page(path)
    assert "none of the rows it was to be evaluated on has a label" in page.text
    assert "120 rows of the test split; their classes are not known." in page.text
    assert "The rows have no labels to compare." in page.text
    assert absent(section(path, "scores"))
    assert absent(section(path, "confusion"))
    assert not absent(section(path, "latent"))


def test_no_test_split_and_nothing_embedded(make_run):
    path = write_report(make_run(without=(*NO_TEST, "Z_labelled", "y_labelled", "labelled_inputs")))
    for name in ("latent", "neighbours", "confusion", "reconstructions"):
        assert absent(section(path, name)), name
    assert Page(path).scripts == 0, "Plotly is not embedded where there is no plot"


def test_scores_that_are_all_undefined(make_run):
    path = write_report(make_run(metrics={"few_label_accuracy": None, "knn_accuracy": None, "baselines": {}}))
    assert absent(section(path, "scores"))
    assert "nothing in it was evaluated" in Page(path).text


def test_an_undefined_score_beside_others(make_run):
    metrics = {"knn_accuracy": 0.5, "map_at_r": None, "baselines": {"pca": {"map_at_r": 0.25}}}
    html = section(write_report(make_run(metrics=metrics)), "scores")
    assert "undefined on this data" in html
    assert "not computed" in html
    assert "0.250" in html


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "no epoch was completed"),
        ([{"epoch": 1, "train_metric": 0.5}], "One epoch makes a point, not a curve."),
        ([{"epoch": 1, "seconds": 2.0}], "names no loss term"),
        ([{"epoch": e, "train_cost": 1.0 * e} for e in (1, 2, 3)], "No rows were held out"),
    ],
)
def test_short_histories(make_run, history, said):
    assert said in section(write_report(make_run(history=history)), "curves")


@pytest.mark.parametrize("dimensions", [1, 2, 3, 10])
def test_two_points(make_run, dimensions):
    path = write_report(make_run(rows=2, classes=2, dimensions=dimensions))
    assert not absent(section(path, "latent"))
    assert "too few to have neighbours" in section(path, "neighbours")


def test_one_class(make_run):
    path = write_report(make_run(classes=1, dimensions=3))
    assert "There is no mistake." in section(path, "confusion")
    assert not absent(section(path, "latent"))


def test_a_hundred_classes(make_run):
    path = write_report(make_run(rows=400, classes=100, dimensions=2))
    assert "100: 0, 1, 2" in Page(path).text
    for name in ("latent", "neighbours", "confusion"):
        assert not absent(section(path, name)), name


def test_a_collapsed_embedding(make_run):
    collapsed = np.zeros((120, 4), dtype=np.float32)
    path = write_report(make_run(dimensions=4, arrays={"Z_test": collapsed, "Z_labelled": collapsed[:8]}))
    assert "the embedding has collapsed" in section(path, "latent")


def test_rows_without_a_finite_place_are_left_out_and_counted(make_run):
    Z = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    Z[5] = np.nan
    html = section(write_report(make_run(arrays={"Z_test": Z})), "latent")
    assert "119 rows of 120" in html
    assert "1 row with NaN or infinite places cannot be shown" in html
