"""Random views of a batch of inputs, drawn on the device the batch is on."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from semimetric.errors import nearest_names

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
        n, s = len(x), self.strength
        normal = torch.randn(5, n, device=x.device, dtype=x.dtype) * s
        cos, sin = torch.cos(0.2 * normal[0]), torch.sin(0.2 * normal[0])
        zoom = 1 + 0.1 * normal[1]
        first = torch.stack([zoom * cos, 0.15 * normal[2] - zoom * sin, 0.06 * normal[3]], dim=1)
        second = torch.stack([zoom * sin, zoom * cos, 0.06 * normal[4]], dim=1)
        grid = F.affine_grid(torch.stack([first, second], dim=1), list(x.shape), align_corners=False)
        push = torch.randn(n, 2, 6, 6, device=x.device, dtype=x.dtype) * (0.05 * s)
        push = F.interpolate(push, size=x.shape[-2:], mode="bicubic", align_corners=True)
        grid = grid + push.permute(0, 2, 3, 1)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


AUGMENTATIONS: dict[str, Callable[[], Augmentation]] = {"deform": Deform}


def get_augmentation(augmentation: str | Augmentation | None, is_image: bool) -> Augmentation | None:
    """Return the augmentation of that name: "auto" (`Deform` for images, none for vectors), "none", or one's own.

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
        return Deform() if is_image else None
    if augmentation not in AUGMENTATIONS:
        known = nearest_names(augmentation, ["auto", "none", *AUGMENTATIONS])
        raise ValueError(f"unknown augmentation {augmentation!r}: {known}")
    if not is_image:
        raise ValueError(f"augmentation {augmentation!r} is for images, but X holds vectors: use 'none' or 'auto'")
    return AUGMENTATIONS[augmentation]()
