"""The weight of the KL term, rising from zero at the beginning of training."""

from collections.abc import Iterator
from dataclasses import replace

from semimetric.model import KL
from semimetric.training.routines.base import Around, Routine, Step


class WarmUp(Around):
    """The inner routine with the KL's weight multiplied by a factor that rises linearly from 0 to 1.

    A prior that acts from the first step on draws all posteriors to itself before they have learned to differ
    (Sønderby et al. 2016). No epoch before the end of the rise counts as the best one: their losses are others.

    Parameters
    ----------
    inner : Routine
    share : float
        Of the steps, over which the weight rises; in (0, 1]. A first stage without the KL is not counted.
    """

    def __init__(self, inner: Routine, share: float) -> None:
        super().__init__(inner)
        self.share = share
        self.first = inner.kl_from
        rise = min(self.epochs - self.first - 1, int(share * (self.epochs - self.first)))
        self.settled_from = max(inner.settled_from, self.first + rise)

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        """Yield the inner routine's steps with this moment's weight of the KL."""
        rise = self.share * (self.epochs - self.first) * length
        for number, step in enumerate(self.inner.steps(epoch, length), (epoch - self.first) * length):
            factor = min(1.0, max(0, number) / rise)
            yield replace(step, weights=step.weights.scaled(KL, factor)) if KL in step.weights else step
