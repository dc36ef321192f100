"""Views: small, random, different for each row, and of the size that is promised."""

import math

import pytest
import torch

from semimetric.data.augmentation import Corrupt, Deform, Natural, get_augmentation


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
    assert get_augmentation("auto", is_image=False, corruption=0.3).share == 0.3
    assert isinstance(get_augmentation("deform", is_image=True), Deform)
    assert [get_augmentation("corrupt", False, corruption=share).share for share in (0.0, 0.3)] == [0.1, 0.3]


def test_unknown_names_get_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown augmentation 'deforn': did you mean 'deform'\? Known: auto, corrupt"
    ):
        get_augmentation("deforn", is_image=True)


def test_vectors_cannot_be_deformed():
    with pytest.raises(ValueError, match="augmentation 'deform' is for images, but X holds vectors: use 'none' or 'au"):
        get_augmentation("deform", is_image=False)


def test_images_cannot_be_corrupted():
    with pytest.raises(ValueError, match="augmentation 'corrupt' is for vectors, but X holds images: use 'none' or 'a"):
        get_augmentation("corrupt", is_image=True)


# Vectors ----------------------------------------------------------------------------------------------


def test_features_are_replaced_by_the_same_feature_of_other_rows_as_often_as_said():
    torch.manual_seed(0)
    x = torch.arange(20_000.0).view(2_000, 10)  # no two numbers alike, and the last digit is the feature
    before = x.clone()
    view = Corrupt(0.3)(x)
    assert x.equal(before)
    assert (view % 10).equal(x % 10)
    replaced = (view != x).float()
    assert replaced.mean().item() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / x.numel()))
    assert replaced.mean(0).sub(0.3).abs().max() < 4 * math.sqrt(0.21 / len(x))
    # Features are replaced one by one, and not all from the same row.
    assert torch.corrcoef(replaced.T).fill_diagonal_(0).abs().max() < 4 / math.sqrt(len(x))
    twice = (view != x).sum(1) == 2
    sources = (view // 10)[twice][(view != x)[twice]].view(-1, 2)
    assert (sources[:, 0] == sources[:, 1]).float().mean() < 0.02


@pytest.mark.parametrize(("share", "changed"), [(0.0, 0), (1.0, 12)])
def test_nothing_and_everything(share, changed):
    torch.manual_seed(0)
    x = torch.arange(12.0).view(4, 3)
    view = Corrupt(share)(x)
    assert view.sort(0).values.equal(x)  # of each feature the same numbers: all drawn, or none moved
    assert (view != x).sum() <= changed


def test_views_of_vectors_are_drawn_from_torchs_seed():
    x, views = torch.rand(50, 7, generator=torch.Generator().manual_seed(0)), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        views.append(Corrupt()(x))
    assert views[0].equal(views[1])
    assert not views[0].equal(views[2])
    assert Corrupt()(x[:1]).equal(x[:1])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=f"share must be between 0 and 1, got {share!r}"):
        Corrupt(share)


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


# Natural ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 3, 12, 12), (64, 1, 9, 20)], ids=str)
def test_natural_views_keep_shape_and_range_and_the_input(shape):
    torch.manual_seed(0)
    x = images(*shape)
    view = Natural()(x)
    assert view.shape == shape
    assert 0 <= view.min() < view.max() <= 1
    assert x.equal(images(*shape))
    assert len({tuple(row.flatten().tolist()) for row in Natural()(x[:1].expand(64, -1, -1, -1))}) == 64


def test_natural_without_any_change_is_the_identity():
    x = images(8, 3, 9, 14)
    torch.testing.assert_close(Natural(smallest=1.0, flip=False, colour=0.0)(x), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "views", [Natural(smallest=1.0, colour=0.0), Deform(0.0, flip=True)], ids=["natural", "deform"]
)
def test_about_half_of_the_rows_are_mirrored(views):
    torch.manual_seed(0)
    x = images(400, 1, 6, 6)
    view = views(x)
    same, mirrored = ((view - other).abs().flatten(1).max(1).values < 1e-4 for other in (x, x.flip(-1)))
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


def test_crops_lie_within_the_image_and_are_as_large_as_promised():
    """Read off an image whose pixels hold their own places: a crop is an affine map of them."""
    torch.manual_seed(0)
    across, down = torch.meshgrid(torch.linspace(0, 1, 33), torch.linspace(0, 1, 33), indexing="xy")
    x = torch.stack([across, down]).expand(500, -1, -1, -1).double()
    view = Natural(smallest=0.3, flip=False, colour=0.0)(x)
    widths, heights = view[:, 0, 0, -1] - view[:, 0, 0, 0], view[:, 1, -1, 0] - view[:, 1, 0, 0]
    areas = widths * heights  # of the middles of the outermost pixels, which may go beyond those of the image
    assert (areas > 0.29).all()
    assert areas.min() < 0.35
    assert areas.max() > 0.9
    ratios = widths / heights
    assert 0.73 < ratios.min() < 0.85
    assert 1.2 < ratios.max() < 1.37
    assert view[:, 0, 0, 0].min() < 0.05
    assert view[:, 0, 0, -1].max() > 0.95  # they lie anywhere


def test_colours_are_changed_by_one_map_a_row():
    """Without a clamp in reach: brightness and contrast are a line over grey images, another one for each."""
    torch.manual_seed(0)
    x = 0.45 + 0.1 * images(50, 1, 5, 5).double()
    view = Natural(smallest=1.0, flip=False, colour=0.3)(x)
    slopes = (view - view.mean((1, 2, 3), keepdim=True)).flatten(1) / (x - x.mean((1, 2, 3), keepdim=True)).flatten(1)
    shifts = (view - x).mean((1, 2, 3))
    torch.testing.assert_close(slopes, slopes[:, :1].expand_as(slopes), rtol=1e-3, atol=1e-3)
    for found, middle in ((slopes[:, 0], 1.0), (shifts, 0.0)):
        assert middle - 0.3 <= found.min() < middle - 0.2
        assert middle + 0.2 < found.max() <= middle + 0.3


def test_a_flipped_view_is_the_view_of_the_mirror_image():
    x, views = images(40, 1, 12, 12), []
    for row, flip in ((x, True), (x, False), (x.flip(-1), False)):
        torch.manual_seed(0)
        views.append(Deform(1.0, flip)(row))
    either, plain, mirrored = views
    same, flipped = ((either - other).abs().flatten(1).max(1).values < 1e-5 for other in (plain, mirrored))
    assert (same ^ flipped).all()
    assert 10 < flipped.sum() < 30


def test_flip_is_the_presets_deformation_with_mirror_images():
    flip = get_augmentation("flip", is_image=True, deformation=0.4)
    assert isinstance(flip, Deform)
    assert (flip.strength, flip.flip) == (0.4, True)
    assert not get_augmentation("deform", is_image=True).flip
    with pytest.raises(ValueError, match="augmentation 'flip' is for images, but X holds vectors"):
        get_augmentation("flip", is_image=False)


def test_natural_is_asked_for_by_name_and_for_images_only():
    assert isinstance(get_augmentation("natural", is_image=True), Natural)
    with pytest.raises(ValueError, match="augmentation 'natural' is for images, but X holds vectors"):
        get_augmentation("natural", is_image=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"smallest": 0.0}, "smallest must be above 0 and at most 1, got 0.0"),
        ({"smallest": float("nan")}, "smallest must be above 0 and at most 1, got nan"),
        ({"colour": 1.5}, "colour must be between 0 and 1, got 1.5"),
    ],
)
def test_natural_refuses_what_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        Natural(**wrong)
