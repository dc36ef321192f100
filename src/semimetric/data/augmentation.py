"""Random views of a batch of inputs, drawn on the device the batch is on."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semimetric.errors import nearest_names

COARSE = 6  # points a side of the grid on which elastic displacements are drawn

Augmentation = Callable[[Tensor], Tensor]


class Deform:
    """Small random affine and elastic deformations of images, another one for each row (Simard et al. 2003).

    They leave a digit the digit it is and an organ the organ; no colours, and mirror images only where they are asked
    for.

    Parameters
    ----------
    strength : float
        1 means standard deviations of 0.2 rad of rotation, 10 % of scale, 0.15 of shear, 3 % of the image's
        width of translation, and 2.5 % of elastic displacement on a 6 × 6 grid.
    flip : bool
        Whether half of the rows are mirrored, left for right: where that leaves every image one of its class, as it
        does eyes, cells and clothes, but not digits.

    >>> Deform(0.0)(torch.ones(2, 1, 8, 8)).unique()
    tensor([1.])
    """

    def __init__(self, strength: float = 0.7, flip: bool = False) -> None:
        if not strength >= 0:
            raise ValueError(f"strength must be at least 0, got {strength!r}")
        self.strength, self.flip = strength, flip

    def __call__(self, x: Tensor) -> Tensor:
        """Return a deformed copy of images (n, c, h, w)."""
        n, (h, w) = len(x), x.shape[-2:]
        like: dict[str, Any] = {"device": x.device, "dtype": x.dtype}
        turn, zoom, shear, right, down = torch.randn(5, n, 1, 1, **like) * self.strength
        cos, sin, zoom = torch.cos(0.2 * turn), torch.sin(0.2 * turn), 1 + 0.1 * zoom
        across, along = _centres(w, **like), _centres(h, **like)[:, None]
        places = torch.stack(
            [
                zoom * cos * across + (0.15 * shear - zoom * sin) * along * (h / w) + 0.06 * right,
                zoom * sin * across * (w / h) + zoom * cos * along + 0.06 * down,
            ],
            dim=-1,
        )
        # The elastic field: noise on a coarse grid, made smooth by bicubic interpolation, which is linear.
        coarse = torch.randn(n, 2, COARSE**2, **like) * (0.05 * self.strength)
        bases = torch.eye(COARSE**2, **like).view(1, COARSE**2, COARSE, COARSE)
        smooth = F.interpolate(bases, size=(h, w), mode="bicubic", align_corners=True).view(COARSE**2, h * w)
        places = places + (coarse @ smooth).view(n, 2, h, w).permute(0, 2, 3, 1)
        if self.flip:
            places[..., 0] *= _sides(n, **like).view(n, 1, 1)
        return F.grid_sample(x, places, padding_mode="border", align_corners=False)


def _centres(pixels: int, **like: Any) -> Tensor:
    """Return the pixels' centres along one side, in the coordinates of `grid_sample`: −1 to 1 from edge to edge."""
    return (torch.arange(pixels, **like) * 2 + 1) / pixels - 1


def _sides(n: int, **like: Any) -> Tensor:
    """Return 1 or −1 for each row: those that are mirrored."""
    return 1 - 2 * torch.randint(2, (n,), **like)


