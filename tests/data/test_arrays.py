"""What arrays are taken, in which layouts, and what is said about those that are not."""

import numpy as np
import pytest

from semimetric.data import arrays
from semimetric.data.arrays import InputForm, as_given, check_inputs, check_labels, labelled_rows, lay_out, recognise

LAYOUTS = [
    ((5, 7), "vector", (7,)),
    ((5, 1), "vector", (1,)),
    ((5, 8, 9), "hw", (1, 8, 9)),
    ((5, 8, 9, 1), "hwc", (1, 8, 9)),
    ((5, 8, 9, 3), "hwc", (3, 8, 9)),
    ((5, 1, 8, 9), "chw", (1, 8, 9)),
    ((5, 3, 8, 9), "chw", (3, 8, 9)),
]
each_layout = pytest.mark.parametrize(("given", "layout", "shape"), LAYOUTS)


def filled(shape, dtype):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@each_layout
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int16, np.bool_])
def test_layouts_are_recognised_and_given_back(given, layout, shape, dtype):
    X = filled(given, dtype)
    rows, form = check_inputs(X)
    integer = dtype is np.uint8 and layout != "vector"
    assert form == recognise(X) == InputForm(shape, layout, integer)
    assert rows.shape == (5, *shape)
    assert rows.dtype == (np.uint8 if integer else np.float32)
    assert as_given(rows, form).shape == given
    assert (as_given(rows, form) == X).all()
    assert form.is_image == (layout != "vector")


@each_layout
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nothing_is_copied_that_need_not_be(given, layout, shape, dtype):
    X = filled(given, dtype)
    assert np.shares_memory(check_inputs(X)[0], X) == (dtype is np.float32 or layout != "vector")


@each_layout
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int16, np.bool_])
def test_laying_out_copies_nothing_and_looks_at_no_value(given, layout, shape, dtype):
    X = filled(given, dtype)
    if X.dtype.kind == "f":
        X[:] = np.nan
    rows, form = lay_out(X)
    assert np.shares_memory(rows, X)
    assert (rows.shape, form.shape, form.layout) == ((5, *shape), shape, layout)


def test_pixels_stay_where_they_are():
    X = np.zeros((2, 8, 9, 3))
    X[1, 4, 7, 2] = 1
    assert np.argwhere(check_inputs(X)[0]).tolist() == [[1, 2, 4, 7]]
    assert np.argwhere(check_inputs(X[..., 2])[0]).tolist() == [[1, 0, 4, 7]]


@pytest.mark.parametrize("shape", [(5,), (5, 8, 9, 2), (5, 4, 8, 9), (5, 1, 8, 8, 8), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"X has shape \(.*\); it must be \(n, features\), \(n, h, w\), .* 1 or 3 chan"
    ):
        recognise(np.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 7, 9), (5, 9, 7, 1), (5, 3, 9, 7)])
def test_images_below_eight_pixels_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"X holds images of (7 × 9|9 × 7) pixels; images must be at least 8 × 8: give"
    ):
        recognise(np.zeros(shape))


