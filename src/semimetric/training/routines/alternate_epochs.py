"""An unsupervised epoch, then a supervised one, in turn."""

from collections.abc import Iterator
from itertools import repeat

from semimetric.training.routines.alternating import Alternating
from semimetric.training.routines.base import Step


class AlternateEpochs(Alternating):
    """Even epochs (from 0) train the unsupervised terms on all rows, odd ones every term on labelled batches.

    The routine of Safir et al. 2022. A supervised epoch takes as many steps as an unsupervised one.
    """

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield ``length`` steps of this epoch's kind."""
        return repeat(self.step(supervised=epoch % 2 == 1), length)
