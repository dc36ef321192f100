"""Networks may run in half precision; what is computed from their outputs does not."""

import torch
from torch import Tensor


def at_least_float32(output: Tensor) -> Tensor:
    """Return ``output`` in float32 if it is in half precision, else as it is."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
