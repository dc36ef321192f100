"""The whole evaluation: its keys, what each half of the protocol sees, invariances and degenerate data."""

import math

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from semimetric.evaluation import evaluate, map_at_r, recall_at_1
from semimetric.evaluation.probes import PROBES

OWN_KEYS = {
    *(f"{probe}_{score}" for probe in PROBES for score in ("accuracy", "ami")),
    *("recall_at_1", "map_at_r", "cluster_accuracy", "cluster_nmi", "cluster_ami"),
    *("triplet_accuracy", "triplet_order_accuracy"),
}
FEW_LABEL_KEYS = {
    *("few_label_accuracy", "few_label_ami"),
    *(f"few_label_{probe}_{score}" for probe in PROBES[1:] for score in ("accuracy", "ami")),
}


def clouds(rows, seed, spread=1.5):
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(3, 4))
    y = np.arange(rows) % 3
    return random.normal(size=(rows, 4)) + spread * centres[y], y


@pytest.fixture(scope="module")
def test_split():
    return clouds(150, seed=0)


@pytest.fixture(scope="module")
def train_split():
    return clouds(300, seed=1)


def quick(Z, y, **options):
    return evaluate(Z, y, probes=("knn",), n_triplets=500, **options)


def test_keys_and_plain_floats(test_split, train_split):
    scores = evaluate(*test_split, n_triplets=500)
    assert set(scores) == OWN_KEYS
    scores = evaluate(*test_split, Z_labelled=train_split[0][:9], y_labelled=train_split[1][:9], n_triplets=9)
    assert set(scores) == OWN_KEYS | FEW_LABEL_KEYS
    assert {type(value) for value in scores.values()} == {float}
    assert all(-0.1 <= value <= 1 for value in scores.values())


def test_a_perfect_embedding_scores_one_everywhere():
    Z = np.repeat(20.0 * np.eye(3), 10, axis=0) + np.random.default_rng(0).normal(scale=0.1, size=(30, 3))
    y = np.repeat(["ant", "bee", "cow"], 10)
    scores = evaluate(Z, y, Z_labelled=20.0 * np.eye(3), y_labelled=["ant", "bee", "cow"])
    # Three rows, one of each class, are too few for a forest's bootstrap samples to hold all of them.
    rest = {key: value for key, value in scores.items() if not key.startswith("few_label_forest")}
    assert rest == pytest.approx(dict.fromkeys(rest, 1.0), abs=1e-12)


def test_a_collapsed_embedding_scores_as_chance():
    y = np.repeat([0, 1], 50)
    scores = evaluate(np.full((100, 2), 0.3), y, Z_labelled=np.full((2, 2), 0.3), y_labelled=[0, 1])
    zero = {key for key in scores if key.endswith(("ami", "nmi"))}
    zero |= {"recall_at_1", "map_at_r", "triplet_accuracy", "triplet_order_accuracy"}
    assert {key: scores[key] for key in zero} == pytest.approx(dict.fromkeys(zero, 0.0), abs=1e-12)
    assert {scores[key] for key in scores if key not in zero} == {0.5}


def test_retrieval_is_that_of_the_functions(test_split):
    scores = quick(*test_split)
    assert scores["recall_at_1"] == recall_at_1(*test_split)
    assert scores["map_at_r"] == map_at_r(*test_split)


@pytest.mark.parametrize(("labels", "neighbours"), [(12, 1), (100, 1), (101, 5), (300, 5)])
def test_few_label_scores_equal_scikit_learn_on_the_labelled_rows(test_split, train_split, labels, neighbours):
    Z_train, y_train = train_split
    hidden = np.where(np.arange(300) < labels, y_train, -1)
    scores = quick(*test_split, Z_labelled=Z_train, y_labelled=hidden)
    knn = KNeighborsClassifier(neighbours).fit(Z_train[:labels], y_train[:labels])
    predicted = knn.predict(test_split[0])
    assert scores["few_label_accuracy"] == np.mean(predicted == test_split[1])
    assert scores["few_label_ami"] == pytest.approx(adjusted_mutual_info_score(test_split[1], predicted))


def test_few_label_probes_may_differ_from_the_others(test_split):
    Z, y = test_split
    scores = quick(Z, y, Z_labelled=Z, y_labelled=y, few_label_probes=("linear",), clusters=False)
    assert {key for key in scores if "label" in key} == {"few_label_linear_accuracy", "few_label_linear_ami"}
    assert {"knn_accuracy"} == {key for key in scores if key.endswith("accuracy")} - {
        "few_label_linear_accuracy",
        "triplet_accuracy",
        "triplet_order_accuracy",
    }


