"""Rows to label next: none that has a label, spread out, and where the model is in doubt."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans

from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def labels(digits):
    return hide_labels(digits.y_train, count=20, seed=0)


@pytest.fixture(scope="module", params=["best", "dml-autoencoder"])
def embedder(request, digits, labels):
    return MetricEmbedder(request.param, epochs=4, random_state=0).fit(digits.X_train, labels)


def doubt_of(embedder, X):
    return embedder._doubt(embedder.transform(X), embedder._told(X))


def test_rows_without_a_label_each_once(embedder, digits, labels):
    rows = embedder.suggest(digits.X_train, 30, labels)
    assert rows.shape == (30,)
    assert len(set(rows.tolist())) == 30
    assert (labels[rows] == -1).all()


def test_what_the_fit_knew_is_not_suggested(embedder, digits, labels):
    unlabelled = np.flatnonzero(labels == -1)
    rows = embedder.suggest(digits.X_train, len(unlabelled))
    assert sorted(rows.tolist()) == unlabelled.tolist()
    with pytest.raises(
        ValueError, match=rf"between 1 and the {len(unlabelled)} rows that are left to suggest, got 1198"
    ):
        embedder.suggest(digits.X_train, len(digits.X_train))


def test_nor_are_copies_of_it(embedder, digits, labels):
    labelled, others = np.flatnonzero(labels != -1), np.flatnonzero(labels == -1)[:30]
    X = np.concatenate([digits.X_train[others], digits.X_train[np.repeat(labelled, 3)]])
    assert sorted(embedder.suggest(X, 30).tolist()) == list(range(30))
    with pytest.raises(ValueError, match="every row of X has a label, or lies where a labelled row lies"):
        embedder.suggest(X[30:], 1)
    y = np.full(len(X), -1)
    y[:10] = 0
    assert sorted(embedder.suggest(X, 20, y).tolist()) == list(range(10, 30))


def test_coincident_is_what_a_thousandth_of_the_spread_is_away(embedder, digits):
    """Against all differences in double precision, for rows just within and just beyond, in any unit."""
    Z, labelled = embedder.transform(digits.X_train), embedder.labelled_embeddings_
    spread = np.sqrt(np.var(Z.astype(np.float64), axis=0).sum())
    moved = Z.copy()
    moved[: 2 * len(labelled)] = np.tile(labelled, (2, 1))
    moved[: len(labelled), 0] += 0.5e-3 * spread
    moved[len(labelled) : 2 * len(labelled), 0] += 2e-3 * spread
    gaps = np.linalg.norm(moved[:, None].astype(np.float64) - labelled, axis=2).min(axis=1)
    expected = gaps <= 1e-3 * spread
    assert expected[: len(labelled)].all()
    assert not expected[len(labelled) : 2 * len(labelled)].any()
    assert (embedder._coincident(moved) == expected).all()


def test_the_same_again(embedder, digits, labels):
    assert (embedder.suggest(digits.X_train, 7, labels) == embedder.suggest(digits.X_train, 7, labels)).all()


def test_doubt_is_a_share_and_higher_where_predictions_are_wrong(embedder, digits, labels):
    doubt = doubt_of(embedder, digits.X_train)
    wrong = embedder.predict(digits.X_train) != digits.y_train
    assert 0 <= doubt.min() <= doubt.max() <= 1
    assert doubt[wrong].mean() > 1.2 * doubt[~wrong].mean()


def test_doubt_is_of_what_is_predicted_where_the_rows_own_inputs_tell_too(monkeypatch):
    """Of twenty numbers the first alone tells the class, and nothing is a cluster."""
    X = np.random.default_rng(0).normal(size=(400, 20)).astype(np.float32)
    y = np.where(np.arange(400) < 120, X[:, 0] > 0, -1)
    embedder = MetricEmbedder("best-fast", epochs=2, random_state=0).fit(X, y)
    assert embedder.spread_labels_.share
    used, of_rows = [], embedder._doubt
    monkeypatch.setattr(embedder, "_doubt", lambda Z, told: used.append(of_rows(Z, told)) or used[-1])
    embedder.suggest(X, 20, y)
    candidates = (y == -1) & ~embedder._coincident(embedder.transform(X))
    np.testing.assert_allclose(used, [1 - embedder.predict_proba(X)[candidates].max(axis=1)], rtol=1e-5, atol=1e-7)


def test_most_suggestions_are_where_the_doubt_is(embedder, digits, labels, monkeypatch):
    """Rows of one half of the space are a hundred times as doubtful as those of the other."""
    monkeypatch.setattr(embedder, "_doubt", lambda Z, told: np.where(Z[:, 0] > np.median(Z[:, 0]), 1, 0.01))
    Z = embedder.transform(digits.X_train)
    rows = embedder.suggest(digits.X_train, 20, labels)
    assert (Z[rows, 0] > np.median(Z[:, 0])).mean() >= 0.75


def test_they_are_spread_over_the_classes(embedder, digits, labels):
    rows = embedder.suggest(digits.X_train, 40, labels)
    assert len(set(digits.y_train[rows].tolist())) >= 8


def test_all_that_are_left(embedder, digits):
    y = digits.y_train.copy()
    y[[3, 5, 8]] = -1
    assert sorted(embedder.suggest(digits.X_train, 3, y).tolist()) == [3, 5, 8]


def test_duplicates_are_suggested_all_the_same(embedder, digits):
    rows = embedder.suggest(np.repeat(digits.X_train[:2], 10, axis=0), 5)
    assert len(set(rows.tolist())) == 5


@pytest.mark.parametrize("n", [0, -1, 2.5, True, 1_000_000])
def test_a_number_that_cannot_be(embedder, digits, n):
    with pytest.raises(ValueError, match="n must be between 1 and the"):
        embedder.suggest(digits.X_train, n)


def test_labels_of_other_rows(embedder, digits, labels):
    with pytest.raises(ValueError, match="X has 5 rows: give one label per row"):
        embedder.suggest(digits.X_train[:5], 2, labels)


def test_without_any_label_rows_are_spread_over_the_space(digits):
    embedder = MetricEmbedder("autoencoder", epochs=4, random_state=0).fit(digits.X_train)
    rows = embedder.suggest(digits.X_train, 30)
    assert len(set(digits.y_train[rows].tolist())) >= 8


def test_without_clusters_they_are_the_middles_of_weighted_k_means(embedder, digits, labels, monkeypatch):
    spread = embedder.spread_labels_
    reached = spread and replace(spread, clusters=np.full(len(digits.X_train), -1))
    monkeypatch.setattr(embedder, "spread_labels_", reached)
    rows = embedder.suggest(digits.X_train, 12, labels)
    others = np.flatnonzero(labels == -1)
    Z = embedder.transform(digits.X_train)[others]
    doubt = np.maximum(doubt_of(embedder, digits.X_train[others]), 1e-6)
    groups = KMeans(12, n_init=3, random_state=0).fit(Z, sample_weight=doubt)
    totals = [doubt[groups.labels_ == group].sum() for group in range(12)]
    middles = others[groups.transform(Z).argmin(axis=0)]
    assert rows.tolist() == middles[np.argsort(-np.array(totals), kind="stable")].tolist()


# Clusters that no label reached -----------------------------------------------------------------------

KIND = np.repeat([0, 1, 2, 3], [60, 60, 50, 70])


@pytest.fixture(scope="module")
def clouds():
    """Four clouds of rows, of the first two of which five have labels, and "best" fitted on them."""
    X = 12 * np.eye(6)[KIND] + np.random.default_rng(0).normal(size=(len(KIND), 6))
    y = np.where((KIND < 2) & (np.arange(len(KIND)) % 12 == 0), KIND, -1)
    embedder = MetricEmbedder("best", epochs=9, random_state=0).fit(X, y)
    assert np.array_equal(embedder.spread_labels_.clusters, np.array([-1, -1, 1, 0])[KIND])
    return X, y, embedder


def test_the_middle_row_of_each_cluster_comes_first(clouds):
    X, y, embedder = clouds
    Z = embedder.transform(X)
    middles = []
    for members in (np.flatnonzero(KIND == 3), np.flatnonzero(KIND == 2)):  # the larger first
        middles.append(members[np.linalg.norm(Z[members] - Z[members].mean(axis=0), axis=1).argmin()])
    for n in (1, 2, 10):
        assert embedder.suggest(X, n, y)[:2].tolist() == middles[:n]


@pytest.fixture
def doubtful(clouds, monkeypatch):
    """The embedder, certain of the second cloud, in some doubt about the first and in much about the clusters."""
    embedder = clouds[2]
    spread = embedder.spread_labels_

    def doubt(Z, told):
        of_first = spread.probabilities(Z)[:, 0] > 0.5
        return np.where(spread.clusters_of(Z) >= 0, 0.5, np.where(of_first, 0.1, 0))

    monkeypatch.setattr(embedder, "_doubt", doubt)
    return embedder


def test_one_row_of_a_cluster_is_enough_while_others_are_in_doubt(clouds, doubtful):
    X, y, _ = clouds
    assert KIND[doubtful.suggest(X, 12, y)].tolist() == [3, 2] + [0] * 10


def test_a_cluster_that_has_a_label_since_needs_none(clouds, doubtful):
    X, y, _ = clouds
    since = y.copy()
    since[np.flatnonzero(KIND == 3)[5]] = 9
    assert KIND[doubtful.suggest(X, 4, since)].tolist() == [2, 0, 0, 0]


def test_the_rest_of_the_clusters_is_suggested_where_nothing_else_is_left(clouds):
    X, y, embedder = clouds
    assert sorted(embedder.suggest(X, (y == -1).sum(), y).tolist()) == np.flatnonzero(y == -1).tolist()