class Natural:
    """Crops, flips and colours of natural photographs, another one for each row (Chen et al. 2020, appendix A).

    A row is cut to a part of its area with its sides stretched by up to 4/3, mirrored or not, and its brightness,
    contrast and, of colour images, saturation change. Not for digits or letters, of which a mirror image is another
    one, nor for scans whose left is not their right: there, give one's own function, or ``Natural(flip=False)``.

    Parameters
    ----------
    smallest : float
        Of the area, the smallest part that a row is cut to; in (0, 1].
    flip : bool
        Whether half of the rows are mirrored.
    colour : float
        The largest change of brightness, as a share of the range, and of contrast and saturation, as a factor less 1;
        in [0, 1].

    >>> Natural(smallest=1.0, colour=0.0)(torch.tensor([[[[0.0, 1.0]]]])).sort().values
    tensor([[[[0., 1.]]]])
    """

    def __init__(self, smallest: float = 0.4, flip: bool = True, colour: float = 0.4) -> None:
        if not 0 < smallest <= 1:
            raise ValueError(f"smallest must be above 0 and at most 1, got {smallest!r}")
        if not 0 <= colour <= 1:
            raise ValueError(f"colour must be between 0 and 1, got {colour!r}")
        self.smallest, self.flip, self.colour = smallest, flip, colour

    def __call__(self, x: Tensor) -> Tensor:
        """Return a view of images (n, c, h, w) whose range is [0, 1]; others are brought into it."""
        return self._coloured(self._cut(x))

    def _cut(self, x: Tensor) -> Tensor:
        like: dict[str, Any] = {"device": x.device, "dtype": x.dtype}
        area = self.smallest + (1 - self.smallest) * torch.rand(len(x), **like)
        # What is cut to the whole area cannot be stretched, and nothing is cut wider than it is.
        stretch = torch.exp((2 * torch.rand(len(x), **like) - 1) * math.log(4 / 3)).clamp(area, 1 / area)
        sides = torch.stack([(area * stretch).sqrt(), (area / stretch).sqrt()], dim=1)
        middles = (2 * torch.rand(len(x), 2, **like) - 1) * (1 - sides)
        maps = torch.cat([torch.diag_embed(sides), middles[..., None]], dim=2)
        if self.flip:
            maps[:, 0, 0] *= _sides(len(x), **like)
        places = F.affine_grid(maps, list(x.shape), align_corners=False)
        return F.grid_sample(x, places, padding_mode="border", align_corners=False)

    def _coloured(self, x: Tensor) -> Tensor:
        if not self.colour:
            return x
        brighter, contrast, saturation = self.colour * (
            2 * torch.rand(3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype) - 1
        )
        grey = x.mean(dim=1, keepdim=True)
        x = grey + (1 + saturation) * (x - grey)
        middle = x.mean(dim=(1, 2, 3), keepdim=True)
        return (middle + (1 + contrast) * (x - middle) + brighter).clamp(0, 1)


class Corrupt:
    """Features of vectors replaced at random by what another row of the batch has there (SCARF, Bahri et al. 2022).

    Whatever a feature's unit and distribution, what stands in its place is one of its values.

    Parameters
    ----------
    share : float
        Of the features of a row that are replaced, on average; in [0, 1].

    >>> Corrupt(1.0)(torch.tensor([[1.0, 10.0], [1.0, 10.0]]))
    tensor([[ 1., 10.],
            [ 1., 10.]])
    """

    def __init__(self, share: float = 0.1) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"share must be between 0 and 1, got {share!r}")
        self.share = share

    def __call__(self, x: Tensor) -> Tensor:
        """Return a corrupted copy of vectors (n, features)."""
        others = torch.rand(x.shape, device=x.device).argsort(dim=0)  # a permutation of the rows for each feature
        return torch.where(torch.rand(x.shape, device=x.device) < self.share, x.gather(0, others), x)


AUGMENTATIONS = {"deform": "images", "flip": "images", "natural": "images", "corrupt": "vectors"}
"""Name → what it is for."""


def get_augmentation(
    augmentation: str | Augmentation | None, is_image: bool, deformation: float = 0.7, corruption: float = 0.0
) -> Augmentation | None:
    """Return the augmentation of that name, or one's own.

    "auto" is `Deform` for images, and for vectors `Corrupt` where ``corruption`` is not 0; "flip" is `Deform` with
    mirror images.

    Parameters
    ----------
    deformation : float
        Strength of `Deform`.
    corruption : float
        Share of features for `Corrupt`, asked for by name at least 0.1.

    Raises
    ------
    ValueError
        If the name is unknown, or does not apply to this kind of data.
    """
    if augmentation is None or augmentation == "none":
        return None
    if not isinstance(augmentation, str):
        return augmentation
    if augmentation == "auto":
        if is_image:
            return Deform(deformation)
        return Corrupt(corruption) if corruption else None
    if augmentation not in AUGMENTATIONS:
        known = nearest_names(augmentation, ["auto", "none", *AUGMENTATIONS])
        raise ValueError(f"unknown augmentation {augmentation!r}: {known}")
    kind, meant = "images" if is_image else "vectors", AUGMENTATIONS[augmentation]
    if kind != meant:
        raise ValueError(f"augmentation {augmentation!r} is for {meant}, but X holds {kind}: use 'none' or 'auto'")
    if augmentation == "natural":
        return Natural()
    return Deform(deformation, flip=augmentation == "flip") if is_image else Corrupt(corruption or 0.1)
