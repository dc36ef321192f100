"""An unsupervised epoch, then a supervised one, in turn."""

from collections.abc import Iterator
from itertools import repeat

from semimetric.training.routines.base import LABELLED, UNLABELLED, Routine, Step, step_on


class AlternateEpochs(Routine):
    """Even epochs (from 0) train the unsupervised terms on all rows, odd ones every term on labelled batches.

    The routine of Safir et al. 2022, algorithms 2, 3 and 5: a supervised step costs
    ``(1 − α) · m(z, y) + α · U(x)``, any other ``α · U(x)``. A supervised epoch takes as many steps as an
    unsupervised one. Where a model has terms of one kind only, every epoch is of that kind.
    """

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield ``length`` steps of this epoch's kind."""
        supervised, unsupervised = self.weights.supervised, self.weights.unsupervised
        if supervised and (epoch % 2 == 1 or not unsupervised):
            streams = {LABELLED: supervised + unsupervised}
        else:
            streams = {UNLABELLED: unsupervised}
        return repeat(step_on(streams, self.weights), length)
