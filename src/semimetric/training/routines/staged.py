"""First a metric space, then a mixture fitted to it, then the whole model with that mixture as its prior."""

from collections.abc import Iterator
from itertools import repeat

from semimetric.model import Model, Weights
from semimetric.training.data import LABELLED, TrainingData
from semimetric.training.embedding import embed_all
from semimetric.training.routines.base import MAIN, Routine, Step, joint_step, step_on

FIRST_SHARE = 1 / 3  # of the epochs


class Staged(Routine):
    """A third of the epochs trains the metric loss on labelled batches; then the prior, if it is a
    `FittedPrior`, is fitted to the embeddings of all rows; the other epochs train every term in each step.

    What Safir et al. 2022 propose as future work, so that the prior has the shape of the space instead of the
    space the shape of the prior. Without a metric loss there is no first stage. Held-out rows are embedded too: the
    prior is fitted without labels, and its few numbers cannot learn rows by heart.
    """

    def __init__(self, weights: Weights, epochs: int = 1, separate_optimisers: bool = False) -> None:
        super().__init__(weights, epochs, separate_optimisers)
        first = max(1, round(FIRST_SHARE * epochs)) if weights.supervised else 0
        self.settled_from = min(first, epochs - 1)  # the second stage has one epoch at least

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield ``length`` steps of the stage that the epoch belongs to."""
        stage = self.phases()[0 if epoch < self.settled_from else -1]
        if epoch < self.settled_from:
            return repeat(step_on({LABELLED: self.weights.supervised}, self.weights, stage), length)
        return repeat(joint_step(self.weights, stage), length)

    def phases(self) -> tuple[str, ...]:
        """Return one optimiser, or one per stage."""
        return ("first", "second") if self.separate_optimisers else (MAIN,)

    def before_epoch(self, epoch: int, model: Model, data: TrainingData) -> None:
        """Fit the prior when the second stage begins."""
        if epoch == self.settled_from and model.prior is not None and model.prior.wants_embeddings:
            model.prior.fit(embed_all(model, data))
