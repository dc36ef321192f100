"""Scores of predictions: numbers that a person can check on paper, naive twins, invariances, classes never seen."""

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from semimetric.evaluation import evaluate_prediction


def drawn(rows=300, classes=4, seed=0):
    random = np.random.default_rng(seed)
    table = random.dirichlet(np.full(classes, 0.5), rows)
    y = np.array([random.choice(classes, p=row) for row in table])
    return table, np.arange(classes), y


def naive_ece(table, y):
    total = 0.0
    for bin_ in range(15):
        members = [i for i, row in enumerate(table) if bin_ / 15 < max(row) <= (bin_ + 1) / 15]
        if members:
            confidence = sum(max(table[i]) for i in members) / len(members)
            accuracy = sum(int(np.argmax(table[i])) == y[i] for i in members) / len(members)
            total += len(members) / len(table) * abs(accuracy - confidence)
    return total


def naive_auc(scores, positive):
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    return sum(pairs) / len(pairs)


def test_on_paper():
    table = [[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]]
    scores = evaluate_prediction(table, ["a", "b"], ["a", "b", "b", "a"])
    assert scores["accuracy"] == 0.75
    assert scores["balanced_accuracy"] == 0.75
    assert scores["auc"] == 1.0  # both of class a are above both of class b
    assert scores["ece"] == pytest.approx((0.2 + 0.6 + 0.3 + 0.1) / 4)  # each in a bin of its own
    assert scores["nll"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.9]).mean())


def test_the_naive_twins_agree():
    table, classes, y = drawn()
    scores = evaluate_prediction(table, classes, y)
    assert scores["ece"] == pytest.approx(naive_ece(table, y))
    assert scores["auc"] == pytest.approx(np.mean([naive_auc(table[:, c], y == c) for c in classes]))
    assert scores["nll"] == pytest.approx(sum(-math.log(table[i, y[i]]) for i in range(len(y))) / len(y))


def test_scikit_learn_agrees():
    table, classes, y = drawn(seed=1)
    scores = evaluate_prediction(table, classes, y)
    assert scores["auc"] == pytest.approx(roc_auc_score(y, table, multi_class="ovr"))
    assert scores["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, table.argmax(axis=1)))
    two = np.stack([1 - table[:, 0], table[:, 0]], axis=1)
    positive = (y == 0).astype(int)
    assert evaluate_prediction(two, [0, 1], positive)["auc"] == pytest.approx(roc_auc_score(positive, two[:, 1]))


def test_a_perfect_prediction_and_one_that_is_wrong_and_sure():
    y = np.arange(30) % 3
    right = evaluate_prediction(np.eye(3)[y], range(3), y)
    assert right == {"accuracy": 1, "balanced_accuracy": 1, "auc": 1, "ece": 0, "nll": 0}
    wrong = evaluate_prediction(np.eye(3)[(y + 1) % 3], range(3), y)
    assert (wrong["accuracy"], wrong["ece"]) == (0, 1)
    assert wrong["nll"] == pytest.approx(-math.log(1e-7))


def test_the_same_for_every_row_says_nothing():
    y = np.array([0] * 9 + [1])
    scores = evaluate_prediction(np.tile([0.9, 0.1], (10, 1)), [0, 1], y)
    assert (scores["accuracy"], scores["balanced_accuracy"], scores["auc"]) == (0.9, 0.5, 0.5)
    assert scores["ece"] == pytest.approx(0)  # nine of ten are right, and it says so


def test_bins_end_at_their_upper_edge():
    """0.6 is 9/15 and belongs to the bin below: with 0.55, not with 0.62."""
    table = np.array([[0.6, 0.4], [0.55, 0.45], [0.62, 0.38]])
    scores = evaluate_prediction(table, [0, 1], [1, 0, 0])
    assert scores["ece"] == pytest.approx((abs(0.6 + 0.55 - 1) + abs(0.62 - 1)) / 3)


def test_a_class_without_a_column_is_wrong_and_unlikely():
    table = np.array([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.25]])
    scores = evaluate_prediction(table, [0, 1], [0, 1, 2, 2])
    assert scores["accuracy"] == 0.5
    assert scores["balanced_accuracy"] == pytest.approx(2 / 3)
    # Class 0 ties with both rows of class 2 and beats class 1; class 1 beats all; class 2 has nothing but ties.
    assert scores["auc"] == pytest.approx(((1 + 0.5 + 0.5) / 3 + 1 + 0.5) / 3)
    assert scores["ece"] == pytest.approx(abs(4 * 0.75 - 2) / 4)
    assert scores["nll"] == pytest.approx(-(2 * math.log(0.75) + 2 * math.log(1e-7)) / 4)
    never_seen = evaluate_prediction(table, [0, 1], [2, 2, 3, 3])
    assert (never_seen["accuracy"], never_seen["balanced_accuracy"], never_seen["auc"]) == (0, 0, 0.5)


