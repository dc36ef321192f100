"""Preset "best": few labels spread over many rows, and predictions from what was found."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.neighbors import KNeighborsClassifier

from semimetric import MetricEmbedder
from semimetric.data import hide_labels
from semimetric.errors import ModelFileError
from semimetric.estimator.spread import SpreadLabels
from semimetric.losses import PyTorchMetricLearning
from semimetric.training import SelfTraining


@pytest.fixture(scope="module")
def few_digits(digits):
    return digits.X_train, hide_labels(digits.y_train, count=50, seed=0)


@pytest.fixture(scope="module")
def fitted(few_digits):
    return MetricEmbedder("best", epochs=20, learning_rate=3e-3, random_state=0).fit(*few_digits)


def quick(preset="best", **parameters):
    return MetricEmbedder(preset, **{"epochs": 3, "latent_dim": 4, "random_state": 0} | parameters)


def found(embedder):
    """The likeliest class of each training row."""
    return embedder.classes_[embedder.spread_labels_.distributions.argmax(axis=1)]


# What it finds ----------------------------------------------------------------------------------------


def test_it_finds_most_labels_of_the_training_rows_and_of_new_ones(fitted, few_digits, digits):
    X, y = few_digits
    hidden = y < 0
    flat = X.reshape(len(X), -1)
    pixels = KNeighborsClassifier(1).fit(flat[~hidden], y[~hidden])
    baseline = pixels.score(flat[hidden], digits.y_train[hidden])
    of_rows = (found(fitted) == digits.y_train)[hidden].mean()
    assert of_rows > max(0.9, baseline + 0.02)
    new = fitted.score(digits.X_test, digits.y_test)
    assert new > pixels.score(digits.X_test.reshape(len(digits.X_test), -1), digits.y_test) + 0.02
    assert fitted.score(X[hidden], digits.y_train[hidden]) == pytest.approx(of_rows, abs=0.02)


def test_it_is_self_trained_and_holds_nothing_out(fitted):
    terms = [set(row) for row in fitted.history_]
    first, later = {"epoch", "train_contrast", "train_metric"}, {"epoch", "train_metric"}
    assert terms == [first] * 7 + [later] * 13
    assert (fitted.best_epoch_, fitted.stopped_) == (20, "finished")
    settings = fitted.settings_
    assert (settings["routine"], settings["validation_share"]) == ("self-training", 0.0)


def test_what_is_kept_of_the_training_rows(fitted, few_digits):
    X, _ = few_digits
    spread = fitted.spread_labels_
    np.testing.assert_allclose(spread.embeddings, fitted.transform(X), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(spread.embeddings, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(spread.distributions.sum(axis=1), 1, rtol=1e-5)
    assert (spread.embeddings.dtype, spread.distributions.dtype) == (np.float32, np.float32)


# Predictions ------------------------------------------------------------------------------------------


def by_hand(spread, Z, k):
    """Row by row: exp(−4 d² / d_k²) of the k nearest."""
    rows = []
    for z in Z.astype(np.float64):
        d = np.linalg.norm(spread.embeddings - z, axis=1)
        nearest = d.argsort(kind="stable")[:k]
        weights = np.exp(-4 * (d[nearest] / d[nearest][-1]) ** 2)
        rows.append(weights @ spread.distributions[nearest] / weights.sum())
    return np.array(rows)


@pytest.mark.parametrize("k", [None, 1, 4])
def test_probabilities_are_the_weighted_mean_over_the_nearest_training_rows(fitted, digits, k):
    Z = fitted.transform(digits.X_test[:40])
    spread = fitted.spread_labels_
    np.testing.assert_allclose(spread.probabilities(Z, k), by_hand(spread, Z, k or 20), rtol=1e-3, atol=1e-4)
    if k is None:
        np.testing.assert_allclose(fitted.predict_proba(digits.X_test[:40]), spread.probabilities(Z), rtol=1e-6)


def test_probabilities_sum_to_one_and_the_likeliest_is_predicted(fitted, digits):
    P = fitted.predict_proba(digits.X_test)
    assert P.shape == (599, 10)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert np.array_equal(fitted.predict(digits.X_test), fitted.classes_[P.argmax(axis=1)])


@pytest.fixture(scope="module", params=["straight", "curved"])
def told(request):
    """A model in which a classifier of the inputs has a share, and its training rows: one feature of twenty tells."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 20)).astype(np.float32)
    if request.param == "curved":
        X[:, 0] = np.sign(X[:, 0]) * (2 + 0.2 * np.abs(X[:, 0])) * (np.arange(400) % 2)
        X[:, 1:] *= 0.3
    y = np.where(np.arange(400) < 120, np.abs(X[:, 0]) > 1 if request.param == "curved" else X[:, 0] > 0, -1)
    return MetricEmbedder("best-fast", epochs=2, random_state=0).fit(X, y), X


