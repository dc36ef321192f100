"""Both streams in every step."""

from collections.abc import Iterator
from itertools import repeat

from semimetric.training.routines.base import Routine, Step, joint_step


class Joint(Routine):
    """Each step takes a labelled batch for the metric loss and one of all rows for everything else.

    The joint form of Safir et al. 2022 (Table 4), and the default.
    """

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the same step, ``length`` times."""
        return repeat(joint_step(self.weights), length)
