"""The processes that train one model together: which rows each takes, and what they tell each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """One of ``size`` processes, all of which take the same steps; alone, nothing below does anything.

    number : which of them this is; 0 is the one that writes, shows and looks at held-out rows.
    stop : a file whose existence asks all of them to stop, as Ctrl-C asks one.
    """

    number: int = 0
    size: int = 1
    stop: Path | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks for all."""
        return self.number == 0

    def own(self, rows: np.ndarray) -> np.ndarray:
        """Return this process's share of a batch's rows: classes that stand together are dealt out evenly.

        >>> Ranks(1, 2).own(np.arange(5))
        array([1, 3])
        """
        return rows[self.number :: self.size]

    def told(self, value: T) -> T:
        """Return the first process's value."""
        if self.size == 1:
            return value
        message = [value]
        dist.broadcast_object_list(message)
        return message[0]

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Return the means over processes."""
        every = torch.tensor(list(values.values()), dtype=torch.float64)
        return dict(zip(values, self._averaged(every).tolist(), strict=True))

    def average_gradients(self, optimiser: torch.optim.Optimizer) -> None:
        """Replace the gradients that the optimiser sees by their means over processes: those of the joined batch."""
        self._average([p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None])

    def average_statistics(self, model: nn.Module) -> None:
        """Replace running statistics, which each process took from its own rows, by their means."""
        self._average([buffer for buffer in model.buffers() if buffer.is_floating_point()])

    def share(self, *tensors: Tensor) -> None:
        """Replace tensors by the first process's."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), 0)

    def stop_if_asked(self) -> None:
        """Raise KeyboardInterrupt, in all processes at the same step, if any of them finds the stop file."""
        if self.size > 1 and self.stop is not None and self._averaged(torch.tensor([float(self.stop.exists())])) > 0:
            raise KeyboardInterrupt

    def _average(self, tensors: list[Tensor]) -> None:
        if self.size > 1 and tensors:
            joined = self._averaged(torch.cat([tensor.detach().flatten() for tensor in tensors]))
            for tensor, mean in zip(tensors, joined.split([tensor.numel() for tensor in tensors]), strict=True):
                tensor.detach().copy_(mean.view(tensor.shape))

    def _averaged(self, values: Tensor) -> Tensor:
        if self.size > 1:
            on_device = values.cuda() if dist.get_backend() == "nccl" else values
            dist.all_reduce(on_device)
            values = (on_device / self.size).to(values.device)
        return values


ALONE = Ranks()
