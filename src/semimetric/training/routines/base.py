"""What a routine is: it says, step by step, which loss terms are computed on which stream, with which weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import Parameter

from semimetric.model import CONTRAST, LossTerms, Model, Weights, weighted_total
from semimetric.training.data import LABELLED, PAIRED, UNLABELLED, TrainingData

MAIN = "main"  # the optimiser of a routine that needs only one


@dataclass(frozen=True)
class Step:
    """One step of training.

    streams : stream → the loss terms computed on its batch; a stream that is not named is not drawn from.
    weights : the terms' weights in this step's total.
    optimiser : which of the routine's optimisers takes the step.
    """

    streams: Mapping[str, tuple[str, ...]]
    weights: Weights
    optimiser: str = MAIN


class Routine(ABC):
    """Yields the steps of each epoch; independent of the model, which it knows only by its terms' names.

    Parameters
    ----------
    weights : Weights
        One number per loss term; terms without a weight are not trained on.
    epochs : int
        How many there will be.
    separate_optimisers : bool
        Whether the routine's phases have an optimiser each, where it has phases: Adam, which is invariant to the
        size of a loss, then no longer carries one phase's momentum and scale into the other.
    """

    settled_from = 0  # the first epoch, from 0, whose losses tell which model is best

    def __init__(self, weights: Weights, epochs: int = 1, separate_optimisers: bool = False) -> None:
        self.weights = weights
        self.epochs = epochs
        self.separate_optimisers = separate_optimisers

    @property
    def kl_from(self) -> int:
        """The first epoch, from 0, that trains the KL where there is one; by default the first that is settled."""
        return self.settled_from

    @abstractmethod
    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the ``length`` steps of the epoch, numbered from 0; ``length`` is one pass over all rows."""

    def total(self, terms: LossTerms, step: Step) -> Tensor:
        """Return the scalar that this step descends: the weighted sum."""
        return weighted_total(terms, step.weights)

    def optimised(self, model: Model) -> dict[str, list[Parameter]]:
        """Return which parameters each optimiser moves: optimiser → parameters."""
        return {name: list(model.parameters()) for name in self.phases()}

    def phases(self) -> tuple[str, ...]:
        """Return the names of the optimisers that steps may ask for."""
        return (MAIN,)

    def before_epoch(self, epoch: int, model: Model, data: TrainingData) -> None:
        """Act before the first step of an epoch, numbered from 0: embed everything, revise ``data.y``, fit a prior.

        By default nothing is done. Rows that gain or lose a label here enter or leave the labelled stream of this
        epoch, if ``data.sure`` leaves them to it. What is changed must follow from `state_dict`, so that a resumed fit
        comes to the same.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed fit needs to go on with this routine; empty where it keeps no state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""


class Around(Routine):
    """A routine around another one, which it changes in one respect; everything else is the inner one's."""

    def __init__(self, inner: Routine) -> None:
        super().__init__(inner.weights, inner.epochs, inner.separate_optimisers)
        self.inner = inner
        self.settled_from = inner.settled_from

    @property
    def kl_from(self) -> int:
        """The inner routine's."""
        return self.inner.kl_from

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the inner routine's steps."""
        return self.inner.steps(epoch, length)

    def total(self, terms: LossTerms, step: Step) -> Tensor:
        """Return the inner routine's total."""
        return self.inner.total(terms, step)

    def optimised(self, model: Model) -> dict[str, list[Parameter]]:
        """Return the inner routine's choice."""
        return self.inner.optimised(model)

    def phases(self) -> tuple[str, ...]:
        """Return the inner routine's."""
        return self.inner.phases()

    def before_epoch(self, epoch: int, model: Model, data: TrainingData) -> None:
        """Let the inner routine act."""
        self.inner.before_epoch(epoch, model, data)

    def state_dict(self) -> dict[str, Any]:
        """Return the inner routine's state."""
        return self.inner.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the inner routine its state."""
        self.inner.load_state_dict(state)


def step_on(streams: Mapping[str, tuple[str, ...]], weights: Weights, optimiser: str = MAIN) -> Step:
    """Return a step that draws only on the streams with a term to compute."""
    return Step({name: terms for name, terms in streams.items() if terms}, weights, optimiser)


def joint_step(weights: Weights, optimiser: str = MAIN) -> Step:
    """Return the step on both streams: labelled rows for the metric loss, all rows for everything else."""
    return step_on({all_rows(weights): weights.unsupervised, LABELLED: weights.supervised}, weights, optimiser)


def all_rows(weights: Weights) -> str:
    """Return the stream of all rows: in pairs where there is a contrast, which is of pairs."""
    return PAIRED if CONTRAST in weights else UNLABELLED
