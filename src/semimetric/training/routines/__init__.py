"""Routines: who is trained on what, when.

Adding one: a file here with a `Routine` subclass, and a line in `ROUTINES`.
"""

from semimetric.training.routines.alternate_epochs import AlternateEpochs
from semimetric.training.routines.base import LABELLED, UNLABELLED, Routine, Step
from semimetric.training.routines.joint import Joint

ROUTINES: dict[str, type[Routine]] = {"joint": Joint, "alternate-epochs": AlternateEpochs}

__all__ = ["LABELLED", "ROUTINES", "UNLABELLED", "AlternateEpochs", "Joint", "Routine", "Step"]
