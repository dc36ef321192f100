"""R@1 and MAP@R against hand-made values, naive loops and invariances."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.evaluation import map_at_r, recall_at_1, retrieval

POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 2)), min_size=2, max_size=14).filter(
    lambda rows: len({row[2] for row in rows}) > 1
)


def naive_scores(Z, y):
    """Both scores with loops and exact whole-number distances; among ties other classes come first."""
    hits, precisions = [], []
    for q in range(len(y)):
        others = [i for i in range(len(y)) if i != q]
        wanted = sum(y[i] == y[q] for i in others)
        if wanted == 0:
            continue
        distance = {i: sum((a - b) ** 2 for a, b in zip(Z[q], Z[i], strict=True)) for i in others}
        others.sort(key=lambda i: (distance[i], y[i] == y[q]))
        hits.append(y[others[0]] == y[q])
        total = 0.0
        for rank in range(1, wanted + 1):
            if y[others[rank - 1]] == y[q]:
                total += sum(y[i] == y[q] for i in others[:rank]) / rank
        precisions.append(total / wanted)
    if not hits:
        return math.nan, math.nan
    return sum(hits) / len(hits), sum(precisions) / len(precisions)


@settings(max_examples=300, deadline=None)
@given(POINTS)
def test_equals_the_naive_loops_on_a_lattice_with_ties_and_duplicates(rows):
    Z, y = [row[:2] for row in rows], [row[2] for row in rows]
    expected = naive_scores(Z, y)
    assert (recall_at_1(Z, y), map_at_r(Z, y)) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("dimensions", [1, 3, 40])
@pytest.mark.parametrize("classes", [2, 5, 30])
def test_equals_the_naive_loops_on_random_points(dimensions, classes):
    random = np.random.default_rng(dimensions * classes)
    Z, y = random.normal(size=(70, dimensions)), random.integers(classes, size=70)
    assert (recall_at_1(Z, y), map_at_r(Z, y)) == pytest.approx(naive_scores(Z, y), abs=1e-12)


def test_perfect_and_worst():
    line = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert (recall_at_1(line, [0, 0, 1, 1]), map_at_r(line, [0, 0, 1, 1])) == (1.0, 1.0)
    assert (recall_at_1(line, [0, 1, 0, 1]), map_at_r(line, [0, 1, 0, 1])) == (0.0, 0.0)


def test_map_at_r_of_one_query_on_paper():
    # From 0, class a with R = 3: a, b, a | a. So (1/1 + 0 + 2/3) / 3 = 5/9. The rows at 1, 3 and 4, with
    # distances to (0 a, 2 b, 3 a, 4 a) = (1, 1, 2, 3): b, a, a: (0 + 1/2 + 2/3) / 3 = 7/18;
    # from 3 to (0, 1, 2 b, 4) = (3, 2, 1, 1): b, a, a: 7/18; from 4: (4, 3, 2 b, 1): a, b, a: 5/9.
    Z = [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert map_at_r(Z, ["a", "a", "b", "a", "a"]) == pytest.approx((5 / 9 + 7 / 18 + 7 / 18 + 5 / 9) / 4)
    assert recall_at_1(Z, ["a", "a", "b", "a", "a"]) == 0.5


def test_a_collapsed_embedding_scores_nothing_whatever_the_order_of_rows():
    for y in ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]):
        for Z in (np.zeros((6, 2)), np.full((6, 3), 0.1), np.full((6, 2), 1e20)):
            assert (recall_at_1(Z, y), map_at_r(Z, y)) == (0.0, 0.0)


def test_one_class_or_only_single_rows_is_undefined():
    assert math.isnan(recall_at_1([[0.0], [1.0]], [3, 3]))
    assert math.isnan(map_at_r([[0.0], [1.0]], [3, 4]))


def test_a_single_row_is_not_asked_but_can_be_found():
    assert recall_at_1([[0.0], [1.0], [1.4]], ["a", "a", "b"]) == 0.5  # the row at 1 finds b


@pytest.fixture
def cloud():
    random = np.random.default_rng(5)
    y = random.integers(4, size=120)
    return random.normal(size=(120, 6)) + 0.8 * random.normal(size=(4, 6))[y], y


def test_invariances(cloud):
    Z, y = cloud
    expected = (recall_at_1(Z, y), map_at_r(Z, y))
    random = np.random.default_rng(0)
    rotation = np.linalg.qr(random.normal(size=(6, 6)))[0]
    order = random.permutation(len(y))
    names = np.array(["zebra", "ant", "cow", "bee"])
    for moved, labels in (
        (Z[order], y[order]),
        (Z, names[y]),
        (Z @ rotation, y),
        (Z + 1e5, y),
        (Z * 3.7e-30, y),
        (Z * 1e200, y),
        (np.hstack([Z, np.zeros((120, 2))]), y),
    ):
        assert (recall_at_1(moved, labels), map_at_r(moved, labels)) == pytest.approx(expected, abs=1e-12)


def test_an_outlier_does_not_blur_the_others(cloud):
    Z, y = cloud
    Z[0], y[0] = 1e7, 99  # alone in its class: from so far off, the others are all but one distance away
    assert (recall_at_1(Z, y), map_at_r(Z, y)) == pytest.approx(naive_scores(Z, y), abs=1e-12)


def test_unlabelled_rows_are_left_out(cloud):
    Z, y = cloud
    hidden = np.where(np.arange(120) % 3 == 0, -1, y)
    kept = hidden != -1
    assert map_at_r(Z, hidden) == map_at_r(Z[kept], y[kept])
    assert map_at_r(Z, [None if v == -1 else f"c{v}" for v in hidden]) == map_at_r(Z[kept], y[kept])


@pytest.mark.parametrize("elements", [1, 500, 7000])
@pytest.mark.parametrize("tile", [1, 7, 120])
def test_blocks_and_tiles_do_not_change_the_scores(cloud, monkeypatch, elements, tile):
    expected = (recall_at_1(*cloud), map_at_r(*cloud))
    monkeypatch.setattr(retrieval, "BLOCK_ELEMENTS", elements)
    monkeypatch.setattr(retrieval, "TILE_ROWS", tile)
    assert (recall_at_1(*cloud), map_at_r(*cloud)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 12, 300])
def test_equals_a_sort_of_all_distances_where_there_are_many_rows(classes):
    """Many enough for small classes' nearest rows to be found below a bound guessed from a sample."""
    random = np.random.default_rng(classes)
    y = random.integers(classes, size=1500)
    Z = random.integers(-8, 9, size=(1500, 3))  # a lattice: distances are whole numbers, many of them equal
    distances = np.square(Z[:, None] - Z).sum(2)
    hits, precisions = [], []
    for query, own in enumerate(y == y[:, None]):
        wanted = own.sum() - 1
        if wanted:
            others = np.arange(1500) != query
            order = np.lexsort((own[others], distances[query][others]))  # among ties other classes come first
            relevant = own[others][order][:wanted]
            hits.append(relevant[0])
            precisions.append((np.cumsum(relevant) / np.arange(1, wanted + 1))[relevant].sum() / wanted)
    assert (recall_at_1(Z, y), map_at_r(Z, y)) == pytest.approx((np.mean(hits), np.mean(precisions)), abs=1e-12)


@pytest.mark.parametrize("count", [1, 40, 900, 2000, 4000])
def test_the_smallest_are_found_whatever_a_sample_of_them_says(count):
    random = np.random.default_rng(0)
    hidden = np.full(4000, 10**6, np.uint32)
    hidden[np.arange(4000) % 32 != 0] = random.integers(1000, size=3875)  # every 32nd is large
    low = np.where(np.arange(4000) % 32 == 0, 0, 7 + random.integers(1000, size=4000)).astype(np.uint32)
    for keys in (random.integers(2**32, size=4000, dtype=np.uint32), hidden, low, np.zeros(4000, np.uint32)):
        expected = np.sort(keys)[:count]
        assert np.array_equal(retrieval._smallest(keys, count), expected)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_memory_is_bounded_by_the_block_whatever_the_number_of_classes(monkeypatch, classes):
    random = np.random.default_rng(0)
    Z, y = random.normal(size=(3000, 4)), random.integers(classes, size=3000)
    monkeypatch.setattr(retrieval, "BLOCK_ELEMENTS", 2**16)
    tracemalloc.start()
    map_at_r(Z, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6  # 12 bytes a distance; all distances at once would be 36e6 bytes in the smallest format
