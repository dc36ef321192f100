"""Networks computed a chunk of rows at a time, so that the memory of a training step is that of a chunk."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_chunks(network: nn.Module, x: Tensor, size: int | None) -> Tensor:
    """Return ``network(x)``, computed ``size`` rows at a time; with None, or no gradient to keep, all at once.

    What a chunk's backward pass needs is thrown away and computed again when it is due. A loss on all rows, as one
    that compares every pair, so has the gradient of the whole batch while only a chunk's activations are in memory:
    gradient caching (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"), at
    the price of one more forward pass. Batch norm takes its statistics from each chunk.

    >>> network = nn.Linear(3, 2)
    >>> x = torch.randn(5, 3)
    >>> torch.allclose(in_chunks(network, x, 2), network(x))
    True
    """
    if size is None or len(x) <= size or not torch.is_grad_enabled():
        return network(x)
    contexts = (nullcontext(), _RunningStatisticsKept(network))  # of the first pass, and of the second
    return torch.cat(
        [checkpoint(network, part, use_reentrant=False, context_fn=lambda: contexts) for part in x.split(size)]
    )


class _RunningStatisticsKept:
    """Keeps batch norm's running statistics as they are: the second pass over a chunk would count it again."""

    def __init__(self, network: nn.Module) -> None:
        self.layers = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        self.momenta = [layer.momentum for layer in self.layers]

    def __enter__(self) -> None:
        for layer in self.layers:
            layer.momentum = 0.0

    def __exit__(self, *_: object) -> None:
        for layer, momentum in zip(self.layers, self.momenta, strict=True):
            layer.momentum = momentum
