"""What rows are compared by: principal components, of images' gradients or of vectors."""

import numpy as np
import pytest
import torch

from semimetric.data.arrays import recognise
from semimetric.data.normalisation import Normaliser
from semimetric.training import TrainingData, descriptions
from semimetric.training.descriptor import Descriptor


def describe(data):
    return descriptions.describe(data).rows


def pixels(data):
    return [each.rows for each in descriptions.pixels(data)]


def colours(data):
    return [each.rows for each in descriptions.colours(data)]


def data_of(X, augmentation=None):
    form = recognise(X)
    return TrainingData(X, np.full(len(X), -1), Normaliser(form.shape).fit(X, form), augmentation)


def squared_distances(Z):
    return ((Z[:, None] - Z) ** 2).sum(axis=2)


def share_nearest_alike(found, classes):
    """The share of rows whose nearest other row is of their class."""
    distances = squared_distances(found)
    np.fill_diagonal(distances, np.inf)
    return (classes[distances.argmin(axis=1)] == classes).mean()


def by_range(X):
    """The naive twin: features from −1/2 to 1/2, but for their means."""
    X = X.astype(np.float64)
    return (X - X.mean(axis=0)) / np.ptp(X, axis=0)


@pytest.mark.parametrize("n", [2, 300, 20_000])
def test_vectors_of_few_numbers_are_described_by_these_over_their_range(n):
    X = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32) * [1, 1e-3, 1e3, 1] + [0, 0.1, 0, -9]
    np.testing.assert_allclose(describe(data_of(X.astype(np.float32))), by_range(X), atol=1e-4)


def test_units_of_vectors_do_not_matter():
    X = np.random.default_rng(0).exponential(size=(300, 4)).astype(np.float32)
    np.testing.assert_allclose(describe(data_of(X * [1, 10, 0.1, 7])), describe(data_of(X)), atol=1e-5)


def test_what_never_varies_tells_nothing_and_rounding_next_to_nothing():
    X = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    X[:, 1] = 3
    X[:, 2] = np.float32(1e6) + np.float32(0.0625) * (np.arange(300) % 2)
    found = np.ptp(describe(data_of(X)), axis=0)
    assert found[0] == pytest.approx(1)
    assert found[1] == 0
    assert found[2] < 0.1


def test_what_is_seldom_otherwise_is_not_blown_up():
    """Of two classes four features tell; fifty others are 0 but in a hundredth of the rows, as an image's edge is."""
    rng = np.random.default_rng(0)
    classes = np.arange(300) % 2
    X = (rng.random((300, 50)) < 0.01).astype(np.float32)
    X[:, :4] = classes[:, None] + rng.normal(scale=0.1, size=(300, 4))
    data = data_of(X)
    compared = (describe(data), data.normaliser(torch.from_numpy(X)).numpy())
    right = [share_nearest_alike(found, classes) for found in compared]
    assert right[0] > 0.99 > 0.95 > right[1]


def test_vectors_of_many_keep_what_varies_most():
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(300, 3)) @ rng.normal(size=(3, 150))).astype(np.float32)
    data = data_of(X)
    found = describe(data)
    assert found.shape == (300, 100)
    assert found.dtype == np.float32
    expected = squared_distances(by_range(X))
    np.testing.assert_allclose(squared_distances(found.astype(np.float64)), expected, rtol=1e-3, atol=1e-3)


def test_components_are_of_some_rows_and_given_for_all(monkeypatch):
    monkeypatch.setattr(descriptions, "COMPONENT_ROWS", 20)
    X = np.random.default_rng(0).normal(size=(300, 150)).astype(np.float32)
    found = describe(data_of(X))
    assert found.shape == (300, 20)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(describe(data_of(X)), found)


