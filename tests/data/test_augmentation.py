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


def test_it_is_as_strong_as_it_says():
    """The affine map of each view, read off an image whose pixels hold their own coordinates.

    Sixteen pixels put every third one on a node of the 6 × 6 grid, where the elastic displacement is that node's own:
    four nodes at (±u, ±u) give the map and, by their noise of 2.5 % (0.05 on the way from −1 to 1), its error.
    """
    n, s, u = 4000, 0.5, 9 / 16
    centres = (2 * torch.arange(16, dtype=torch.float64) + 1) / 16 - 1
    coordinates = torch.stack(torch.meshgrid(centres, centres, indexing="xy")).expand(n, 2, 16, 16).contiguous()
    torch.manual_seed(0)
    nodes = Deform(s)(coordinates)[:, :, 3::9, 3::9]  # (n, [right, down], 2, 2)
    shift = nodes.mean((2, 3))
    right = (nodes[..., 1] - nodes[..., 0]).sum(2) / (4 * u)  # where a step to the right leads
    down = (nodes[..., 1, :] - nodes[..., 0, :]).sum(2) / (4 * u)

    turn, zoom, elastic = 0.2 * s, 1 + (0.1 * s) ** 2, (0.05 * s) ** 2  # a deviation, E[zoom²], a variance
    zoom_sin = zoom * (1 - math.exp(-2 * turn**2)) / 2
    zoom_cos = zoom * (1 + math.exp(-2 * turn**2)) / 2 - math.exp(-(turn**2))
    shear = (0.15 * s) ** 2
    noise = elastic / (4 * u**2)
    for found, mean, variance in [
        (shift[:, 0], 0, (0.06 * s) ** 2 + elastic / 4),
        (shift[:, 1], 0, (0.06 * s) ** 2 + elastic / 4),
        (right[:, 0], math.exp(-(turn**2) / 2), zoom_cos + noise),
        (down[:, 1], math.exp(-(turn**2) / 2), zoom_cos + noise),
        (right[:, 1], 0, zoom_sin + noise),
        (down[:, 0], 0, zoom_sin + shear + noise),
    ]:
        assert found.mean().item() == pytest.approx(mean, abs=4 * math.sqrt(variance / n))
        assert found.std().item() == pytest.approx(math.sqrt(variance), rel=4 / math.sqrt(2 * n))
    for product, mean in [
        (down[:, 0] * right[:, 1], -zoom_sin),  # opposite in sign: a rotation, not a stretch
        (shift[:, 0] * shift[:, 1], 0),  # not along a diagonal
    ]:
        assert product.mean().item() == pytest.approx(mean, abs=4 * product.std().item() / math.sqrt(n))


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


def test_a_rotation_is_one_on_images_of_any_shape(monkeypatch):
    """Turned by 0.2 rad and nothing else, a wide image's middle row keeps its slope in pixels, not in shares."""
    width, height = 65, 17
    asked = []
    monkeypatch.setattr(
        "semimetric.data.augmentation.F.grid_sample", lambda x, places, **options: asked.append(places) or x
    )
    turned = torch.zeros(5, 1, 1, 1)
    turned[0] = 1.0
    monkeypatch.setattr(torch, "randn", lambda *shape, **like: turned if shape[0] == 5 else torch.zeros(*shape, **like))
    Deform(1.0)(torch.zeros(1, 1, height, width))
    pixels = asked[0][0] * torch.tensor([width / 2, height / 2])  # where each pixel is taken from, in pixels
    along_row = pixels[height // 2, -1] - pixels[height // 2, 0]
    along_column = pixels[-1, width // 2] - pixels[0, width // 2]
    assert torch.atan2(along_row[1], along_row[0]).item() == pytest.approx(0.2, abs=1e-5)
    assert torch.atan2(-along_column[0], along_column[1]).item() == pytest.approx(0.2, abs=1e-5)
    assert along_row.norm().item() == pytest.approx(width - 1, rel=1e-5)