def test_where_inputs_tell_more_neighbours_are_asked_and_the_rows_own_input_counts(told):
    embedder, X = told
    spread = embedder.spread_labels_
    assert 0 < spread.share <= 0.75
    assert spread.asked == round(20 / (1 - spread.share))
    around = by_hand(spread, embedder.transform(X), spread.asked)
    own = np.exp(spread.classifier(embedder.normaliser_(torch.from_numpy(X))))
    pooled = around ** (1 - spread.share / 2) * own ** (spread.share / 2)
    expected = pooled / pooled.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.predict_proba(X), expected, rtol=1e-3, atol=1e-4)
    assert np.abs(expected - around).max() > 0.01
    assert np.array_equal(embedder.predict(X), embedder.classes_[embedder.predict_proba(X).argmax(axis=1)])


def test_probabilities_and_clusters_may_be_asked_for_together(told):
    embedder, X = told
    P, clusters = embedder.predict_proba_and_cluster(X[:50])
    assert np.array_equal(P, embedder.predict_proba(X[:50]))
    assert np.array_equal(clusters, embedder.predict_cluster(X[:50]))


def test_what_the_inputs_tell_comes_back_from_the_file(told, tmp_path):
    embedder, X = told
    again = MetricEmbedder.load(embedder.save(tmp_path / "model"))
    assert np.array_equal(again.predict_proba(X), embedder.predict_proba(X))
    kept, there = (vars(each.spread_labels_.classifier) for each in (embedder, again))
    for name in kept.keys() - {"descriptor"}:
        assert np.array_equal(kept[name], there[name]), name


def test_of_images_it_comes_back_from_the_file_too(tmp_path):
    """Whether they are bright tells their class, and nothing they show does."""
    rng = np.random.default_rng(0)
    side = np.arange(120) % 2
    X = (rng.random((120, 14, 14, 3)) * 60 + 90 * side[:, None, None, None]).astype(np.uint8)
    embedder = MetricEmbedder("best-fast", epochs=2, random_state=0).fit(X, np.where(np.arange(120) < 60, side, -1))
    assert embedder.spread_labels_.classifier.descriptor.kind in ("pixels", "colours")
    again = MetricEmbedder.load(embedder.save(tmp_path / "model"))
    assert np.array_equal(again.predict_proba(X), embedder.predict_proba(X))
    assert embedder.score(X, side) > 0.95


SHARES, NONE = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32), np.full(4, -1)


def test_rows_at_one_place_count_the_same():
    """Not one of the weights is 0 / 0, and a query far away has neighbours too."""
    spread = SpreadLabels(np.zeros((4, 2), np.float32), SHARES, NONE)
    for z in ([[0.0, 0.0]], [[1e6, 0.0]]):
        np.testing.assert_allclose(spread.probabilities(np.array(z, np.float32)), [[0.75, 0.25]])
    assert spread.probabilities(np.empty((0, 2), np.float32)).shape == (0, 2)