@pytest.mark.parametrize("chunk_bytes", [1, 200, arrays._CHUNK_BYTES], ids=["row by row", "in chunks", "at once"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("given", [(50, 6), (50, 8, 9), (50, 8, 9, 3)])
@pytest.mark.parametrize(
    ("value", "what"),
    [(np.nan, "NaN"), (np.inf, "infinity or a value too large for float32"), (-np.inf, "infinity or a value too")],
)
def test_a_bad_value_is_named_by_its_row(monkeypatch, chunk_bytes, dtype, given, value, what):
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", chunk_bytes)
    X = np.ones(given, dtype)
    X[37].flat[5] = X[41].flat[0] = value
    with pytest.raises(ValueError, match=f"X contains {what}.* in row 37: remove the row or fill the value in"):
        check_inputs(X)


def test_too_large_for_float32_is_named_by_its_row():
    X = np.ones((50, 6))
    X[49, 2] = 1e39
    with pytest.raises(ValueError, match="X contains infinity or a value too large for float32 in row 49"):
        check_inputs(X)
    X[49, 2] = 3e38
    assert check_inputs(X)[0][49, 2] == np.float32(3e38)


@pytest.mark.parametrize("chunk_bytes", [1, 200])
def test_chunks_join_to_the_whole(monkeypatch, chunk_bytes):
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", chunk_bytes)
    X = np.random.default_rng(0).normal(size=(53, 8, 9))
    assert (check_inputs(X)[0][:, 0] == X.astype(np.float32)).all()


@pytest.mark.parametrize(
    ("fitted", "later", "message"),
    [
        ((5, 7), (5, 8), r"X has rows of shape \(8,\), read as \(8,\), but the model was fitted on \(7,\)"),
        ((5, 8, 8), (5, 64), r"X has rows of shape \(64,\), read as \(64,\), but the model was fitted on \(1, 8, 8\)"),
        ((5, 8, 9), (5, 9, 8), r"rows of shape \(9, 8\), read as \(1, 9, 8\), but the model was fitted on \(1, 8, 9\)"),
        ((5, 8, 8), (5, 8, 8, 3), r"rows of shape \(8, 8, 3\), read as \(3, 8, 8\), but .* fitted on \(1, 8, 8\)"),
    ],
)
def test_another_shape_than_the_fitted_one_is_refused(fitted, later, message):
    with pytest.raises(ValueError, match=message):
        check_inputs(np.zeros(later), recognise(np.zeros(fitted)))


def test_uint8_and_floating_point_images_are_not_mixed_up():
    whole, real = np.zeros((5, 8, 8), np.uint8), np.zeros((5, 8, 8), np.float64)
    with pytest.raises(ValueError, match="X holds uint8 images but the model was fitted on floating-point ones"):
        check_inputs(whole, recognise(real))
    with pytest.raises(ValueError, match="X holds float64 images but the model was fitted on uint8 ones"):
        check_inputs(real, recognise(whole))


def test_the_same_image_in_another_layout_is_taken():
    form = recognise(np.zeros((5, 8, 9)))
    X = np.random.default_rng(0).normal(size=(4, 1, 8, 9)).astype(np.float32)
    assert (check_inputs(X, form)[0] == X).all()
    assert (check_inputs(X.transpose(0, 2, 3, 1), form)[0] == X).all()


def test_no_rows_of_the_right_form_are_no_error():
    assert check_inputs(np.zeros((0, 7)), recognise(np.zeros((5, 7))))[0].shape == (0, 7)


@pytest.mark.parametrize(
    ("y", "codes", "classes"),
    [
        ([3, -1, 10, 3], [0, -1, 1, 0], [3, 10]),
        (np.array([7, 2, 200], np.uint8), [1, 0, 2], [2, 7, 200]),
        (["b", "a", "b"], [1, 0, 1], ["a", "b"]),
        (["b", None, "a"], [1, -1, 0], ["a", "b"]),
        (np.array(["b", np.nan, "a", -1, None], dtype=object), [1, -1, 0, -1, -1], ["a", "b"]),
        (np.array([3, None, np.int64(-1), 1], dtype=object), [1, -1, -1, 0], [1, 3]),
        (np.array([3, np.nan, -1.0, 1], dtype=object), [1, -1, -1, 0], [1, 3]),
        ([True, False, True], [1, 0, 1], [False, True]),
        (np.array([True, None, False], dtype=object), [1, -1, 0], [False, True]),
        ([2.0, -1.0, 0.0], [1, -1, 0], [0.0, 2.0]),
        ([-1, -1], [-1, -1], []),
        ([None, None], [-1, -1], []),
        ([], [], []),
    ],
    ids=str,
)
def test_labels_become_codes(y, codes, classes):
    found, names = check_labels(y, len(y))
    assert found.dtype == np.int64
    assert (found.tolist(), names.tolist()) == (codes, classes)
    assert labelled_rows(np.asarray(y)).tolist() == [code >= 0 for code in codes]


def test_no_labels_at_all():
    codes, classes = check_labels(None, 3)
    assert (codes.tolist(), classes.tolist()) == ([-1, -1, -1], [])


@pytest.mark.parametrize("missing", [float("nan"), -1])
def test_a_list_of_strings_with_a_missing_one(missing):
    codes, classes = check_labels(["b", missing, "a"], 3)
    assert (codes.tolist(), classes.tolist()) == ([1, -1, 0], ["a", "b"])


def test_a_list_of_mixed_kinds_is_refused():
    with pytest.raises(ValueError, match="y mixes labels of types int, str"):
        check_labels([1, "a"], 2)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2], r"y has 2 labels but X has 3 rows: give one label per row, −1 for unlabelled"),
        ([1, 2, 3, 4], r"y has 4 labels but X has 3 rows"),
        ([[1], [2], [3]], r"y must be 1-dimensional, got shape \(3, 1\)"),
        (3, r"y must be 1-dimensional, got shape \(\)"),
        ([0.0, 0.5, 1.0], r"Unknown label type: continuous. y must hold classes \(integers or strings\)"),
        ([0.0, np.nan, 1.0], r"Input y contains NaN or infinity at row 1: write −1 for unlabelled"),
        ([-1.0, 0.0, np.inf], r"Input y contains NaN or infinity at row 2"),
        (np.array([1, "a", None], dtype=object), r"y mixes labels of types int, str: use integers or strings through"),
        (np.array([1.0, 0.5, None], dtype=object), r"y mixes labels of types float: use integers or strings through"),
    ],
    ids=str,
)
def test_labels_that_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, 3)