def test_a_class_without_rows_has_no_part():
    table, classes, y = drawn()
    kept = y != 3
    scores = evaluate_prediction(table[kept], classes, y[kept])
    expected = np.mean([naive_auc(table[kept, c], y[kept] == c) for c in range(3)])
    assert scores["auc"] == pytest.approx(expected)


def test_one_class_has_no_area():
    scores = evaluate_prediction([[0.75, 0.25], [0.25, 0.75]], [0, 1], [0, 0])
    assert math.isnan(scores.pop("auc"))
    assert scores == {"accuracy": 0.5, "balanced_accuracy": 0.5, "ece": 0.25, "nll": pytest.approx(0.8370, abs=1e-4)}
    assert evaluate_prediction([[1.0]], ["only"], ["only"])["accuracy"] == 1


def test_rows_without_a_label_are_left_out():
    table, classes, y = drawn()
    hidden = np.where(np.arange(300) % 3 == 0, -1, y)
    assert evaluate_prediction(table, classes, hidden) == evaluate_prediction(
        table[hidden >= 0], classes, y[hidden >= 0]
    )


def test_order_of_rows_and_columns_and_names_of_classes_do_not_matter():
    table, classes, y = drawn()
    expected = pytest.approx(evaluate_prediction(table, classes, y))
    rows, columns = np.random.default_rng(1).permutation(300), [2, 0, 3, 1]
    assert evaluate_prediction(table[rows][:, columns], classes[columns], y[rows]) == expected
    names = np.array(["zebra", "ant", "newt", "emu"])
    assert evaluate_prediction(table, names, names[y]) == expected
    assert evaluate_prediction(np.tile(table, (2, 1)), classes, np.tile(y, 2)) == expected


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([0.5, 0.5], [0, 1], [0, 1]), "probabilities has shape \\(2,\\)"),
        (([[0.5, 0.5]], [0, 1, 2], [0]), "probabilities has 2 columns and classes 3"),
        (([[0.5, 0.5]], [0, 1], [0, 1]), "y has 2 labels and probabilities 1 rows"),
        (([[0.5, 0.5], [0.5, 0.6]], [0, 1], [0, 1]), "probabilities row 1 is no distribution"),
        (([[0.5, 0.5], [-0.5, 1.5]], [0, 1], [0, 1]), "probabilities row 1 is no distribution"),
        (([[math.nan, 0.5]], [0, 1], [0]), "probabilities row 0 is no distribution"),
        (([[0.5, 0.5]], [3, 3], [3]), "classes holds 3 twice"),
        (([[0.5, 0.5]], [-1, 3], [3]), "classes holds −1 or None"),
        (([[0.5, 0.5]], ["a", "b"], [1]), "must name the classes in the same way"),
        (([[0.5, 0.5]], [0, 1], [-1]), "y has no known class"),
        (([["a", "b"]], [0, 1], [0]), "probabilities has dtype"),
    ],
)
def test_what_cannot_be_is_told(arguments, told):
    with pytest.raises(ValueError, match=told):
        evaluate_prediction(*arguments)
