"""What `MetricEmbedder` gives its users: embeddings, neighbours, reconstructions, and what it learns."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from semimetric import MetricEmbedder
from semimetric.data import hide_labels
from semimetric.geometry import Lp, get_distance
from semimetric.presets import PRESETS


@pytest.fixture(scope="module")
def few_digits(digits):
    return digits.X_train[:600], hide_labels(digits.y_train[:600], count=50, seed=0)


@pytest.fixture(scope="module", params=sorted(PRESETS))
def fitted(request, few_digits):
    return MetricEmbedder(request.param, latent_dim=5, epochs=4, random_state=0).fit(*few_digits)


def test_embeddings_are_float32_of_the_latent_dimension(fitted, digits):
    Z = fitted.transform(digits.X_test)
    assert Z.dtype == np.float32
    assert Z.shape == (599, 5)


def test_embedding_a_row_does_not_depend_on_its_company(fitted, digits):
    together = fitted.transform(digits.X_test)
    alone = np.concatenate([fitted.transform(row[None]) for row in digits.X_test[:20]])
    np.testing.assert_allclose(alone, together[:20], rtol=1e-5, atol=1e-5)


def test_predictions_are_those_of_neighbours_among_the_labelled_embeddings(fitted, few_digits, digits):
    if fitted.spread_labels_ is not None:
        pytest.skip("predicts from all training rows: see test_best.py")
    X, y = few_digits
    rows = np.flatnonzero(y >= 0)
    by_hand = KNeighborsClassifier(1).fit(fitted.transform(X[rows]), y[rows])
    Z = fitted.transform(digits.X_test)
    assert np.array_equal(fitted.predict(digits.X_test), by_hand.predict(Z))


def test_predictions_are_the_likeliest_classes(fitted, digits):
    probabilities = fitted.predict_proba(digits.X_test)
    assert np.array_equal(fitted.classes_[probabilities.argmax(1)], fitted.predict(digits.X_test))
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities >= 0).all()


def test_five_neighbours_vote_among_more_than_a_hundred_labels(digits):
    X, y = digits.X_train[:600], digits.y_train[:600]
    embedder = MetricEmbedder("dml", epochs=2, random_state=0).fit(X, y)
    assert set(np.unique(embedder.predict_proba(digits.X_test) * 5)) <= set(range(6))
    assert set(np.unique(embedder.set_params(n_neighbors=3).predict_proba(digits.X_test).round(6))) <= {
        0,
        np.round(1 / 3, 6),
        np.round(2 / 3, 6),
        1,
    }


def test_kneighbors_names_rows_of_the_training_data(fitted, few_digits):
    X, y = few_digits
    labelled = np.flatnonzero(y >= 0)
    distances, rows = fitted.kneighbors(X[labelled], n_neighbors=3)
    assert np.array_equal(rows[:, 0], labelled)  # each labelled row is its own nearest
    assert (np.diff(distances, axis=1) >= 0).all()
    Z = fitted.transform(X)
    np.testing.assert_allclose(distances[:, 2], np.linalg.norm(Z[labelled] - Z[rows[:, 2]], axis=1), atol=2e-3)


def test_reconstructions_have_the_data_s_layout_and_units(few_digits):
    X, _ = few_digits
    pixels = (X[:250] * 255).astype(np.uint8)
    for given in (pixels, pixels[..., None], np.repeat(pixels[..., None], 3, axis=3), pixels[:, None]):
        embedder = MetricEmbedder("autoencoder", latent_dim=8, epochs=25, random_state=0).fit(given)
        back = embedder.inverse_transform(embedder.transform(given))
        assert back.shape == given.shape
        assert np.abs(back - given).mean() < 0.7 * np.abs(given.mean(0) - given).mean()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_reconstruction_error_falls_with_training(digits, likelihood):
    X = digits.X_train[:250]
    errors = [
        MetricEmbedder("autoencoder", likelihood=likelihood, epochs=n, random_state=0).fit(X).reconstruction_error(X)
        for n in (1, 25)
    ]
    assert errors[1] < 0.8 * errors[0]


def test_bernoulli_reconstructions_of_vectors_stay_within_the_data_s_range():
    X = np.random.default_rng(0).uniform(-5, 5, (300, 6))
    embedder = MetricEmbedder("autoencoder", likelihood="bernoulli", epochs=5, random_state=0).fit(X)
    back = embedder.inverse_transform(embedder.transform(X))
    assert X.min() - 1e-3 <= back.min() <= back.max() <= X.max() + 1e-3


def test_labels_shape_the_space(digits):
    """With labels, neighbours agree more than without: the point of the library, on a small scale."""
    X, y = digits.X_train, hide_labels(digits.y_train, count=100, seed=0)
    parameters = {"latent_dim": 4, "epochs": 10, "random_state": 0}
    with_labels = MetricEmbedder("dml-autoencoder", **parameters).fit(X, y)
    without = MetricEmbedder("autoencoder", **parameters).fit(X, y)
    assert with_labels.score(digits.X_test, digits.y_test) > without.score(digits.X_test, digits.y_test) + 0.05


def test_without_labels_it_says_so_and_trains_unsupervised(digits):
    with pytest.warns(UserWarning, match="y holds no labels: training without the metric loss"):
        embedder = MetricEmbedder(epochs=2, random_state=0).fit(digits.X_train[:200])
    assert "train_metric" not in embedder.history_[0]
    with pytest.warns(UserWarning, match=r"labels of one class only \(.*3.*\): training without"):
        MetricEmbedder(epochs=1, random_state=0).fit(digits.X_train[:200], np.full(200, 3))
    with warnings.catch_warnings():  # the autoencoder needs none, and does not complain
        warnings.simplefilter("error")
        MetricEmbedder("autoencoder", epochs=1, random_state=0).fit(digits.X_train[:200])


def test_history_names_every_term(few_digits):
    X, _ = few_digits
    y = hide_labels(np.arange(600) % 3, count=300)
    embedder = MetricEmbedder(epochs=2, random_state=0).fit(X, y)
    assert [row["epoch"] for row in embedder.history_] == [1, 2]
    terms = {"train_reconstruction", "train_metric", "held_out_reconstruction", "held_out_metric", "held_out_total"}
    assert set(embedder.history_[0]) == {"epoch"} | terms
    row = embedder.history_[-1]
    weighted = 0.97 * row["held_out_reconstruction"] + (1 - 0.97) * row["held_out_metric"]
    assert row["held_out_total"] == pytest.approx(weighted)


def test_alternating_epochs_train_on_different_terms(few_digits):
    X, y = few_digits
    embedder = MetricEmbedder(routine="alternate-epochs", epochs=4, random_state=0).fit(X, y)
    assert ["train_metric" in row for row in embedder.history_] == [False, True, False, True]
    assert all("train_reconstruction" in row for row in embedder.history_)


class Linear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.inputs, self.layer = inputs, nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.layer(x.flatten(1))


def test_networks_of_one_s_own(digits, few_digits, tmp_path):
    encoder, decoder = Linear(64, 3), nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (1, 8, 8)))
    before = encoder.layer.weight.detach().clone()
    embedder = MetricEmbedder(latent_dim=3, encoder=encoder, decoder=decoder, epochs=3, random_state=0)
    embedder.fit(*few_digits)
    assert torch.equal(encoder.layer.weight, before)  # copied, not changed
    x = torch.from_numpy(digits.X_test)
    expected = embedder.model_.encoder.network(x[:, None]).detach().numpy()
    np.testing.assert_allclose(embedder.transform(digits.X_test), expected, atol=1e-6)

    embedder.save(tmp_path / "model")
    again = MetricEmbedder.load(tmp_path / "model", encoder=Linear(64, 3), decoder=decoder)
    assert np.array_equal(again.transform(digits.X_test), embedder.transform(digits.X_test))


@pytest.mark.parametrize("shape", [(9, 8), (11, 17, 3), (3, 32, 31), (12,), (1,)])
def test_fits_data_of_any_shape(shape):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, *shape)), np.where(np.arange(60) < 20, np.arange(60) % 2, -1)
    embedder = MetricEmbedder(latent_dim=2, epochs=2, random_state=0).fit(X, y)
    assert embedder.inverse_transform(embedder.transform(X)).shape == X.shape


def test_a_class_with_one_label_is_known(digits):
    X, y = digits.X_train[:200], hide_labels(digits.y_train[:200], count=10, seed=0)
    embedder = MetricEmbedder(epochs=2, random_state=0).fit(X, y)
    assert sorted(np.unique(y[y >= 0], return_counts=True)[1]) == [1] * 10
    assert len(embedder.classes_) == 10


def test_read_only_and_memory_mapped_input(tmp_path, few_digits):
    X, y = few_digits
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    parameters = {"epochs": 2, "random_state": 0}
    a, b = MetricEmbedder(**parameters).fit(X, y), MetricEmbedder(**parameters).fit(mapped, y)
    assert np.array_equal(a.transform(X), b.transform(mapped))


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("as_vectors", [True, False])
def test_the_units_of_the_data_do_not_matter(few_digits, digits, scale, as_vectors):
    X, y = few_digits
    X_test = digits.X_test
    if as_vectors:
        X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    parameters = {"epochs": 3, "random_state": 0, "precision": "float32"}
    given = MetricEmbedder(**parameters).fit(X, y).transform(X_test)
    other = MetricEmbedder(**parameters).fit(X * scale, y).transform(X_test * scale)
    np.testing.assert_allclose(other, given, rtol=1e-2, atol=1e-2 * np.abs(given).max())


@pytest.mark.parametrize("distance", ["cosine", "manhattan", "squared_euclidean", Lp(3)])
def test_neighbours_are_near_in_the_distance_that_was_learned(few_digits, digits, distance):
    embedder = MetricEmbedder("dml", distance=distance, epochs=2, random_state=0).fit(*few_digits)
    Z, Z_labelled = embedder.transform(digits.X_test[:50]), embedder.labelled_embeddings_
    expected = get_distance(distance)(torch.from_numpy(Z), torch.from_numpy(Z_labelled)).numpy()
    distances, rows = embedder.kneighbors(digits.X_test[:50], n_neighbors=3)
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :3], rtol=1e-3, atol=1e-4)
    assert np.isin(rows, embedder.labelled_rows_).all()


def test_arrays_that_run_backwards(few_digits):
    X, y = few_digits
    parameters = {"epochs": 1, "random_state": 0}
    backwards = MetricEmbedder(**parameters).fit(X[::-1, :, ::-1], y[::-1])
    forwards = MetricEmbedder(**parameters).fit(X[::-1, :, ::-1].copy(), y[::-1].copy())
    assert np.array_equal(backwards.transform(X[::-1]), forwards.transform(X[::-1]))


def test_unlabelled_rows_do_not_count_in_the_score(few_digits):
    X, y = few_digits
    embedder = MetricEmbedder(epochs=3, random_state=0).fit(X, y)
    labelled = y >= 0
    assert embedder.score(X, y) == embedder.score(X[labelled], y[labelled]) == 1.0
    assert embedder.score(X, np.where(labelled, y, None)) == 1.0
    assert np.isnan(embedder.score(X, np.full(len(X), -1)))


def test_labels_to_score_by_are_checked_as_those_of_the_fit(few_digits):
    X, y = few_digits
    embedder = MetricEmbedder(epochs=1, random_state=0).fit(X, y)
    gaps = np.where(y < 0, np.nan, y)
    first = int(np.argmax(y < 0))
    for ask in (lambda y: embedder.score(X, y), lambda y: embedder.suggest(X, 3, y)):
        with pytest.raises(ValueError, match=f"y contains NaN or infinity at row {first}: write −1 for unlabelled"):
            ask(gaps)
        with pytest.raises(ValueError, match=f"y has {len(X) - 1} labels but X has {len(X)} rows"):
            ask(y[:-1])
        with pytest.raises(ValueError, match="y should be a 1d array"):
            ask(np.tile(y[:, None], 2))
        with pytest.warns(UserWarning, match="A column-vector y was passed"):
            found = ask(y[:, None])
        assert np.array_equal(found, ask(y))
    words = np.where(y < 0, None, y.astype(str).astype(object))
    with pytest.raises(ValueError, match=r"the model's classes are numbers \(0, 1.*\) and these labels are words"):
        embedder.score(X, words)


def test_missing_labels_as_pandas_writes_them(digits):
    pandas = pytest.importorskip("pandas")
    X = digits.X_train[:40]
    words = pandas.Series(["a", "b", None, "a"] * 10, dtype="string")
    for y in (words, words.astype(object), words.astype("category"), np.array(["a", "b", -1, "a"] * 10)):
        embedder = MetricEmbedder(epochs=1, random_state=0).fit(X, y)
        assert embedder.classes_.tolist() == ["a", "b"]
        assert len(embedder.labelled_rows_) == 30
    numbers = pandas.Series([1, 2, None, 1] * 10, dtype="Int64")
    with pytest.raises(ValueError, match="y contains NaN or infinity at row 2: write −1 for unlabelled"):
        MetricEmbedder(epochs=1).fit(X, numbers)


def test_a_mistake_leaves_an_earlier_fit_whole(few_digits, digits):
    X, y = few_digits
    embedder = MetricEmbedder("dml", epochs=1, random_state=0).fit(X, y)
    Z = embedder.transform(digits.X_test)
    with pytest.raises(ValueError, match="needs at least two classes"):
        embedder.fit(np.zeros((30, 12, 12)), None)
    embedder.n_features_in_ = 8  # the one thing that scikit-learn's validation sets at once
    assert np.array_equal(embedder.transform(digits.X_test), Z)
