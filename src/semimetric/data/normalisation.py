"""Normalisation: fitted on the training inputs, stored in the model, applied batch by batch on its device."""

import numpy as np
import torch
from torch import Tensor, nn

from semimetric.data.arrays import InputForm

PART = 8192  # rows
KINDS = ("auto", "unit", "standard", "none")


class Normaliser(nn.Module):
    """``(x − shift) / scale``, element by element; a module, so that its two arrays are saved with the model.

    "unit" brings the data's range to [0, 1]: uint8 images are divided by 255, floats by the range of the
    training data, unless they are shares already (least at least 0, greatest between 0.5 and 1). "standard"
    gives each feature mean 0 and variance 1. "auto" is "unit" for images and "standard" for vectors.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        per_element = shape if len(shape) == 1 else (1, 1, 1)
        self.register_buffer("shift", torch.zeros(per_element))
        self.register_buffer("scale", torch.ones(per_element))

    def fit(self, rows: np.ndarray, form: InputForm, kind: str = "auto") -> "Normaliser":
        """Set shift and scale from training rows (n, …) in the networks' layout, and return self."""
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind == "auto":
            kind = "unit" if form.is_image else "standard"
        if kind == "standard":
            shift, scale = _moments(rows)
            # A feature that never varies stays at zero instead of being blown up by rounding.
            scale = np.where(scale > 1e-7 * np.abs(shift), scale, 1.0)
        elif kind == "unit":
            low, high = (0.0, 255.0) if form.integer else (float(rows.min()), float(rows.max()))
            if low >= 0 and 0.5 <= high <= 1:  # shares already: where the brightest pixel is not quite white
                low, high = 0.0, 1.0
            shift, scale = np.asarray(low), np.asarray(high - low if high > low else 1.0)
        else:
            shift, scale = np.asarray(0.0), np.asarray(1.0)
        self.shift.copy_(torch.as_tensor(shift))
        self.scale.copy_(torch.as_tensor(scale))
        return self

    def forward(self, rows: Tensor) -> Tensor:
        """Return the normalised rows, float32 (float64 for float64 rows)."""
        rows = rows if rows.is_floating_point() else rows.float()
        return (rows - self.shift.to(rows.dtype)).div_(self.scale.to(rows.dtype))

    def inverse(self, x: Tensor) -> Tensor:
        """Return normalised rows in the units of the data."""
        return x * self.scale + self.shift


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation per feature, or of all pixels, in float64, a part of the rows at a time."""
    axes = (0,) if rows.ndim == 2 else tuple(range(rows.ndim))
    parts = [rows[start : start + PART] for start in range(0, len(rows), PART)]
    count = len(rows) if rows.ndim == 2 else rows.size
    mean = sum(part.sum(axes, dtype=np.float64) for part in parts) / count
    square = sum(np.square(part - mean, dtype=np.float64).sum(axes) for part in parts) / count
    return np.asarray(mean), np.sqrt(square)