def test_however_many_rows_are_asked_at_once(fitted, digits, monkeypatch):
    whole = fitted.predict_proba(digits.X_test[:50])
    monkeypatch.setattr("semimetric.estimator.spread.ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(fitted.predict_proba(digits.X_test[:50]), whole, rtol=1e-6)


def test_clusters_of_rows_are_those_of_the_training_rows_around_them(fitted, few_digits, monkeypatch):
    X, _ = few_digits
    left = fitted.spread_labels_.embeddings[:, 0] < 0  # as if no label had reached them
    clusters = np.where(left, 0, -1)
    monkeypatch.setattr(fitted, "spread_labels_", replace(fitted.spread_labels_, clusters=clusters))
    found = fitted.predict_cluster(X)
    assert (found == clusters).mean() > 0.9
    assert set(found) == {-1, 0}


def test_there_are_no_clusters_without_self_training(few_digits):
    X, y = few_digits
    embedder = quick("dml").fit(X[:200], y[:200])
    with pytest.raises(ValueError, match="predict_cluster needs a model fitted by self-training, such as"):
        embedder.predict_cluster(X[:3])


def test_kneighbors_are_still_labelled_rows(fitted, few_digits):
    X, y = few_digits
    distances, rows = fitted.kneighbors(X[:30], n_neighbors=5)
    assert (y[rows] >= 0).all()
    Z = fitted.transform(X)
    np.testing.assert_allclose(distances, np.linalg.norm(Z[:30, None] - Z[rows], axis=2), atol=2e-3)


# Labels of all kinds ----------------------------------------------------------------------------------


def test_classes_without_a_label_are_never_named(digits):
    """Six labels, of three classes; seven classes are nobody's."""
    y = np.full(300, -1)
    for c in (1, 4, 7):
        y[np.flatnonzero(digits.y_train[:300] == c)[:2]] = c
    embedder = quick().fit(digits.X_train[:300], y)
    assert embedder.classes_.tolist() == [1, 4, 7]
    assert set(embedder.predict(digits.X_test)) == {1, 4, 7}
    assert embedder.predict_proba(digits.X_test).shape == (599, 3)
    assert (found(embedder)[y >= 0] == y[y >= 0]).all()


def test_labels_may_be_words(few_digits):
    X, y = few_digits[0][:400], few_digits[1][:400]
    names = np.array(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])  # in the order of their numbers
    by_number, by_word = quick().fit(X, y), quick().fit(X, np.where(y >= 0, names[y], None))
    known = np.unique(y[y >= 0])
    assert by_word.classes_.tolist() == names[known].tolist()
    assert np.array_equal(by_word.predict(X), names[by_number.predict(X)])


def test_without_labels_it_says_so_and_draws_views_together(digits):
    with pytest.warns(UserWarning, match="y holds no labels: training without the metric loss"):
        embedder = quick().fit(digits.X_train[:200])
    assert [set(row) for row in embedder.history_] == [{"epoch", "train_contrast"}] * 3
    assert embedder.history_[-1]["train_contrast"] < embedder.history_[0]["train_contrast"]
    assert embedder.spread_labels_ is None
    for method in (embedder.predict, embedder.predict_proba, embedder.kneighbors):
        with pytest.raises(ValueError, match="the model was fitted without labels"):
            method(digits.X_test[:2])


def test_with_labels_of_one_class_only_neighbours_are_asked(digits):
    with pytest.warns(UserWarning, match="labels of one class only"):
        embedder = quick().fit(digits.X_train[:200], np.where(np.arange(200) < 5, 3, -1))
    assert embedder.spread_labels_ is None
    assert set(embedder.predict(digits.X_test)) == {3}


@pytest.mark.parametrize("n", [3, 6, 11])
def test_fewer_rows_than_neighbours(n):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 3)), np.arange(n) % 2
    y[2:4] = -1
    X[y == 1] += 5
    embedder = quick(latent_dim=2).fit(X, y)
    assert np.isfinite(embedder.transform(X)).all()
    np.testing.assert_allclose(embedder.predict_proba(X).sum(axis=1), 1)
    assert set(embedder.predict(X)) <= {0, 1}