def test_classes_without_a_labelled_row_count_as_errors(test_split):
    Z, y = test_split
    scores = quick(Z, y, Z_labelled=Z[:2], y_labelled=[0, 0])
    assert scores["few_label_accuracy"] == pytest.approx(1 / 3)
    assert scores["few_label_ami"] == 0.0


def test_the_seed_decides_everything_drawn(test_split, train_split):
    options = {"Z_labelled": train_split[0], "y_labelled": train_split[1], "n_triplets": 500}
    first = evaluate(*test_split, seed=1, **options)
    assert evaluate(*test_split, seed=1, **options) == first
    other = evaluate(*test_split, seed=2, **options)
    drawn = {"knn_accuracy", "forest_accuracy", "triplet_accuracy"}
    assert all(first[key] != other[key] for key in drawn)
    assert all(first[key] == other[key] for key in ("map_at_r", "recall_at_1", "few_label_accuracy"))


def test_names_of_classes_and_form_of_labels_do_not_matter(test_split, train_split):
    names = np.array(["zebra", "ant", "cow"])
    Z, y = test_split
    Z_train, y_train = train_split
    expected = evaluate(Z, y, Z_labelled=Z_train, y_labelled=y_train, n_triplets=500)
    for rename in (
        lambda v: names[v],
        lambda v: names[v].tolist(),
        lambda v: 7 - v,
        lambda v: v.astype(float),
    ):
        renamed = evaluate(Z, rename(y), Z_labelled=Z_train, y_labelled=rename(y_train), n_triplets=500)
        assert renamed == expected


def test_moving_and_scaling_change_nothing_but_the_margin(test_split, train_split):
    Z, y = test_split
    Z_train, y_train = train_split
    expected = quick(Z, y, margin=0.25, Z_labelled=Z_train, y_labelled=y_train)
    moved = quick(Z * 2.0**70, y, margin=2.0**68, Z_labelled=Z_train * 2.0**70, y_labelled=y_train)
    assert moved == pytest.approx(expected, abs=1e-12)
    shifted = quick(Z + 1000.0, y, margin=0.25, Z_labelled=Z_train + 1000.0, y_labelled=y_train)
    assert shifted == pytest.approx(expected, abs=1e-12)


def test_unlabelled_rows_are_left_out(test_split, train_split):
    Z, y = test_split
    hidden = np.where(np.arange(150) % 5 == 0, -1, y)
    kept = hidden != -1
    options = {"Z_labelled": train_split[0][:20], "y_labelled": train_split[1][:20]}
    expected = quick(Z[kept], y[kept], **options)
    assert quick(Z, hidden, **options) == expected
    some_none = np.array([None if label == -1 else int(label) for label in hidden], dtype=object)
    assert quick(Z, some_none, **options) == expected


def test_one_class_is_undefined_and_the_given_labels_still_count():
    Z = np.random.default_rng(0).normal(size=(20, 2))
    scores = evaluate(Z, ["a"] * 20, Z_labelled=[[0.0, 0.0], [1.0, 1.0]], y_labelled=["a", "a"])
    assert set(scores) == OWN_KEYS | FEW_LABEL_KEYS
    assert {key for key, value in scores.items() if math.isnan(value)} == OWN_KEYS
    assert scores["few_label_accuracy"] == 1.0


def test_no_labelled_training_row_is_undefined(test_split):
    Z, y = test_split
    for labels in ([-1] * 150, [None] * 150):
        scores = evaluate(Z, y, Z_labelled=Z, y_labelled=labels, probes=("knn", "mlp"), n_triplets=9)
        few = [scores[key] for key in scores if key.startswith("few_label")]
        assert len(few) == 4
        assert all(map(math.isnan, few))


@pytest.mark.parametrize("y", [[0], [0, 1], [0, 0, 1], [0, 1, 2, 2], [0, 0, 0, 0, 1]])
def test_tiny_data_gives_every_key(y):
    Z = np.arange(2.0 * len(y)).reshape(-1, 2)
    scores = evaluate(Z, y, Z_labelled=Z, y_labelled=y, n_triplets=10)
    assert set(scores) == OWN_KEYS | FEW_LABEL_KEYS
    assert scores["few_label_accuracy"] == 1.0
