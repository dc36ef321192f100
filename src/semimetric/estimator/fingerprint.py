"""What must be the same for a resumed fit to be the same fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from semimetric.training import TrainingData, TrainingSettings, digest

# Of the run or of prediction, or, for the last three, replaced below by what became of them.
APART = (
    "checkpoint_dir",
    "resume",
    "verbose",
    "device",
    "n_neighbors",
    "chunk_size",
    "epochs",
    "batch_size",
    "random_state",
)


def fingerprint(parameters: Mapping[str, Any], settings: TrainingSettings, data: TrainingData) -> dict[str, Any]:
    """Return the settings and a digest of the data as plain values, for `Checkpoint` to compare."""
    described = {name: _described(value) for name, value in parameters.items() if name not in APART}
    return {
        **described,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "random_state": settings.seed,
        "data": digest(data.inputs.numpy(), data.y.numpy()),
    }


def _described(parameter: Any) -> Any:
    """Return a parameter as a plain value that differs where the parameter does."""
    if isinstance(parameter, np.generic):
        return parameter.item()
    if isinstance(parameter, torch.nn.Module):
        # Shapes only: a resumed fit goes on from the checkpoint's numbers.
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in parameter.state_dict().items())
        plain = {
            f"{name}.{k}": v
            for name, module in parameter.named_modules()
            for k, v in sorted(vars(module).items())
            if isinstance(v, (bool, int, float, str))
        }
        return f"{parameter!r} with {plain} and {shapes}"
    if callable(parameter):
        named = parameter if hasattr(parameter, "__qualname__") else type(parameter)
        return f"{named.__module__}.{named.__qualname__}"
    return parameter
