"""Neighbours against all distances, what cells could lose, and rows that coincide or crowd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from semimetric.graphs import nearest, nearest_neighbours


def all_neighbours(Z, k):
    """The sorted distances (n, k) by brute force, and the matrix they are from."""
    everyone = cdist(Z.astype(np.float64), Z.astype(np.float64))
    others = everyone.copy()
    np.fill_diagonal(others, np.inf)
    return np.sort(others, axis=1)[:, :k], everyone


def check_form(distances, rows, n, k):
    """What holds of any search, however many of the neighbours it found."""
    assert distances.dtype == np.float32
    assert rows.dtype == np.int64
    assert distances.shape == rows.shape == (n, k)
    assert (rows != np.arange(n)[:, None]).all()
    assert (np.diff(np.sort(rows, axis=1), axis=1) > 0).all(), "a neighbour is there twice"
    assert rows.min() >= 0
    assert rows.max() < n
    steps = np.diff(distances, axis=1)
    assert (steps >= 0).all()
    assert (np.diff(rows, axis=1)[steps == 0] > 0).all(), "equal distances, and not by number"


def mixture(n, d, clusters, spread, seed=0):
    generator = np.random.default_rng(seed)
    middles = generator.standard_normal((clusters, d))
    Z = middles[generator.integers(clusters, size=n)] + spread * generator.standard_normal((n, d))
    return Z.astype(np.float32)


def recall(Z, rows, every):
    """The share of the true neighbours of every so many rows that was found."""
    k = rows.shape[1]
    asked = np.arange(0, len(Z), every)
    distances = cdist(Z[asked].astype(np.float64), Z.astype(np.float64))
    distances[np.arange(len(asked)), asked] = np.inf
    true = np.argpartition(distances, k, axis=1)[:, :k]
    return np.mean([np.isin(a, b).mean() for a, b in zip(true, rows[asked], strict=True)])


@pytest.fixture
def small_cells(monkeypatch):
    """Cells of 8 rows from 50 rows on, of which 40 rows are searched."""
    monkeypatch.setattr(nearest, "EXACT_ROWS", 50)
    monkeypatch.setattr(nearest, "CELL_ROWS", 8)
    monkeypatch.setattr(nearest, "SEARCHED_ROWS", 40)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 4), (60, 1), (60, 7), (60, 59)])
def test_equals_brute_force(n, k, dtype):
    Z = np.random.default_rng(n).standard_normal((n, 3)).astype(dtype)
    distances, rows = nearest_neighbours(Z, k)
    check_form(distances, rows, n, k)
    expected, everyone = all_neighbours(Z, k)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)
    np.testing.assert_array_equal(rows, np.argsort(everyone + np.diag(np.full(n, np.inf)), axis=1)[:, :k])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_lattice_full_of_ties_and_duplicates(data):
    n = data.draw(st.integers(2, 30))
    k = data.draw(st.integers(1, n - 1))
    Z = data.draw(arrays(np.int64, (n, 2), elements=st.integers(-2, 2)))
    distances, rows = nearest_neighbours(Z, k)
    check_form(distances, rows, n, k)
    expected, everyone = all_neighbours(Z, k)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)
    np.testing.assert_allclose(distances, np.take_along_axis(everyone, rows, axis=1), rtol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    Z = np.random.default_rng(0).standard_normal((40, 3))
    whole = nearest_neighbours(Z, 4)
    monkeypatch.setattr(nearest, "BLOCK_ELEMENTS", 30)
    for a, b in zip(whole, nearest_neighbours(Z, 4), strict=True):
        np.testing.assert_array_equal(a, b)


def test_cells_find_nearly_all():
    Z = mixture(20_000, 16, clusters=30, spread=0.3)
    distances, rows = nearest_neighbours(Z, 10)
    check_form(distances, rows, 20_000, 10)
    assert recall(Z, rows, every=40) >= 0.95
    # The distances are those of the differences, of all rows.
    differences = Z[rows].astype(np.float64) - Z[:, None]
    np.testing.assert_allclose(distances, np.linalg.norm(differences, axis=2), rtol=1e-6)


def test_collapsed_classes_far_from_the_origin():
    """The expansion |a|² − 2ab + |b|² in float32 and around 0 would be noise: its rounding is 60,000 distances."""
    Z = (
        100
        + np.random.default_rng(1).integers(10, size=(12_000, 1))
        + 1e-5 * np.random.default_rng(0).random((12_000, 4))
    )
    distances, rows = nearest_neighbours(Z, 5)
    check_form(distances, rows, 12_000, 5)
    assert recall(Z, rows, every=40) >= 0.95
    assert distances.max() < 1e-5


def test_a_function_of_the_seed(small_cells):
    Z = mixture(2_000, 5, clusters=4, spread=1.0)
    one, same, other = (nearest_neighbours(Z, 6, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], same[0])
    np.testing.assert_array_equal(one[1], same[1])
    assert (one[1] != other[1]).any(), "cells of another seed should differ somewhere"


def test_global_randomness_is_left_alone(small_cells):
    import torch

    before = torch.get_rng_state()
    nearest_neighbours(mixture(100, 2, clusters=1, spread=1.0), 2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("k", [3, 39, 40, 100, 299])
def test_more_neighbours_than_cells_hold(small_cells, k):
    """Cells of 8 rows, and rows on their own far off: the search widens until there are k."""
    Z = np.concatenate([mixture(270, 2, clusters=3, spread=0.01), 1e3 * mixture(30, 2, clusters=30, spread=0.0)])
    distances, rows = nearest_neighbours(Z, k)
    check_form(distances, rows, 300, k)
    if 4 * k >= 300:  # all rows were searched
        np.testing.assert_allclose(distances, all_neighbours(Z, k)[0], rtol=1e-5)


def test_duplicates_by_the_thousands():
    """All fall to one centre; the cell is cut, so that a row is compared with some thousands and not with all."""
    Z = np.concatenate([np.zeros((15_000, 3)), mixture(100, 3, clusters=2, spread=0.1)])
    distances, rows = nearest_neighbours(Z, 8)
    check_form(distances, rows, 15_100, 8)
    assert (distances[:15_000] == 0).all()
    assert (distances[15_000:, 0] > 0).all()


def test_duplicates_in_several_cells_are_not_taken_for_the_row_itself(small_cells):
    """Cells with one and the same centre, of which nearly all rows searched are returned: the row itself is not."""
    distances, rows = nearest_neighbours(np.ones((300, 2)), 39)
    check_form(distances, rows, 300, 39)
    assert (distances == 0).all()


def test_no_search_is_larger_than_asked_for(monkeypatch, small_cells):
    """What keeps the cost of duplicates linear: candidates of a search, at most what is wanted and one cell more."""
    searched = []
    closest = nearest._closest

    def watched(Z, own, others, *rest):
        searched.append((own.stop - own.start, sum(other.stop - other.start for other in others)))
        return closest(Z, own, others, *rest)

    monkeypatch.setattr(nearest, "_closest", watched)
    nearest_neighbours(np.concatenate([np.ones((3_000, 2)), mixture(500, 2, clusters=3, spread=0.2)]), 3)
    own, candidates = np.array(searched).T
    assert own.sum() == 3_500
    assert own.max() <= 4 * 8
    assert 40 <= candidates.min() <= candidates.max() < 40 + 4 * 8


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**-3, 2.0**80])
def test_scale_by_a_power_of_two_is_exact(small_cells, factor):
    Z = mixture(400, 4, clusters=3, spread=0.5).astype(np.float64)
    distances, rows = nearest_neighbours(Z, 5)
    scaled, same = nearest_neighbours(factor * Z, 5)
    np.testing.assert_array_equal(rows, same)
    np.testing.assert_array_equal(scaled, np.float32(factor) * distances)


def test_rows_in_another_order():
    Z = np.random.default_rng(0).standard_normal((200, 4))
    order = np.random.default_rng(1).permutation(200)
    distances, rows = nearest_neighbours(Z, 6)
    shuffled_distances, shuffled = nearest_neighbours(Z[order], 6)
    np.testing.assert_allclose(shuffled_distances, distances[order], rtol=1e-6)
    np.testing.assert_array_equal(order[shuffled], rows[order])


@pytest.mark.parametrize(
    ("Z", "k", "message"),
    [
        (np.zeros((3, 2)), 3, "k is 3; it must be a whole number from 1 to 2"),
        (np.zeros((3, 2)), 0, "k is 0"),
        (np.zeros((3, 2)), 1.5, "k is 1.5"),
        (np.zeros((1, 2)), 1, "k is 1; .* from 1 to 0"),
        (np.zeros((0, 2)), 1, "the 0 rows"),
        (np.zeros(3), 1, r"Z has shape \(3,\)"),
        (np.zeros((3, 0)), 1, r"Z has shape \(3, 0\)"),
        ([["a"], ["b"]], 1, "Z has dtype"),
        ([[0.0], [np.nan], [1.0]], 1, "Z row 1 holds NaN or infinity"),
        ([[0.0], [1.0], [-np.inf]], 1, "Z row 2 holds NaN or infinity"),
        ([[0.0], [3e38]], 1, r"values up to 3e\+38"),
    ],
)
def test_what_is_refused(Z, k, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(Z, k)
