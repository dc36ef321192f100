"""Random views of a batch of inputs, drawn on the device the batch is on."""

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

    They leave a digit the digit it is and an organ the organ; no flips, no colours.

    Parameters
    ----------
    strength : float
        1 means standard deviations of 0.2 rad of rotation, 10 % of scale, 0.15 of shear, 3 % of the image's
        width of translation, and 2.5 % of elastic displacement on a 6 × 6 grid.

    >>> Deform(0.0)(torch.ones(2, 1, 8, 8)).unique()
    tensor([1.])
    """

    def __init__(self, strength: float = 0.7) -> None:
        if not strength >= 0:
            raise ValueError(f"strength must be at least 0, got {strength!r}")
        self.strength = strength

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
        return F.grid_sample(x, places, padding_mode="border", align_corners=False)


def _centres(pixels: int, **like: Any) -> Tensor:
    """Return the pixels' centres along one side, in the coordinates of `grid_sample`: −1 to 1 from edge to edge."""
    return (torch.arange(pixels, **like) * 2 + 1) / pixels - 1


AUGMENTATIONS: dict[str, Callable[[float], Augmentation]] = {"deform": Deform}


def get_augmentation(
    augmentation: str | Augmentation | None, is_image: bool, strength: float = 0.7
) -> Augmentation | None:
    """Return the augmentation of that name: "auto" (`Deform` for images, none for vectors), "none", or one's own.

    ``strength`` is of those that have names.

    Raises
    ------
    ValueError
        If the name is unknown, or does not apply to vectors.
    """
    if augmentation is None or augmentation == "none":
        return None
    if not isinstance(augmentation, str):
        return augmentation
    if augmentation == "auto":
        return Deform(strength) if is_image else None
    if augmentation not in AUGMENTATIONS:
        known = nearest_names(augmentation, ["auto", "none", *AUGMENTATIONS])
        raise ValueError(f"unknown augmentation {augmentation!r}: {known}")
    if not is_image:
        raise ValueError(f"augmentation {augmentation!r} is for images, but X holds vectors: use 'none' or 'auto'")
    return AUGMENTATIONS[augmentation](strength)
