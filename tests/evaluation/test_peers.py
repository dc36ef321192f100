"""Peers: what they reach where the classes lie apart, that labels take part, and how they do at their limits."""

import importlib.util
import math
import warnings

import numpy as np
import pytest

from semimetric.evaluation import evaluate_peer
from semimetric.evaluation.peers import PEERS, check_peers
from semimetric.evaluation.peers.base import principal_components, shares
from semimetric.evaluation.prediction import PREDICTION_METRICS

INSTALLED = [
    pytest.param(
        name,
        marks=[pytest.mark.slow] if peer.module else [],  # UMAP compiles itself for half a minute
    )
    for name, peer in PEERS.items()
    if not peer.module or importlib.util.find_spec(peer.module)
]


def clouds(rows, seed, classes=3, features=60):
    random = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    centres = 3 * np.random.default_rng(7).normal(size=(classes, features))
    return (centres[y] + random.normal(size=(rows, features))).astype(np.float32), y


@pytest.fixture(scope="module")
def data():
    X_train, y_train = clouds(150, seed=0)
    X_test, y_test = clouds(60, seed=1)
    return X_train, np.where(np.arange(150) < 6, y_train, -1), X_test, y_test


@pytest.mark.parametrize("name", INSTALLED)
def test_classes_that_lie_apart_are_told_apart(name, data):
    scores = evaluate_peer(name, *data)
    assert tuple(scores) == PREDICTION_METRICS
    assert scores["accuracy"] > 0.95
    assert scores == evaluate_peer(name, *data)


@pytest.mark.parametrize("name", INSTALLED)
def test_names_of_classes_do_not_matter(name, data):
    X_train, hidden, X_test, y_test = data
    names = np.array(["ant", "bee", "cat"])
    named = np.where(hidden >= 0, names[hidden], None)
    assert evaluate_peer(name, X_train, named, X_test, names[y_test]) == evaluate_peer(name, *data)


@pytest.mark.parametrize("name", PEERS)
def test_one_class_is_predicted_for_all_and_no_label_for_none(name, data, monkeypatch):
    monkeypatch.setattr("semimetric.evaluation.peers.check_peers", lambda names: None)
    X_train, hidden, X_test, y_test = data
    scores = evaluate_peer(name, X_train, np.where(hidden == 0, 0, -1), X_test, y_test)
    assert scores["accuracy"] == pytest.approx(1 / 3)
    nothing = evaluate_peer(name, X_train, np.full(150, -1), X_test, y_test)
    assert all(math.isnan(nothing[metric]) for metric in PREDICTION_METRICS)


@pytest.mark.parametrize("name", ["label-spreading", "self-training"])
def test_every_row_labelled_is_no_special_case(name, data):
    X_train, _, X_test, y_test = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluate_peer(name, X_train, np.arange(150) % 3, X_test, y_test)["accuracy"] > 0.95


def test_unlabelled_rows_carry_labels_along_a_chain():
    """Two parallel lines, labelled at opposite ends: each one's other end is nearer the label of the other line."""
    x, zeros = np.linspace(0, 3, 14), np.zeros(14)
    X = np.concatenate([np.stack([x, zeros], 1), np.stack([x, zeros + 2], 1)])
    hidden = np.full(28, -1)
    hidden[[0, 27]] = 0, 1
    assert evaluate_peer("label-spreading", X, hidden, X, np.repeat([0, 1], 14))["accuracy"] == 1.0


def test_where_no_label_comes_label_spreading_is_uniform():
    X = np.concatenate([np.zeros((20, 1)), np.full((20, 1), 50.0), np.full((20, 1), 99.0)])
    X += np.random.default_rng(0).normal(size=X.shape)
    hidden = np.full(60, -1)
    hidden[[0, 20]] = 0, 1
    scores = evaluate_peer("label-spreading", X, hidden, X[40:], [1] * 20)
    assert (scores["accuracy"], scores["nll"]) == (0.0, pytest.approx(math.log(2)))


def test_components_are_those_of_the_training_rows():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(100, 60)), random.normal(size=(10, 60))
    ours, theirs = principal_components(train, test, seed=0)
    assert (ours.shape, theirs.shape) == ((100, 50), (10, 50))
    again, alone = principal_components(train, test[:1], seed=0)
    assert again == pytest.approx(ours)
    assert alone == pytest.approx(theirs[:1])
    assert principal_components(train[:, :4], test[:, :4], seed=0)[1].shape == (10, 4)


def test_shares_of_nothing_are_equal():
    assert shares(np.array([[2.0, 6.0], [0.0, 0.0]])).tolist() == [[0.25, 0.75], [0.5, 0.5]]


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check_peers(["label-spreading", "self-training"])
    with pytest.raises(ImportError, match=r"'umap' needs umap-learn, which .* pip install 'semimetric\[umap\]'"):
        check_peers(["label-spreading", "umap"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "umpa"}, "unknown peer 'umpa': did you mean 'umap'"),
        ({"X_test": np.zeros((60, 3))}, "X_test has rows of shape \\(3,\\) and X_train of \\(60,\\)"),
        ({"y_train": [0, 1]}, "y_train has 2 labels and X_train 150 rows"),
        ({"y_test": np.full(60, -1)}, "y has no known class"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_is_told(changes, told, data):
    names = ("X_train", "y_train", "X_test", "y_test")
    with pytest.raises(ValueError, match=told):
        evaluate_peer(**{"name": "label-spreading", **dict(zip(names, data, strict=True)), **changes})
