"""hide_labels: how many, of which classes, and which rows; and labels of files brought into one form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.data import hide_labels
from semimetric.data.labels import encode_labels, read_label_lines
from semimetric.errors import DataError

labels = st.lists(st.integers(-1, 5), min_size=1, max_size=60).map(np.array).filter(lambda y: (y >= 0).any())


@st.composite
def labels_and_budget(draw):
    y = draw(labels)
    return y, draw(st.integers(1, int((y >= 0).sum()))), draw(st.integers(0, 1000))


def kept(hidden):
    return set(np.flatnonzero(hidden != -1).tolist())


@settings(max_examples=60, deadline=None)
@given(labels_and_budget(), st.booleans())
def test_keeps_exactly_the_budget_and_only_true_labels(case, balanced):
    y, count, seed = case
    before = y.copy()
    hidden = hide_labels(y, count=count, balanced=balanced, seed=seed)
    rows = sorted(kept(hidden))
    assert len(rows) == count
    assert (hidden[rows] == y[rows]).all()
    assert (y == before).all()
    assert hidden.dtype == y.dtype
    assert (hidden == hide_labels(y, count=count, balanced=balanced, seed=seed)).all()


@settings(max_examples=60, deadline=None)
@given(labels_and_budget())
def test_balanced_differs_by_at_most_one_except_where_a_class_is_used_up(case):
    y, count, seed = case
    hidden = hide_labels(y, count=count, seed=seed)
    classes = np.unique(y[y >= 0])
    drawn = np.array([(hidden == c).sum() for c in classes])
    has = np.array([(y == c).sum() for c in classes])
    most = drawn.max()
    assert all(d == h or d >= most - 1 for d, h in zip(drawn, has, strict=True))


@settings(max_examples=60, deadline=None)
@given(labels_and_budget(), st.booleans())
def test_a_smaller_budget_is_a_subset_of_a_larger_one(case, balanced):
    y, count, seed = case
    larger = kept(hide_labels(y, count=count, balanced=balanced, seed=seed))
    for smaller in range(1, count):
        assert kept(hide_labels(y, count=smaller, balanced=balanced, seed=seed)) <= larger


@settings(max_examples=40, deadline=None)
@given(labels_and_budget(), st.booleans(), st.permutations([10, 3, 77, 5, 1, 8]))
def test_renaming_the_classes_keeps_the_same_rows(case, balanced, names):
    y, count, seed = case
    renamed = np.where(y == -1, -1, np.array(names)[y])
    words = np.array([None if label == -1 else f"class {names[label]}" for label in y], dtype=object)
    rows = kept(hide_labels(y, count=count, balanced=balanced, seed=seed))
    assert kept(hide_labels(renamed, count=count, balanced=balanced, seed=seed)) == rows
    hidden = hide_labels(words, count=count, balanced=balanced, seed=seed)
    assert {i for i, label in enumerate(hidden) if label is not None} == rows
    assert all(hidden[i] == words[i] for i in rows)


def test_fewer_labels_than_classes_gives_one_each_to_a_random_subset():
    y = np.repeat(np.arange(10), 20)
    subsets = set()
    for seed in range(20):
        hidden = hide_labels(y, count=3, seed=seed)
        assert np.bincount(hidden[hidden >= 0], minlength=10).max() == 1
        subsets.add(tuple(sorted(hidden[hidden >= 0].tolist())))
    assert len(subsets) > 5


def test_the_shortfall_of_a_small_class_goes_to_the_others():
    y = np.array([0] * 2 + [1] * 50 + [2] * 50)
    hidden = hide_labels(y, count=30, seed=3)
    assert [(hidden == c).sum() for c in range(3)] == [2, 14, 14]


def test_balanced_false_draws_uniformly_over_rows():
    y = np.array([0] * 900 + [1] * 100)
    drawn = [(hide_labels(y, count=100, balanced=False, seed=seed) == 1).sum() for seed in range(50)]
    # Hypergeometric: mean 10, standard deviation 2.85; the mean of 50 draws is within 4 standard errors.
    assert abs(np.mean(drawn) - 10) < 4 * 2.85 / np.sqrt(50)
    assert np.std(drawn) > 1


def test_percent_is_of_all_rows():
    y = np.tile(np.arange(10), 6000)
    hidden = hide_labels(y, percent=0.1)
    assert (hidden >= 0).sum() == 60
    assert (np.bincount(hidden[hidden >= 0]) == 6).all()


def test_strings_and_unsigned_integers():
    hidden = hide_labels(np.array(["a", "b", "a"]), count=2)
    assert hidden.dtype == object
    assert sorted(label for label in hidden if label is not None) == ["a", "b"]
    hidden = hide_labels(np.array([200, 200, 3], dtype=np.uint8), count=1)
    assert hidden.dtype == np.int64
    assert (hidden == -1).sum() == 2


@pytest.mark.parametrize(
    ("y", "arguments", "message"),
    [
        ([0, 1], {}, "exactly one of count and percent; neither"),
        ([0, 1], {"count": 1, "percent": 50}, "exactly one of count and percent; got count=1 and percent=50"),
        ([0, 1, -1], {"count": 3}, "count=3 must be at most the number of labelled rows in y, 2"),
        ([0, 1], {"count": 0}, "count=0 must be a whole number of labels, at least 1"),
        ([0, 1], {"count": 1.5}, "count=1.5 must be a whole number"),
        ([0, 1], {"percent": 0}, "percent=0 must be above 0 and at most 100"),
        ([0, 1], {"percent": 101}, "percent=101 must be above 0 and at most 100"),
        ([0, 1], {"percent": float("nan")}, "percent=nan must be above 0"),
        ([0, 1], {"percent": 1}, "percent=1 of 2 rows is less than one row"),
        ([0, -1], {"percent": 100}, "percent=100 of 2 rows is 2 labels, which must be at most"),
        ([[0], [1]], {"count": 1}, r"y has shape \(2, 1\); it must have one dimension"),
        ([0.5, 1.0], {"count": 1}, "y holds float64 values"),
    ],
)
def test_wrong_arguments_are_named(y, arguments, message):
    with pytest.raises(ValueError, match=message):
        hide_labels(y, **arguments)


def test_encode_shares_one_code_between_splits():
    (train, test), names = encode_labels([np.array(["b", "-1"]), np.array([["c"], ["a"]])], "x")
    assert names == ("a", "b", "c")
    assert train.tolist() == [1, -1]
    assert test.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([3.0, np.nan, 1.0]), [3, -1, 1]),
        (np.array([True, False]), [1, 0]),
        (np.array([None, 4], dtype=object), [-1, 4]),
        (np.array([b"10", b""]), [10, -1]),
        (np.array([250], dtype=np.uint8), [250]),
    ],
)
def test_encode_numbers(y, expected):
    (encoded,), names = encode_labels([y], "x")
    assert encoded.tolist() == expected
    assert encoded.dtype == np.int64
    assert names is None


def test_words_that_only_look_like_numbers_stay_words():
    (encoded,), names = encode_labels([np.array(["01", "1"])], "x")
    assert names == ("01", "1")
    assert encoded.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([0.5]), "row 0 has the label 0.5; labels must be whole numbers or words"),
        (np.array([0, -2]), "row 1 has the label -2; use −1 for unlabelled"),
        (np.array([1, "x"], dtype=object), "row 1 has the label 'x', others have numbers"),
        (np.eye(3), r"labels of shape \(3, 3\)"),
        (np.array([np.inf]), "row 0 has the label inf"),
    ],
)
def test_encode_refuses(y, message):
    with pytest.raises(DataError, match=f"file: .*{message}|file: {message}"):
        encode_labels([y], "file")


def test_label_lines(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('\ufeff"a, b"\n\nc\n""\n\n', encoding="utf-8")
    assert read_label_lines(path).tolist() == ["a, b", "", "c", "", ""]  # blank lines are rows, at the end too
    path.write_text("a\nb,c\n")
    with pytest.raises(DataError, match="line 2 has 2 columns"):
        read_label_lines(path)
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match="UTF-8"):
        read_label_lines(path)
    path.write_text("")
    assert read_label_lines(path).tolist() == []


@pytest.mark.parametrize("lines", [["label", "0", "", "1"], ["label", "-1", "2.0", ""], ["", "0"], ["-1", "0", "cat"]])
def test_a_heading_above_numbers_is_refused_and_only_that(tmp_path, lines):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(lines) + "\n")
    if lines[0] == "label":
        with pytest.raises(DataError, match=r"labels.csv: line 1 is 'label', the other labels are numbers; if it is a"):
            read_label_lines(path)
    else:
        assert read_label_lines(path).tolist() == lines


def test_one_labelled_row_at_the_top_is_no_heading(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("cat\n-1\n\n")
    assert read_label_lines(path).tolist() == ["cat", "-1", ""]
