"""Baselines: raw inputs and PCA by hand, and the reference points known for MNIST."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from semimetric.evaluation import evaluate, evaluate_baselines

MNIST = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"


def images(rows, seed, features=64):
    random = np.random.default_rng(seed)
    y = np.arange(rows) % 4
    patterns = np.random.default_rng(7).integers(0, 200, size=(4, features))
    noise = random.integers(0, 56, size=(rows, features)) + 30 * random.normal(size=(rows, features))
    return np.clip(patterns[y] + noise, 0, 255).astype(np.uint8).reshape(rows, 8, -1), y


@pytest.fixture(scope="module")
def data():
    X_train, y_train = images(200, seed=0)
    X_test, y_test = images(100, seed=1)
    hidden = np.where(np.arange(200) < 40, y_train, -1)
    return X_train, hidden, X_test, y_test


def test_pca_equals_scikit_learn_by_hand(data):
    X_train, hidden, X_test, y_test = data
    flat_train, flat_test = X_train.reshape(200, -1) / 255.0, X_test.reshape(100, -1) / 255.0
    pca = PCA(3, svd_solver="full").fit(flat_train)
    Z_train, Z_test = pca.transform(flat_train), pca.transform(flat_test)
    expected = evaluate(Z_test, y_test, Z_labelled=Z_train, y_labelled=hidden, probes=("knn",), clusters=False)
    scores = evaluate_baselines(*data, latent_dim=3)["pca"]
    assert {key: scores[key] for key in expected} == pytest.approx(expected, abs=1e-3)


def test_raw_equals_scikit_learn_by_hand(data):
    X_train, hidden, X_test, y_test = data
    scores = evaluate_baselines(*data, latent_dim=3)["raw"]
    knn = KNeighborsClassifier(1).fit(X_train[:40].reshape(40, -1) / 255.0, hidden[:40])
    assert scores["few_label_accuracy"] == knn.score(X_test.reshape(100, -1) / 255.0, y_test)


def test_uint8_is_scaled_to_one(data):
    X_train, hidden, X_test, y_test = data
    scaled = evaluate_baselines(X_train / 255.0, hidden, X_test / 255.0, y_test, 3)
    assert scaled["raw"] == pytest.approx(evaluate_baselines(*data, 3)["raw"], abs=1e-4)


def test_the_inputs_are_left_as_they_were(data):
    X_train, hidden, X_test, y_test = data
    train, test = X_train.astype(np.float64), X_test.astype(np.float32)
    evaluate_baselines(train, hidden, test, y_test, 2)
    assert (train == X_train).all()
    assert (test == X_test).all()


def test_which_baselines_and_scores_there_are(data):
    scores = evaluate_baselines(*data, latent_dim=3)
    assert list(scores) == ["raw", "pca", "pca50"]
    assert "mlp_accuracy" in scores["pca"]
    assert "cluster_accuracy" in scores["pca"]
    for name in ("raw", "pca50"):
        assert "mlp_accuracy" not in scores[name]
        assert {"knn_ami", "map_at_r", "few_label_accuracy", "triplet_accuracy"} <= set(scores[name])
    assert list(evaluate_baselines(*data, latent_dim=50)) == ["raw", "pca"]


def test_thorough_computes_every_score(data):
    scores = evaluate_baselines(*data, latent_dim=2, thorough=True)
    assert set(scores["raw"]) == set(scores["pca"]) == set(scores["pca50"])


def test_more_dimensions_than_features_is_a_rotation(data):
    X_train, hidden, X_test, y_test = data
    narrow = (X_train[:, 0, :5], hidden, X_test[:, 0, :5], y_test)
    scores = evaluate_baselines(*narrow, latent_dim=30)
    assert list(scores) == ["raw", "pca"]
    shared = {key: scores["pca"][key] for key in scores["raw"]}
    assert shared == pytest.approx(scores["raw"], abs=0.02)


def test_the_seed_decides_the_scores(data):
    assert evaluate_baselines(*data, 3, seed=4) == evaluate_baselines(*data, 3, seed=4)


def test_no_labels_leave_the_few_label_scores_undefined(data):
    X_train, hidden, X_test, y_test = data
    scores = evaluate_baselines(X_train, np.full_like(hidden, -1), X_test, y_test, 3)
    for named in scores.values():
        assert math.isnan(named["few_label_accuracy"])
        assert named["knn_accuracy"] > 0.5


def read_idx(name, shape, header):
    return np.frombuffer(gzip.decompress((MNIST / name).read_bytes()), np.uint8, offset=header).reshape(shape)


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.is_dir(), reason=f"no MNIST at {MNIST}")
def test_mnist_reference_points():
    X_train = read_idx("train-images-idx3-ubyte.gz", (-1, 28, 28), 16)
    y_train = read_idx("train-labels-idx1-ubyte.gz", (-1,), 8).astype(int)
    X_test = read_idx("t10k-images-idx3-ubyte.gz", (-1, 28, 28), 16)
    y_test = read_idx("t10k-labels-idx1-ubyte.gz", (-1,), 8).astype(int)

    def hide(per_class, seed):
        random, hidden = np.random.default_rng(seed), np.full(len(y_train), -1)
        for label in range(10):
            hidden[random.choice(np.flatnonzero(y_train == label), per_class, replace=False)] = label
        return hidden

    scores = evaluate_baselines(X_train, hide(600, 0), X_test, y_test, latent_dim=10)
    assert scores["pca"]["knn_accuracy"] == pytest.approx(0.904, abs=0.006)
    assert scores["pca"]["knn_ami"] == pytest.approx(0.801, abs=0.012)
    for name, expected in (("raw", 0.939), ("pca", 0.903), ("pca50", 0.950)):  # 6,000 labels
        assert scores[name]["few_label_accuracy"] == pytest.approx(expected, abs=0.006)

    flat_train, flat_test = (X.reshape(len(X), -1) / np.float32(255) for X in (X_train, X_test))
    pca = PCA(10, random_state=0).fit(flat_train)
    Z_train, Z_test = pca.transform(flat_train), pca.transform(flat_test)
    few = []
    for seed in range(5):
        y = hide(6, seed)
        few.append(
            evaluate(
                Z_test,
                y_test,
                Z_labelled=Z_train,
                y_labelled=y,
                probes=("knn",),
                clusters=False,
                n_triplets=1,
            )["few_label_accuracy"]
        )
    assert np.mean(few) == pytest.approx(0.653, abs=0.02)
