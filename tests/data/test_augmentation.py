"""Deformations: small, random, different for each row, and of the size that is promised."""

import math

import pytest
import torch

from semimetric.data.augmentation import Deform, get_augmentation


def images(n=6, c=1, h=28, w=28):
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(6, 1, 28, 28), (4, 3, 8, 13), (1, 1, 9, 64)])
@pytest.mark.parametrize("strength", [0.3, 1.0, 5.0])
def test_shape_and_range_are_kept(shape, strength):
    torch.manual_seed(0)
    x = images(*shape)
    out = Deform(strength)(x)
    assert out.shape == shape
    assert out.dtype == x.dtype
    low, high = x.flatten(2).min(2).values, x.flatten(2).max(2).values  # a view mixes a channel's own pixels
    assert (out.flatten(2) >= low[..., None] - 1e-6).all()
    assert (out.flatten(2) <= high[..., None] + 1e-6).all()


@pytest.mark.parametrize("shape", [(6, 1, 28, 28), (4, 3, 9, 14)])
def test_strength_zero_is_the_identity(shape):
    x = images(*shape)
    torch.testing.assert_close(Deform(0.0)(x), x, rtol=0, atol=1e-5)


def test_the_input_is_left_alone():
    x = images()
    Deform()(x)
    assert x.equal(images())


def test_drawn_from_torchs_seed():
    x, views = images(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        views.append(Deform()(x))
    assert views[0].equal(views[1])
    assert not views[0].equal(views[2])


def test_every_row_is_deformed_in_its_own_way_and_every_channel_alike():
    torch.manual_seed(0)
    views = Deform()(images(1, 1).expand(5, 3, -1, -1))
    for i in range(5):
        assert views[i, 0].equal(views[i, 1])
        assert all(not views[i].equal(views[j]) for j in range(i))


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_how_far_the_centre_moves(strength, axis):
    """On an image whose pixels hold their own coordinate, a view's centre holds the place that it was taken from.

    Neither rotation, scale nor shear moves the centre. Translation does by 3 % of the width (0.06 on the way from
    −1 to 1), and the grid's noise by 2.5 % (0.05) times the length of the bicubic weights halfway between nodes.
    """
    n, size = 4000, 17
    ramp = (2 * torch.arange(size, dtype=torch.float64) + 1) / size - 1
    x = (ramp if axis else ramp[:, None]).expand(n, 1, size, size).contiguous()
    torch.manual_seed(0)
    moved = Deform(strength)(x)[:, 0, size // 2, size // 2]
    along = 2 * (0.59375**2 + 0.09375**2)  # Σ weight² on one axis, of four nodes
    expected = strength * math.sqrt(0.06**2 + 0.05**2 * along**2)
    assert abs(moved.mean().item()) < 4 * expected / math.sqrt(n)
    assert moved.std().item() == pytest.approx(expected, rel=4 / math.sqrt(2 * n))


@pytest.mark.parametrize("strength", [-0.1, float("nan")])
def test_a_strength_below_zero_is_refused(strength):
    with pytest.raises(ValueError, match=f"strength must be at least 0, got {strength!r}"):
        Deform(strength)


def test_names():
    for is_image in (True, False):
        assert get_augmentation("none", is_image) is None
        assert get_augmentation(None, is_image) is None
        assert get_augmentation(torch.sin, is_image) is torch.sin
    assert isinstance(get_augmentation("auto", is_image=True), Deform)
    assert get_augmentation("auto", is_image=False) is None
    assert isinstance(get_augmentation("deform", is_image=True), Deform)


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match=r"unknown augmentation 'deforn': did you mean 'deform'\? Known: auto, deform"):
        get_augmentation("deforn", is_image=True)


def test_vectors_cannot_be_deformed():
    with pytest.raises(ValueError, match="augmentation 'deform' is for images, but X holds vectors: use 'none' or 'au"):
        get_augmentation("deform", is_image=False)