def test_images_are_near_that_show_the_same_however_bright():
    """Horizontal and vertical bars, each in its own brightness and contrast."""
    rng = np.random.default_rng(0)
    X = np.zeros((60, 28, 28), np.float32)
    upright = np.arange(60) % 2 == 0
    for image, is_upright in zip(X, upright, strict=True):
        start = rng.integers(9, 14)
        image[4:24, start : start + 4] = 1
        if not is_upright:
            image[:] = image.T.copy()
    X = X * rng.uniform(0.1, 1, (60, 1, 1)) + rng.uniform(0, 1, (60, 1, 1))
    data = data_of(X[:, None].astype(np.float32))
    right = [share_nearest_alike(found, upright) for found in (describe(data), *pixels(data))]
    assert right[0] == 1 > right[1]


def test_pixels_components_are_as_far_apart_as_they():
    X = np.random.default_rng(0).normal(size=(80, 1, 12, 12)).astype(np.float32)
    data = data_of(X)
    flat = data.normaliser(torch.from_numpy(X)).flatten(1).numpy()
    np.testing.assert_allclose(squared_distances(pixels(data)[0]), squared_distances(flat), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("n", [1, 2, 300])
def test_images_that_show_nothing_are_alike(n):
    data = data_of(np.full((n, 1, 28, 28), 7, np.uint8))
    for found in (describe(data), *pixels(data)):
        assert len(found) == n
        np.testing.assert_allclose(found, 0, atol=1e-4)


def test_views_have_no_part_in_it():
    X = np.random.default_rng(0).integers(0, 256, (30, 1, 12, 12), dtype=np.uint8)
    views = data_of(X, augmentation=lambda x: x * torch.randn(1) + 100)
    np.testing.assert_array_equal(describe(views), describe(data_of(X)))
    np.testing.assert_array_equal(pixels(views), pixels(data_of(X)))


def test_vectors_have_no_pixels():
    assert pixels(data_of(np.ones((30, 5), np.float32))) == []


# Colours ----------------------------------------------------------------------------------------------


def test_colours_are_the_channels_moments():
    X = np.random.default_rng(0).integers(0, 256, (300, 3, 9, 8), dtype=np.uint8)
    x = X / 255
    expected = np.concatenate([x.mean(axis=(2, 3)), x.std(axis=(2, 3))], axis=1)
    np.testing.assert_allclose(colours(data_of(X))[0], expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(30, 1, 12, 12), (30, 5)])
def test_what_has_no_colours_is_not_described_by_them(shape):
    assert colours(data_of(np.ones(shape, np.float32))) == []


# What makes them, of new rows -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (150,), (1, 12, 12), (3, 12, 12)], ids=["few", "many", "grey", "coloured"])
def test_new_rows_are_described_as_those_that_were_there(shape):
    X = np.random.default_rng(0).random((120, *shape), dtype=np.float32)
    data = data_of(X)
    for found in (descriptions.describe(data), *descriptions.pixels(data), *descriptions.colours(data)):
        for rows in (slice(3, 4), slice(10, 50)):
            again = found.descriptor(data.normaliser(torch.from_numpy(X[rows])))
            assert again.dtype == np.float32
            np.testing.assert_allclose(again, found.rows[rows], atol=1e-4)


def test_components_are_those_of_the_covariance():
    """By an eigendecomposition in float64, but for signs."""
    X = np.random.default_rng(0).standard_normal((400, 6)).astype(np.float32) @ np.diag([9, 5, 3, 2, 1, 0.5]) + 4
    data = data_of(X.reshape(400, 1, 2, 3).repeat(9, axis=2).repeat(9, axis=3).astype(np.float32))
    found = descriptions.pixels(data)[0]
    flat = data.normaliser(data.inputs).flatten(1).double().numpy()
    centred = flat - flat.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:6]
    np.testing.assert_allclose(np.abs(found.rows[:, :6]), np.abs(centred @ axes.T), rtol=1e-2, atol=1e-2)


def test_features_may_be_given_as_they_are():
    x = torch.arange(12.0).reshape(2, 1, 2, 3)
    np.testing.assert_array_equal(Descriptor("pixels")(x), np.arange(12.0).reshape(2, 6))