def test_one_row_is_its_own_neighbour():
    with pytest.warns(UserWarning, match="labels of one class only"):
        embedder = quick(latent_dim=2).fit([[1.0, 2.0, 3.0]], [4])
    assert embedder.predict([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]).tolist() == [4, 4]


# With other presets, other routines ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("dml", {"metric"}),
        ("dml-autoencoder", {"reconstruction", "metric"}),
        ("metric-vae", {"reconstruction", "kl", "metric"}),
        ("autoencoder", {"reconstruction"}),
    ],
)
def test_other_presets_are_self_trained_too(few_digits, digits, preset, expected):
    X, y = few_digits[0][:300], few_digits[1][:300]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder = quick(preset, routine="self-training").fit(X, y)
    terms = [{key.removeprefix("train_") for key in row if key.startswith("train_")} for row in embedder.history_]
    assert terms == [expected] * 3
    assert np.isfinite(embedder.transform(X)).all()
    assert embedder.score(digits.X_test, digits.y_test) > 0.2  # chance: 0.1
    P = embedder.predict_proba(digits.X_test)
    spread = embedder.spread_labels_
    told = spread.classifier and spread.classifier(embedder.normaliser_(torch.from_numpy(digits.X_test)[:, None]))
    np.testing.assert_allclose(P, spread.probabilities(embedder.transform(digits.X_test), told=told), rtol=1e-5)


def test_by_another_routine_labels_are_not_spread(few_digits):
    X, y = few_digits[0][:300], few_digits[1][:300]
    embedder = quick(routine="joint").fit(X, y)
    assert embedder.spread_labels_ is None
    assert [set(row) for row in embedder.history_] == [{"epoch", "train_contrast", "train_metric"}] * 3
    rows = np.flatnonzero(y >= 0)
    assert np.array_equal(embedder.predict(X[rows]), y[rows])


class Mine(SelfTraining):
    """A routine of one's own, which is self-training all the same."""


def test_one_s_own_kind_of_self_training_spreads_labels(few_digits, tmp_path):
    X, y = few_digits[0][:300], few_digits[1][:300]
    own, known = quick("dml", routine=Mine).fit(X, y), quick("dml", routine="self-training").fit(X, y)
    assert np.array_equal(own.predict_proba(X), known.predict_proba(X))
    again = MetricEmbedder.load(own.save(tmp_path / "model"))
    assert np.array_equal(again.predict_proba(X), own.predict_proba(X))


@pytest.mark.parametrize("preset", ["best", "dml-autoencoder"])
def test_no_average_is_an_average_of_nothing(few_digits, preset):
    X, y = few_digits[0][:300], few_digits[1][:300]
    default, none, long = (quick(preset, **given).fit(X, y) for given in ({}, {"averaging": 0}, {"averaging": 0.99}))
    assert np.array_equal(default.transform(X), none.transform(X))
    assert not np.array_equal(long.transform(X), none.transform(X))


@pytest.mark.parametrize("averaging", [-0.1, 1.0, float("nan"), True, "0.9"])
def test_an_average_that_cannot_be_is_refused(averaging, digits):
    with pytest.raises((ValueError, TypeError), match=r"^averaging must be (a number )?at least 0 and below 1, got"):
        MetricEmbedder(averaging=averaging).fit(digits.X_train[:100])


# Files ------------------------------------------------------------------------------------------------


def test_what_was_spread_comes_back_from_the_file(fitted, digits, tmp_path):
    again = MetricEmbedder.load(fitted.save(tmp_path / "model"))
    for name, part in vars(fitted.spread_labels_).items():
        assert np.array_equal(getattr(again.spread_labels_, name), part), name
    assert np.array_equal(again.predict_proba(digits.X_test), fitted.predict_proba(digits.X_test))
    assert np.array_equal(again.predict(digits.X_test), fitted.predict(digits.X_test))
    found, expected = again.kneighbors(digits.X_test), fitted.kneighbors(digits.X_test)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def damage(path, change):
    """Write other tensors under a checksum that is right."""
    import hashlib
    import json

    from semimetric.estimator.modelfile import _envelope

    file = path / "weights.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    body = json.loads((path / "model.json").read_text())["body"]
    body |= {
        "weights_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "weights_bytes": file.stat().st_size,
    }
    (path / "model.json").write_bytes(_envelope(body))


