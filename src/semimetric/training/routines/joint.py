"""Both streams in every step."""

from collections.abc import Iterator
from itertools import repeat

from semimetric.training.routines.base import LABELLED, UNLABELLED, Routine, Step, step_on


class Joint(Routine):
    """Each step takes a labelled batch for the metric loss and one of all rows for everything else.

    The joint form of Safir et al. 2022 (Table 4), and the default.
    """

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the same step, ``length`` times."""
        streams = {UNLABELLED: self.weights.unsupervised, LABELLED: self.weights.supervised}
        return repeat(step_on(streams, self.weights), length)
