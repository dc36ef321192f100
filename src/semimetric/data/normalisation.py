"""Normalisation: fitted on the training inputs, stored in the model, applied batch by batch on its device."""

import numpy as np
import torch
from torch import Tensor, nn

from semimetric.data.arrays import InputForm

KINDS = ("auto", "unit", "standard", "none")


class Normaliser(nn.Module):
    """``(x − shift) / scale``, element by element; a module, so that its two arrays are saved with the model.

    "unit" brings the data's range to [0, 1]: uint8 images are divided by 255, floats by the range of the
    training data, unless that lies in [0, 1] already. "standard" gives each feature mean 0 and variance 1.
    "auto" is "unit" for images and "standard" for vectors.
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
            axes = (0,) if rows.ndim == 2 else tuple(range(rows.ndim))
            shift, scale = rows.mean(axes, dtype=np.float64), rows.std(axes, dtype=np.float64)
            # A feature that never varies stays at zero instead of being blown up by rounding.
            scale = np.where(scale > 1e-7 * np.maximum(1.0, np.abs(shift)), scale, 1.0)
        elif kind == "unit":
            low, high = (0.0, 255.0) if form.integer else (float(rows.min()), float(rows.max()))
            if low >= 0 and high <= 1:
                low, high = 0.0, 1.0
            shift, scale = np.float64(low), np.float64(high - low if high > low else 1.0)
        else:
            shift, scale = np.float64(0), np.float64(1)
        self.shift.copy_(torch.as_tensor(shift))
        self.scale.copy_(torch.as_tensor(scale))
        return self

    def forward(self, rows: Tensor) -> Tensor:
        """Return the normalised rows, float32 (float64 for float64 rows)."""
        rows = rows if rows.is_floating_point() else rows.float()
        return (rows - self.shift.to(rows.dtype)) / self.scale.to(rows.dtype)

    def inverse(self, x: Tensor) -> Tensor:
        """Return normalised rows in the units of the data."""
        return x * self.scale + self.shift
