"""What a routine is: it says, step by step, which loss terms are computed on which stream, with which weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from semimetric.model import Model, Weights
from semimetric.training.data import TrainingData

LABELLED = "labelled"
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Step:
    """One step of training.

    streams : stream → the loss terms computed on its batch; a stream that is not named is not drawn from.
    weights : the terms' weights in this step's total.
    """

    streams: Mapping[str, tuple[str, ...]]
    weights: Weights


class Routine(ABC):
    """Yields the steps of each epoch; independent of the model, which it knows only by its terms' names.

    Parameters
    ----------
    weights : Weights
        One number per loss term; terms without a weight are not trained on.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    @abstractmethod
    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the ``length`` steps of the epoch, numbered from 0; ``length`` is one pass over all rows."""

    def before_epoch(self, epoch: int, model: Model, data: TrainingData) -> None:
        """Act before the first step of an epoch, numbered from 0: embed everything, revise ``data.y``, fit a prior.

        By default nothing is done. Rows that gain or lose a label here enter or leave the labelled stream of this
        epoch. What is changed must follow from `state_dict`, so that a resumed fit comes to the same.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed fit needs to go on with this routine; empty where it keeps no state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""


def step_on(streams: Mapping[str, tuple[str, ...]], weights: Weights) -> Step:
    """Return a step that draws only on the streams with a term to compute."""
    return Step({name: terms for name, terms in streams.items() if terms}, weights)
