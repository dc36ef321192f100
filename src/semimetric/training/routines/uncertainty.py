"""Loss terms balanced by learned uncertainty."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from semimetric.model import LossTerms, Model
from semimetric.training.routines.base import Around, Routine, Step

BOUND = 5.0  # of a log-variance: a loss that reaches zero must not grow a weight without end


class UncertaintyBalance(Around):
    """The inner routine, its terms weighed as ``Σ exp(−s_t) · weight_t · term_t + s_t`` with one learned s per term.

    Kendall, Gal & Cipolla 2018, section 3: s is the log of a term's noise variance, and a term that cannot be
    made small comes to count less. The given weights are where the balance starts.
    """

    def __init__(self, inner: Routine) -> None:
        super().__init__(inner)
        self.log_variances = {term: Parameter(torch.zeros(())) for term in inner.weights}

    def total(self, terms: LossTerms, step: Step) -> Tensor:
        """Return the balanced total of this step's terms."""
        parts = []
        for term, value in terms.items():
            s = self.log_variances[term]
            s.data.clamp_(-BOUND, BOUND)  # not in the graph: beyond the bound no gradient would lead back
            share = step.weights[term] / self.weights[term]  # below 1 while a term is warmed up: so is its balance
            parts.append((-s).exp() * step.weights[term] * value + share * s)
        return torch.stack(parts).sum()

    def optimised(self, model: Model) -> dict[str, list[Parameter]]:
        """Add the log-variances to every optimiser's parameters."""
        device = next(model.parameters()).device
        for s in self.log_variances.values():
            s.data = s.data.to(device)
        own = list(self.log_variances.values())
        return {name: parameters + own for name, parameters in self.inner.optimised(model).items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the log-variances, and the inner routine's state."""
        values = {term: float(s.detach()) for term, s in self.log_variances.items()}
        return {"log_variances": values, "inner": self.inner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up both."""
        for term, value in state["log_variances"].items():
            self.log_variances[term].data.fill_(value)
        self.inner.load_state_dict(state["inner"])
