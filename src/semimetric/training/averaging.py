"""A running average of a model while it is trained: what its last steps have in common, without their noise."""

import copy
from typing import Any

import torch

from semimetric.model import Model


class Average:
    """The exponential moving average of a model's parameters and running statistics.

    After each step ``average ← d · average + (1 − d) · model``, with d smaller in the first steps, ``(1 + t) /
    (10 + t)``, so that where the model began is soon forgotten (Tarvainen & Valpola 2017, mean teachers).

    Parameters
    ----------
    model : Model
        Is not changed.
    decay : float
        d, in [0, 1): the average reaches back over about 1 / (1 − d) steps.

    Attributes
    ----------
    model : Model
        The average, which has no gradients of its own.

    >>> from semimetric.networks import POSTERIORS, Encoder
    >>> trained = Model(Encoder(torch.nn.Linear(1, 1), POSTERIORS["point"]))
    >>> average = Average(trained, decay=0.5)
    >>> before = trained.encoder.network.bias.item()
    >>> _ = trained.encoder.network.bias.data.add_(10)
    >>> average.update()  # the first step: d = 2 / 11
    >>> round(average.model.encoder.network.bias.item() - before, 4)
    8.1818
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.steps = 0
        theirs = model.state_dict(keep_vars=True).values()
        pairs = list(zip(self.model.state_dict().values(), theirs, strict=True))
        self._averaged = [(mine, tensor) for mine, tensor in pairs if mine.is_floating_point()]
        self._copied = [(mine, tensor) for mine, tensor in pairs if not mine.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the model as it is after another step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        mine, theirs = zip(*self._averaged, strict=True)
        torch._foreach_lerp_(list(mine), [tensor.detach() for tensor in theirs], 1 - decay)
        for tensor, other in self._copied:
            tensor.copy_(other)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed fit needs."""
        return {"model": self.model.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        self.steps = state["steps"]
