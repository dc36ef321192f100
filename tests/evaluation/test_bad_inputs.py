"""Every mistake a caller can make, and the sentence that answers it."""

import numpy as np
import pytest

from semimetric.evaluation import evaluate, evaluate_baselines, map_at_r, recall_at_1

Z = np.arange(12.0).reshape(6, 2)
Y = [0, 0, 0, 1, 1, 1]
BAD_ROW = Z.copy()
BAD_ROW[4, 1] = np.nan
INFINITE = Z.copy()
INFINITE[2, 0] = -np.inf

CASES = [
    ({"Z": BAD_ROW}, "Z row 4 holds NaN or infinity; every value must be finite"),
    ({"Z": INFINITE}, "Z row 2 holds NaN or infinity; every value must be finite"),
    ({"Z": Z[:, 0]}, "Z has shape (6,); it must be (rows, dimensions) with at least one dimension"),
    ({"Z": Z[:, :0]}, "Z has shape (6, 0); it must be (rows, dimensions) with at least one dimension"),
    ({"Z": Z.astype(str)}, "Z has dtype <U32; it must hold real numbers"),
    ({"y": Y[:5]}, "y has 5 labels and Z 6 rows; there must be one label per row"),
    ({"y": np.eye(6)}, "y has shape (6, 6); it must be one label per row, shape (rows,)"),
    ({"y": [-1] * 6}, "y has no known class (all −1 or None); an evaluation needs the classes of some rows"),
    (
        {"y": [0, 0, 0.5, 1, 1, 1]},
        "y[2] is 0.5; labels are whole numbers or strings, −1 or None where unknown",
    ),
    (
        {"y": np.array([0, 0, 1, 1, 1, np.nan])},
        "y[5] is nan; labels are whole numbers or strings, −1 or None where unknown",
    ),
    ({"y": ["a", "a", 1, 1, 1, 1]}, "y mixes strings and numbers; all of its labels must be of one kind"),
    ({"Z_labelled": Z}, "Z_labelled is given but y_labelled is None; give both or neither"),
    ({"y_labelled": Y}, "y_labelled is given but Z_labelled is None; give both or neither"),
    (
        {"Z_labelled": Z[:, :1], "y_labelled": Y},
        "Z_labelled has 1 dimensions and Z 2; both must come from the same embedding",
    ),
    (
        {"Z_labelled": Z[:3], "y_labelled": Y},
        "y_labelled has 6 labels and Z_labelled 3 rows; there must be one label per row",
    ),
    (
        {"Z_labelled": BAD_ROW, "y_labelled": Y},
        "Z_labelled row 4 holds NaN or infinity; every value must be finite",
    ),
    (
        {"Z_labelled": Z, "y_labelled": list("aaabbb")},
        "y_labelled holds strings and y whole numbers; both must name the classes in the same way",
    ),
    ({"seed": -1}, "seed is -1; it must be a whole number from 0 to 2**32 − 1"),
    ({"seed": 0.5}, "seed is 0.5; it must be a whole number from 0 to 2**32 − 1"),
    ({"margin": -0.1}, "margin is -0.1; it must be a finite number, 0 or more"),
    ({"margin": float("nan")}, "margin is nan; it must be a finite number, 0 or more"),
    ({"n_neighbors": 0}, "n_neighbors is 0; it must be a whole number, 1 or more"),
    ({"n_triplets": 1.5}, "n_triplets is 1.5; it must be a whole number, 1 or more"),
    (
        {"probes": ("knn", "svm")},
        "probes holds 'svm', which is no probe; known: forest, knn, linear, mlp",
    ),
    (
        {"few_label_probes": ["lineer"]},
        "few_label_probes holds 'lineer', which is no probe; did you mean 'linear'? Known: forest, knn, linear, mlp",
    ),
]


@pytest.mark.parametrize(("change", "message"), CASES, ids=[message[:40] for _, message in CASES])
def test_evaluate_says_what_is_wrong(change, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        evaluate(**({"Z": Z, "y": Y} | change))
    assert str(error.value) == message


@pytest.mark.parametrize("score", [recall_at_1, map_at_r])
def test_the_retrieval_scores_say_so_too(score):
    with pytest.raises(ValueError, match="Z row 4 holds NaN"):
        score(BAD_ROW, Y)
    with pytest.raises(ValueError, match="y has 5 labels and Z 6 rows"):
        score(Z, Y[:5])


BASELINE_CASES = [
    ({"latent_dim": 0}, "latent_dim is 0; it must be a whole number, 1 or more"),
    ({"X_train": BAD_ROW}, "X_train row 4 holds NaN or infinity; every value must be finite"),
    ({"X_test": INFINITE}, "X_test row 2 holds NaN or infinity; every value must be finite"),
    ({"X_train": Z[:, 0]}, "X_train has shape (6,); it must be (rows, …), none of them empty"),
    ({"X_train": Z[:0]}, "X_train has shape (0, 2); it must be (rows, …), none of them empty"),
    ({"X_test": Z.astype(complex)}, "X_test has dtype complex128; it must hold real numbers"),
    (
        {"X_test": np.ones((6, 1, 2))},
        "X_test has rows of shape (1, 2) and X_train of (2,); both must be of the same kind",
    ),
    ({"y_train": Y[:4]}, "y_train has 4 labels and X_train 6 rows; there must be one label per row"),
    ({"y_test": Y[:4]}, "y_test has 4 labels and X_test 6 rows; there must be one label per row"),
]


@pytest.mark.parametrize(("change", "message"), BASELINE_CASES, ids=[m[:40] for _, m in BASELINE_CASES])
def test_evaluate_baselines_says_what_is_wrong(change, message):
    right = {"X_train": Z, "y_train": Y, "X_test": Z, "y_test": Y, "latent_dim": 1}
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        evaluate_baselines(**(right | change))
    assert str(error.value) == message
