"""Cluster matching against every permutation, and k-means on points a person can cluster."""

import itertools
import math

import numpy as np
import pytest

from semimetric.evaluation.clustering import clustering_scores, matched_accuracy
from semimetric.evaluation.inputs import class_codes


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_matching_equals_the_best_of_all_permutations(classes, seed):
    random = np.random.default_rng(seed)
    y, clusters = random.integers(classes, size=(2, 40))
    best = max(np.mean(np.array(names)[clusters] == y) for names in itertools.permutations(range(classes)))
    assert matched_accuracy(y, clusters) == pytest.approx(best, abs=1e-15)


def test_fewer_or_more_clusters_than_classes():
    assert matched_accuracy(np.array([0, 0, 0, 1, 2]), np.zeros(5, dtype=int)) == 0.6
    assert matched_accuracy(np.zeros(4, dtype=int), np.array([0, 1, 1, 2])) == 0.5


def test_separate_classes_score_one_whatever_their_names_and_order():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    Z = random.normal(size=(60, 2)) + 50.0 * np.array([[0, 0], [1, 0], [0, 1]])[y]
    order = random.permutation(60)
    for rows, names in ((np.arange(60), [0, 1, 2]), (order, [2, 0, 1])):
        scores = clustering_scores(Z[rows], class_codes(np.array(names)[y[rows]]))
        assert scores == pytest.approx({"cluster_accuracy": 1, "cluster_nmi": 1, "cluster_ami": 1})


def test_clusters_across_the_classes_tell_nothing():
    # Two far groups, each holding both classes in equal number: 2 of 4 match, and no information.
    scores = clustering_scores(np.array([[0.0], [0.0], [9.0], [9.0]]), np.array([0, 1, 0, 1]))
    assert scores["cluster_accuracy"] == 0.5
    assert scores["cluster_nmi"] == pytest.approx(0, abs=1e-12)
    assert scores["cluster_ami"] <= 0


def test_a_collapsed_embedding_scores_the_largest_class():
    scores = clustering_scores(np.zeros((10, 3)), np.array([0] * 6 + [1] * 4))
    assert scores == {"cluster_accuracy": 0.6, "cluster_nmi": 0.0, "cluster_ami": 0.0}


def test_one_class_is_undefined():
    assert all(map(math.isnan, clustering_scores(np.eye(3), np.zeros(3, dtype=int)).values()))
