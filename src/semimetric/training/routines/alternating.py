"""What routines that alternate have in common: two kinds of steps."""

from semimetric.model import CONTRAST
from semimetric.training.data import LABELLED
from semimetric.training.routines.base import MAIN, Routine, Step, all_rows, step_on

SUPERVISED, UNSUPERVISED = "supervised", "unsupervised"


class Alternating(Routine):
    """Supervised steps, every term on a labelled batch, and unsupervised ones on batches of all rows.

    A supervised step costs ``(1 − α) · m(z, y) + α · U(x)``, any other ``α · U(x)`` (Safir et al. 2022, algorithms
    2, 3 and 5). Where a model has terms of one kind only, every step is of that kind. A contrast, which is of pairs,
    has no part in supervised steps.
    """

    def step(self, supervised: bool) -> Step:
        """Return the step of this kind, or of the other where the model has no terms of it."""
        labelled, other = self.weights.supervised, self.weights.unsupervised
        supervised = bool(labelled) and (supervised or not other)
        name = (SUPERVISED if supervised else UNSUPERVISED) if self.separate_optimisers else MAIN
        if supervised:
            together = labelled + tuple(term for term in other if term != CONTRAST)
            return step_on({LABELLED: together}, self.weights, name)
        return step_on({all_rows(self.weights): other}, self.weights, name)

    def phases(self) -> tuple[str, ...]:
        """Return one optimiser, or one per kind of step."""
        return (UNSUPERVISED, SUPERVISED) if self.separate_optimisers else (MAIN,)