E, P, C, S = "spread.embeddings", "spread.distributions", "spread.clusters", "spread.share"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop(E),
        lambda t: t.pop(P),
        lambda t: t.pop(C),
        lambda t: t.update({C: t[C][1:].clone()}),
        lambda t: t.update({C: t[C].float()}),
        lambda t: t.update({E: t[E][:, 1:].clone()}),
        lambda t: t.update({E: t[E][1:].clone()}),
        lambda t: t.update({P: t[P][:, 1:].clone()}),
        lambda t: t.update({P: t[P][1:].clone()}),
        lambda t: t.update({P: t[P][:, 0].clone()}),
        lambda t: t.update({P: torch.tensor(0.5)}),
        lambda t: t.update({name: t[name][:0].clone() for name in (E, P, C)}),
        lambda t: t[C].fill_(-2),
        lambda t: t[C].fill_(2**40),
        lambda t: t.pop(S),
        lambda t: t[S].fill_(0.5),
        lambda t: t[S].fill_(float("nan")),
        lambda t: t.update({S: t[S].float()}),
        lambda t: t.update({S: t[S][None]}),
    ],
    ids=[
        "no embeddings", "no distributions", "no clusters", "one not said", "parts of clusters",
        "a dimension less", "a row less", "a class less", "a row unsaid", "no classes", "a number", "no rows",
        "a cluster before the first", "a cluster beyond all",
        "no share", "a share of nobody", "a share that is no number", "a rough share", "several shares",
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(fitted, tmp_path, change):
    path = fitted.save(tmp_path / "model")
    damage(path, lambda tensors: None)
    MetricEmbedder.load(path)
    damage(path, change)
    with pytest.raises(ModelFileError, match="does not describe a model of this version"):
        MetricEmbedder.load(path)


K = "spread.classifier."


@pytest.mark.parametrize(
    "change",
    [
        *(lambda t, name=name: t.pop(K + name) for name in ("kind", "size", "centre", "coefficients", "intercepts")),
        *(
            lambda t, name=name: t[K + name].fill_(float("nan"))
            for name in ("size", "centre", "coefficients", "ranges")
        ),
        *(lambda t, name=name: t.update({K + name: t[K + name][1:].clone()}) for name in ("centre", "intercepts")),
        *(lambda t, name=name: t.update({K + name: t[K + name].float()}) for name in ("kind", "size", "centre")),
        lambda t: t[K + "kind"].fill_(4),
        lambda t: t[K + "kind"].fill_(0),  # gradients of vectors
        lambda t: t[K + "size"].fill_(0),
        lambda t: t[K + "ranges"].fill_(0),
        lambda t: t.update({K + "axes": torch.zeros(3, 20)}),
        lambda t: t.update({K + "landmarks": torch.zeros(7, 20, dtype=torch.float64)}),
        lambda t: t.update({K + "stranger": torch.zeros(1)}),
        lambda t: t[S].fill_(0),
        lambda t: t[S].fill_(1),
    ],
)
def test_a_classifier_that_does_not_fit_is_refused(told, tmp_path, change):
    path = told[0].save(tmp_path / "model")
    damage(path, change)
    with pytest.raises(ModelFileError, match="does not describe a model of this version"):
        MetricEmbedder.load(path)


def test_a_loss_that_knows_no_weights_is_refused_before_anything_is_trained():
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning.losses import ContrastiveLoss

    embedder = MetricEmbedder("best", loss=PyTorchMetricLearning(ContrastiveLoss()))
    X = np.random.default_rng(0).random((20, 3))
    with pytest.raises(ValueError, match="which losses of pytorch-metric-learning cannot"):
        embedder.fit(X, np.arange(20) % 2)
