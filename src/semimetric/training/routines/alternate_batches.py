"""An unsupervised batch, then a supervised one, in turn."""

from collections.abc import Iterator
from itertools import cycle, islice

from semimetric.training.routines.alternating import Alternating
from semimetric.training.routines.base import Step


class AlternateBatches(Alternating):
    """Even steps (from 0) train the unsupervised terms on all rows, odd ones every term on a labelled batch.

    What Safir et al. 2022 propose as future work: neither kind of step has the time to undo the other.
    """

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield ``length`` steps, the two kinds in turn."""
        return islice(cycle([self.step(supervised=False), self.step(supervised=True)]), length)
