"""The table of scores: order, groups, columns, and a word for every metric there is."""

import math

import numpy as np

from semimetric.evaluation import evaluate, evaluate_prediction, score_table


def test_every_metric_has_a_place_a_label_and_an_explanation():
    Z, y = np.arange(20.0).reshape(10, 2), [0, 1] * 5
    scores = evaluate(Z, y, Z_labelled=Z, y_labelled=y, n_triplets=10)
    scores |= evaluate_prediction(np.full((10, 2), 0.5), [0, 1], y)
    rows = score_table(scores)
    assert {row.key for row in rows} == set(scores)
    assert all(row.values == {"model": scores[row.key]} for row in rows)
    assert all(row.label and row.explanation and row.group != "Other" for row in rows)
    assert len({(row.group, row.label) for row in rows}) == len(rows)


def test_groups_follow_one_another_in_a_fixed_order():
    keys = (
        "triplet_accuracy",
        "cluster_ami",
        "map_at_r",
        "knn_ami",
        "few_label_mlp_ami",
        "few_label_accuracy",
    )
    rows = score_table(dict.fromkeys(keys, 0.5))
    assert [row.key for row in rows] == [
        *("few_label_accuracy", "few_label_mlp_ami", "knn_ami", "map_at_r", "cluster_ami", "triplet_accuracy")
    ]
    assert [row.group for row in rows] == [
        "With the given labels alone",
        "With the given labels alone",
        "Probes trained on half of the test labels",
        "Retrieval",
        "Clusters",
        "Triplets",
    ]


def test_columns_are_the_model_then_the_baselines_with_gaps():
    rows = score_table({"map_at_r": 0.5}, {"raw": {"map_at_r": 0.25, "knn_ami": 0.75}, "pca": {}})
    assert [(row.key, row.values) for row in rows] == [
        ("knn_ami", {"model": None, "raw": 0.75, "pca": None}),
        ("map_at_r", {"model": 0.5, "raw": 0.25, "pca": None}),
    ]


def test_undefined_is_nan_and_not_missing():
    (row,) = score_table({"knn_ami": None}, {"raw": {"knn_ami": math.nan}})
    assert all(math.isnan(value) for value in row.values.values())


def test_other_numbers_come_last_under_their_own_name():
    rows = score_table({"shoe_size": 43.0, "knn_ami": 0.5, "vae_loss": 104.7})
    assert [(row.label, row.group) for row in rows][1:] == [
        ("VAE loss: error of a sample + KL", "Likelihood, per row"),
        ("shoe size", "Other"),
    ]
