"""Histograms of oriented gradients: as loops over pixels would make them, and blind to what they should not see."""

import math

import numpy as np
import pytest
import torch

from semimetric.data.gradients import oriented_gradients


def images(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def naive(image, cells=7, orientations=12):
    """Histogram of one image (c, h, w), pixel by pixel."""
    _, h, w = image.shape
    cells = min(cells, h), min(cells, w)
    sums = np.zeros((orientations, *cells))
    for i in range(h):
        for j in range(w):
            up, down, left, right = max(i - 1, 0), min(i + 1, h - 1), max(j - 1, 0), min(j + 1, w - 1)
            steps = [(p[i, right] - p[i, left], p[down, j] - p[up, j]) for p in image]
            dx, dy = max(steps, key=lambda step: math.hypot(*step))
            angle = math.atan2(dy, dx) % math.tau / math.tau * orientations
            for o in range(orientations):
                off = min(abs(angle - o), orientations - abs(angle - o))
                for a in range(cells[0]):
                    for b in range(cells[1]):
                        down_by = abs((i + 0.5) * cells[0] / h - a - 0.5)
                        right_by = abs((j + 0.5) * cells[1] / w - b - 0.5)
                        part = max(0, 1 - off) * max(0, 1 - down_by) * max(0, 1 - right_by)
                        sums[o, a, b] += part * math.hypot(dx, dy)
    vector = np.sqrt(sums).ravel()
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("shape", [(1, 9, 9), (3, 14, 8), (1, 4, 10), (2, 2, 3)])
def test_as_pixel_by_pixel(shape):
    x = images(2, *shape)
    expected = np.stack([naive(image) for image in x.numpy()])
    np.testing.assert_allclose(oriented_gradients(x).numpy(), expected, atol=1e-12)


def test_vectors_are_of_unit_length():
    x = images(5, 3, 28, 28).float()
    found = oriented_gradients(x)
    assert found.shape == (5, 12 * 49)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(5))


def test_brightness_and_contrast_do_not_count():
    x = images(4, 1, 12, 12)
    torch.testing.assert_close(oriented_gradients(0.3 * x + 5), oriented_gradients(x))


def test_a_turn_by_a_quarter_turns_cells_and_directions():
    x = images(4, 1, 14, 14)
    found = oriented_gradients(x).reshape(4, 12, 7, 7)
    turned = oriented_gradients(torch.rot90(x, dims=(2, 3))).reshape(4, 12, 7, 7)
    torch.testing.assert_close(turned, torch.rot90(found.roll(-3, dims=1), dims=(2, 3)))


def test_dark_on_light_is_not_light_on_dark():
    x = images(4, 1, 14, 14)
    found, inverted = (oriented_gradients(each).reshape(4, 12, 49) for each in (x, -x))
    torch.testing.assert_close(inverted, found.roll(6, dims=1))


def test_of_colours_the_steepest_counts():
    x = images(4, 1, 10, 10)
    torch.testing.assert_close(oriented_gradients(torch.cat([0.5 * x, x, 0 * x], dim=1)), oriented_gradients(x))


def test_a_small_move_is_a_small_change():
    """Of a bar moved by one pixel of 28; of all pixels of its edges every one changes."""
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 4:24, 12:16] = 1
    found, moved = oriented_gradients(bar), oriented_gradients(bar.roll(1, dims=3))
    assert (found * moved).sum() > 0.9
    assert (found * oriented_gradients(bar.transpose(2, 3))).sum() < 0.6


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (1, 5)])
def test_an_image_of_one_value_is_nothing(shape):
    found = oriented_gradients(torch.full((2, 1, *shape), 0.3))
    assert found.shape == (2, 12 * min(7, shape[0]) * min(7, shape[1]))
    assert not found.any()
