"""Probes: the split, and agreement with scikit-learn used by hand."""

import math

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from semimetric.evaluation import probes
from semimetric.evaluation.probes import (
    MLP_ROW_VISITS,
    PROBES,
    check_probes,
    make_probe,
    predict_in_blocks,
    probe_scores,
    stratified_halves,
)


@pytest.fixture
def halves():
    random = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 40)
    Z = random.normal(size=(120, 4)) + random.normal(size=(3, 4))[y]
    return (Z[::2], y[::2]), (Z[1::2], y[1::2])


@pytest.mark.parametrize("seed", range(20))
def test_halves_share_every_class_equally_and_cover_all_rows(seed):
    codes = np.random.default_rng(seed).choice(6, size=101, p=[0.4, 0.3, 0.2, 0.05, 0.03, 0.02])
    fit, score = stratified_halves(codes, seed=seed)
    assert sorted([*fit, *score]) == list(range(101))
    sizes = np.bincount(codes, minlength=6)
    in_fit = np.bincount(codes[fit], minlength=6)
    paired = sizes > 1
    assert (np.abs(2 * in_fit - sizes)[paired] <= 1).all()
    assert abs(2 * in_fit[paired].sum() - sizes[paired].sum()) <= 1
    assert (in_fit[sizes == 1] == 1).all()


def test_halves_depend_on_the_seed_and_only_on_it():
    codes = np.arange(40) % 4
    first, again, other = (stratified_halves(codes, seed=seed)[0].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_knn_and_linear_equal_scikit_learn_by_hand(halves):
    (Z, y), (Z_test, y_test) = halves
    predicted = KNeighborsClassifier(7).fit(Z, y).predict(Z_test)
    expected = (np.mean(predicted == y_test), adjusted_mutual_info_score(y_test, predicted))
    assert probe_scores("knn", *halves, n_neighbors=7) == pytest.approx(expected, abs=1e-15)

    scaler = StandardScaler().fit(Z)
    linear = LogisticRegression(max_iter=1000).fit(scaler.transform(Z), y)
    assert probe_scores("linear", *halves)[0] == linear.score(scaler.transform(Z_test), y_test)


def test_mlp_and_linear_do_not_feel_the_units(halves):
    stretch = np.array([1e-3, 1.0, 1e2, 1e4])
    stretched = [(Z * stretch, y) for Z, y in halves]
    for name in ("mlp", "linear"):
        assert probe_scores(name, *stretched) == pytest.approx(probe_scores(name, *halves), abs=0.05)


@pytest.mark.parametrize("name", PROBES)
def test_each_probe_learns_what_can_be_learned_and_no_more(name):
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    Z = random.normal(size=(200, 2)) + 8.0 * y[:, None]
    fit, score = stratified_halves(y)
    assert probe_scores(name, (Z[fit], y[fit]), (Z[score], y[score])) == (1.0, pytest.approx(1.0))
    shuffled = random.permutation(y)
    accuracy, ami = probe_scores(name, (Z[fit], shuffled[fit]), (Z[score], shuffled[score]))
    assert accuracy < 0.75
    assert ami < 0.2


@pytest.mark.parametrize("name", PROBES)
def test_one_class_to_fit_on_predicts_that_class(name):
    test = (np.array([[0.0], [1.0], [2.0]]), np.array([3, 3, 5]))
    accuracy, ami = probe_scores(name, (np.array([[0.0], [1.0]]), np.array([3, 3])), test)
    assert accuracy == pytest.approx(2 / 3)
    assert ami == 0.0


def test_no_rows_is_undefined():
    empty, some = (np.empty((0, 2)), np.empty(0, dtype=int)), (np.eye(2), np.array([0, 1]))
    for train, test in ((empty, some), (some, empty)):
        assert all(map(math.isnan, probe_scores("knn", train, test)))


def test_many_rows_bound_the_work():
    assert make_probe("mlp", 5000)[-1].max_iter == 200
    assert make_probe("mlp", 50_000)[-1].max_iter == MLP_ROW_VISITS // 50_000
    assert make_probe("forest", 10_000).max_samples is None
    assert make_probe("forest", 50_000).max_samples == 10_000


def test_unknown_probe_names_the_nearest():
    with pytest.raises(ValueError, match=r"probes holds 'forrest', which is no probe; did you mean 'forest'\?"):
        check_probes(["knn", "forrest"])
    with pytest.raises(ValueError, match=r"probes is 'knn'; it must be a tuple such as \('knn',\)"):
        check_probes("knn")


@pytest.mark.parametrize("name", PROBES)
def test_predictions_in_blocks_are_those_made_at_once(monkeypatch, name):
    random = np.random.default_rng(0)
    y = random.integers(5, size=300)
    Z = random.normal(size=(300, 3)) + y[:, None]
    halves = (Z[::2], y[::2]), (Z[1::2], y[1::2])
    at_once = probe_scores(name, *halves)
    seen = []

    def small_blocks(predict, Z, classes):
        seen.append(classes)
        with monkeypatch.context() as patch:
            patch.setattr(probes, "CELLS", 7 * classes)
            return predict_in_blocks(lambda rows: seen.append(len(rows)) or predict(rows), Z, classes)

    monkeypatch.setattr(probes, "predict_in_blocks", small_blocks)
    assert probe_scores(name, *halves) == at_once
    assert seen == [5] + [7] * 21 + [3]


def test_a_forest_too_large_is_grown_a_few_trees_at_a_time(monkeypatch):
    random = np.random.default_rng(0)
    y = random.integers(10, size=1000)
    Z = random.normal(size=(1000, 4)) + y[:, None] / 2
    halves = (Z[::2], y[::2]), (Z[1::2], y[1::2])
    whole = probe_scores("forest", *halves)
    grown, fit = [], RandomForestClassifier.fit

    def spy(forest, *data):
        grown.append((forest.n_estimators, forest.random_state))
        fit(forest, *data)
        assert sum(tree.tree_.value.nbytes for tree in forest) < probes.FOREST_BYTES
        return forest

    monkeypatch.setattr(RandomForestClassifier, "fit", spy)
    monkeypatch.setattr(probes, "FOREST_BYTES", 2**20)
    monkeypatch.setattr(probes, "CELLS", 990)
    few = probe_scores("forest", *halves)
    assert few == probe_scores("forest", *halves)
    groups = grown[: len(grown) // 2]
    assert sum(trees for trees, _ in groups) == 100
    assert len({seed for _, seed in groups}) == len(groups) > 3
    assert few == pytest.approx(whole, abs=0.03)


def test_with_very_many_classes_the_mlp_and_the_linear_probe_see_a_stratified_part(monkeypatch):
    codes = np.repeat(np.arange(40), 16)
    monkeypatch.setattr(probes, "CELLS", 640 * 40 // 3)
    kept = probes._few_enough(codes, 40, 0)
    assert np.bincount(codes[kept]).tolist() == [4] * 40
    assert len(probes._few_enough(np.arange(640), 640, 0)) == 640  # a row for each class, and none to spare
    random = np.random.default_rng(0)
    Z = random.normal(size=(640, 6)) + 30 * random.normal(size=(40, 6))[codes]
    assert probe_scores("linear", (Z, codes), (Z, codes))[0] > 0.95
