"""The verdict, the neighbours and the curves, against values worked out by hand."""

import numpy as np
import pytest

from semimetric.report.curves import terms_of
from semimetric.report.neighbours import NEIGHBOURS, queries
from semimetric.report.settings import _abridged
from semimetric.report.verdict import verdict
from semimetric.report.view import view_of
from semimetric.runs.directory import RunRecord


def record(metrics=None, baselines=None, **arrays):
    content = {"Z_test": np.zeros((4, 10)), "y_test": np.array([0, 0, 1, 1])} | arrays
    return RunRecord({"n_labelled": 60}, metrics or {}, baselines or {}, [], content)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.93, "60 labels, few-label accuracy 0.930: 25.0 points above the best baseline, PCA-10 (0.680)"),
        (0.65, "60 labels, few-label accuracy 0.650: 3.0 points below the best baseline, PCA-10 (0.680)"),
        (0.682, "60 labels, few-label accuracy 0.682: level with the best baseline, PCA-10 (0.680)"),
    ],
)
def test_verdict_compares_with_the_best_baseline(score, said):
    baselines = {"raw": {"few_label_accuracy": 0.65}, "pca": {"few_label_accuracy": 0.68}, "pca50": {}}
    sentence = verdict(view_of(record({"few_label_accuracy": score}, baselines)))
    assert sentence == f"{said}, with the same labels."


def test_verdict_is_of_what_the_model_itself_predicts_where_it_does():
    metrics = {"accuracy": 0.98, "few_label_accuracy": 0.92}
    baselines = {"raw": {"few_label_accuracy": 0.6}, "umap": {"accuracy": 0.95, "few_label_accuracy": 0.99}}
    assert verdict(view_of(record(metrics, baselines))) == (
        "60 labels, accuracy 0.980: 3.0 points above the best baseline, semi-supervised UMAP (0.950), "
        "with the same labels."
    )


def test_verdict_without_baselines_or_without_few_labels():
    assert verdict(view_of(record({"few_label_accuracy": 0.5}))) == "60 labels, few-label accuracy 0.500."
    assert "kNN accuracy 0.750" in verdict(view_of(record({"few_label_accuracy": None, "knn_accuracy": 0.75})))


def test_neighbours_are_the_nearest_shown_rows_and_never_the_query():
    Z = np.arange(40.0)[:, None] ** 2  # the gap to the next row grows: lower rows are nearer
    view = view_of(
        record(
            Z_test=Z,
            y_test=np.arange(40) % 2,
            predicted_test=np.where(np.arange(40) == 20, 1, np.arange(40) % 2),
            shown_rows=np.arange(0, 40, 2),
            shown_inputs=np.zeros((20, 3)),
        )
    )
    asked = queries(view, np.flatnonzero(view.shown >= 0))
    assert {query.row for query in asked if query.mistaken} == {20}
    for query in asked:
        others = [row for row in range(0, 40, 2) if row != query.row]
        expected = sorted(others, key=lambda row: abs(row**2 - query.row**2))[:NEIGHBOURS]
        assert query.neighbours.tolist() == expected


def test_queries_cover_every_class():
    y = np.arange(60) % 6
    view = view_of(record(Z_test=np.eye(60), y_test=y, shown_rows=np.arange(60), shown_inputs=np.zeros((60, 2))))
    assert sorted(y[query.row] for query in queries(view, np.arange(60))) == [0, 1, 2, 3, 4, 5]


def test_terms_are_found_under_either_prefix():
    history = [{"epoch": 1, "train_metric": 1.0}, {"epoch": 2, "held_out_kl": 2.0, "held_out_metric": 3.0}]
    assert terms_of(history) == ["metric", "kl"]


def test_labels_of_every_kind_are_read():
    view = view_of(record(y_test=np.array([7, -1, 3, 7])))
    assert (view.names, view.true.tolist()) == (["3", "7"], [1, -1, 0, 1])
    words = view_of(record(y_test=np.array(["b", "", "a", "b"]), predicted_test=np.array(["b", "a", "c", "a"])))
    assert (words.names, words.true.tolist()) == (["a", "b", "c"], [1, -1, 0, 1])
    assert words.wrong.tolist() == [False, False, True, True]


def test_long_lists_are_abridged_in_the_settings():
    assert _abridged({"rows": list(range(60_000))})["rows"][-1] == "… 59,988 more in config.json"
    assert _abridged([1, 2]) == [1, 2]
