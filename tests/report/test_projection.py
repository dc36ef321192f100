"""Projections keep what they promise to keep."""

import numpy as np
import pytest

from semimetric.report.projection import project


def clusters(rows: int = 90, dimensions: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    y = np.arange(rows) % 3
    return 20.0 * np.eye(dimensions)[y] + random.normal(size=(rows, dimensions)), y


def test_two_dimensions_are_left_alone():
    Z = np.array([[1e6, -2.0], [3.0, 4e-9]])
    assert np.array_equal(project(Z).points, Z)


def test_one_dimension_keeps_its_axis():
    Z = np.linspace(0, 5, 7)[:, None]
    assert np.array_equal(project(Z).points[:, 0], Z[:, 0])
    assert "spread across it is random" in project(Z).note


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_tsne_keeps_neighbours_whatever_the_scale(scale):
    Z, y = clusters()
    placed = project(scale * Z)
    distances = np.linalg.norm(placed.points[:, None] - placed.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (y[distances.argmin(axis=1)] == y).all()
    assert "t-SNE" in placed.note


def test_tsne_is_seeded():
    Z, _ = clusters()
    assert np.array_equal(project(Z, seed=4).points, project(Z, seed=4).points)


def test_few_points_are_placed_by_pca_at_their_true_distances():
    # Points on a plane within four dimensions: two components hold all of it.
    plane = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [3.0, 4.0]])
    turned = plane @ np.array([[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5]])
    placed = project(turned)
    found = np.linalg.norm(placed.points[:, None] - placed.points[None], axis=2)
    assert found == pytest.approx(np.linalg.norm(plane[:, None] - plane[None], axis=2))
    assert "PCA" in placed.note


def test_duplicates_and_collapse():
    same = project(np.ones((30, 5)))
    assert (same.points == 0).all()
    assert "collapsed" in same.note
    twice = project(np.repeat(np.eye(5)[:2], 20, axis=0))
    assert np.isfinite(twice.points).all()
