"""Runs that lack something: the page is made all the same, and says what is not there and why."""

import re

import numpy as np
import pytest

from semimetric.report import write_report

NO_TEST = ("Z_test", "y_test", "predicted_test", "shown_rows", "shown_inputs", "reconstruction_inputs")


def absent(html: str) -> bool:
    return 'class="absent"' in html


def test_no_decoder(make_run, section_of):
    path = write_report(make_run(without=("reconstruction_inputs", "reconstruction_outputs")))
    html = section_of(path, "reconstructions")
    assert absent(html)
    assert "no decoder" in html


def test_no_labels_at_all(make_run, page_of, section_of):
    unknown = {"y_test": np.full(120, -1)}
    without = ("predicted_test", "Z_labelled", "y_labelled", "labelled_inputs")
    path = write_report(make_run(arrays=unknown, without=without, metrics={}, config={"n_labelled": 0}))
    page = page_of(path)
    assert "No scores: none of the rows to evaluate on has a label." in page.text
    assert "120 rows of the test split; their classes are not known." in page.text
    assert "None of the neighbours has a label to compare." in page.text
    assert absent(section_of(path, "scores"))
    assert absent(section_of(path, "confusion"))
    assert not absent(section_of(path, "latent"))


def test_no_test_split_and_nothing_embedded(make_run, page_of, section_of):
    path = write_report(make_run(without=(*NO_TEST, "Z_labelled", "y_labelled", "labelled_inputs")))
    for name in ("latent", "neighbours", "confusion", "reconstructions"):
        assert absent(section_of(path, name)), name
    assert page_of(path).scripts == 0, "Plotly is not embedded where there is no plot"


def test_scores_that_are_all_undefined(make_run, page_of, section_of):
    path = write_report(make_run(metrics={"few_label_accuracy": None, "knn_accuracy": None, "baselines": {}}))
    assert absent(section_of(path, "scores"))
    assert "nothing in this run was evaluated" in page_of(path).text


def test_an_undefined_score_beside_others(make_run, section_of):
    metrics = {"knn_accuracy": 0.5, "map_at_r": None, "baselines": {"pca": {"map_at_r": 0.25}}}
    html = section_of(write_report(make_run(metrics=metrics)), "scores")
    assert "undefined on this data" in html
    assert "not computed" in html
    assert "0.250" in html


def test_scores_of_few_rows_say_what_a_row_is_worth(make_run, section_of):
    some = {"y_test": np.where(np.arange(120) < 40, np.arange(120) % 4, -1)}
    assert "Scores of only 40 rows: each is worth 0.025 of accuracy" in section_of(
        write_report(make_run(arrays=some)), "scores"
    )
    assert "Scores of only" not in section_of(write_report(make_run()), "scores")


def test_neighbours_without_a_label_are_told_apart(make_run, section_of):
    some = {"y_test": np.where(np.arange(120) < 20, np.arange(120) % 4, -1)}
    html = section_of(write_report(make_run(arrays=some)), "neighbours")
    found = re.search(r"(\d+) of (\d+) neighbours have a label, (\d+) of them of the same class as their query; ", html)
    assert found
    labelled, near, same = map(int, found.groups())
    assert 0 < same <= labelled < near
    assert "the others have a grey frame." in html
    html = section_of(write_report(make_run()), "neighbours")
    assert re.search(r"\d+ of \d+ neighbours are of the same class as their query\.", html)
    assert "grey" not in html


def test_only_held_out_rows_tell_which_epoch_is_best(make_run, page_of):
    assert "6 epochs; the model is that of epoch 4, the best on held-out rows" in page_of(write_report(make_run())).text
    history = [{"epoch": e, "train_metric": 1 / e} for e in range(1, 7)]
    text = page_of(write_report(make_run(history=history, config={"best_epoch": 6}))).text
    assert "6 epochs; the model is that of epoch 6" in text
    assert "the best on held-out rows" not in text
    assert "No rows were held out" in text


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "no epoch was completed"),
        ([{"epoch": 1, "train_metric": 0.5}], "One epoch makes a point, not a curve."),
        ([{"epoch": 1, "seconds": 2.0}], "names no loss term"),
        ([{"epoch": e, "train_cost": 1.0 * e} for e in (1, 2, 3)], "No rows were held out"),
    ],
)
def test_short_histories(make_run, history, said, section_of):
    assert said in section_of(write_report(make_run(history=history)), "curves")


@pytest.mark.parametrize("dimensions", [1, 2, 3, 10])
def test_two_points(make_run, dimensions, section_of):
    path = write_report(make_run(rows=2, classes=2, dimensions=dimensions))
    assert not absent(section_of(path, "latent"))
    assert "too few to have neighbours" in section_of(path, "neighbours")


def test_one_class(make_run, section_of):
    path = write_report(make_run(classes=1, dimensions=3))
    assert "There is no mistake." in section_of(path, "confusion")
    assert not absent(section_of(path, "latent"))


def test_a_hundred_classes(make_run, page_of, section_of):
    path = write_report(make_run(rows=400, classes=100, dimensions=2))
    assert "100: 0, 1, 2" in page_of(path).text
    for name in ("latent", "neighbours", "confusion"):
        assert not absent(section_of(path, name)), name


def test_a_collapsed_embedding(make_run, section_of):
    collapsed = np.zeros((120, 4), dtype=np.float32)
    path = write_report(make_run(dimensions=4, arrays={"Z_test": collapsed, "Z_labelled": collapsed[:8]}))
    assert "the embedding has collapsed" in section_of(path, "latent")


def test_rows_without_a_finite_place_are_left_out_and_counted(make_run, section_of):
    Z = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    Z[5] = np.nan
    html = section_of(write_report(make_run(arrays={"Z_test": Z})), "latent")
    assert "119 rows of 120" in html
    assert "1 row with NaN or infinite places cannot be shown" in html


def test_training_rows_for_want_of_a_test_split(make_run, page_of, section_of):
    path = write_report(make_run(metrics={}, config={"evaluated_on": "train", "n_test": 0}))
    assert "the data has no test split" in section_of(path, "scores")
    assert "which flatters" in section_of(path, "confusion")
    assert "no test rows" in page_of(path).text


@pytest.mark.parametrize("ending", ["interrupted", "diverged"])
def test_a_fit_that_did_not_end_well_says_so_at_the_top(make_run, page_of, ending):
    path = write_report(make_run(config={"stopped": ending}))
    assert f"The fit {'was ' * (ending == 'interrupted')}{ending}; this is the best model" in page_of(path).text


def test_a_score_without_a_scale_is_shown_but_not_ranked(make_run, section_of):
    unknown = {"steps": 120_000, "norm": -31.254, "huge": 1e300, "note": "a text", "parts": {"a": 1}}
    metrics = {"knn_accuracy": 0.5, **unknown, "baselines": {"pca": {"knn_accuracy": 0.25}}}
    html = section_of(write_report(make_run(metrics=metrics)), "scores")
    for shown in ("120,000", "−31.25", "1e+300"):
        assert f"<td>{shown}</td>" in html
    assert "a text" not in html
    assert "Likelihood" not in html
    assert "except under “Other”" in html
