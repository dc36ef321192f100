"""The VampPrior: a mixture of the encoder's own posteriors at learned pseudo-inputs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from semimetric.priors.base import Prior


class VampPrior(Prior):
    """``p(z) = 1/K Σ_k q(z | u_k)`` with learned pseudo-inputs u_k (Tomczak & Welling 2018, eq. 9).

    The optimal prior of a VAE is the average of its posteriors over the data; K pseudo-inputs stand for the data.
    They start as rows of it.

    Parameters
    ----------
    n_components : int
        K.
    shape : tuple of int
        Of one input, in the networks' layout.

    Notes
    -----
    Batch normalisation reads pseudo-inputs with its running statistics and does not learn from them: they are
    no batch of data.
    """

    def __init__(self, n_components: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.inputs_wanted = n_components
        self.pseudo_inputs = nn.Parameter(torch.randn(n_components, *shape) * 0.1)
        self._encoder: tuple[Callable[[Tensor], Distribution], ...] = ()

    def attach(self, encoder: Callable[[Tensor], Distribution]) -> None:
        """Take the encoder whose posteriors the prior is made of."""
        self._encoder = (encoder,)  # in a tuple, or its parameters would be registered here a second time

    @torch.no_grad()
    def initialise(self, inputs: Tensor) -> None:
        """Start the pseudo-inputs from rows of the data (n, …); with fewer than K rows, they are repeated."""
        self.pseudo_inputs.copy_(inputs[torch.arange(len(self.pseudo_inputs), device=inputs.device) % len(inputs)])

    def distribution(self) -> Distribution:
        """Return the mixture of the posteriors at the pseudo-inputs."""
        if not self._encoder:
            raise RuntimeError("a VampPrior is made of an encoder's posteriors: call attach(encoder) first")
        (encoder,) = self._encoder
        modules = list(encoder.modules()) if isinstance(encoder, nn.Module) else []
        modes = [module.training for module in modules]  # one for each: some may be frozen
        try:
            for module in modules:
                module.training = False
            components = encoder(self.pseudo_inputs)
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
        equal = self.pseudo_inputs.new_zeros(len(self.pseudo_inputs))
        return MixtureSameFamily(Categorical(logits=equal, validate_args=False), components, validate_args=False)
