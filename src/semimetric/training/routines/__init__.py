"""Routines: who is trained on what, when.

Adding one: a file here with a `Routine` subclass, and a line in `ROUTINES`.
"""

from semimetric.training.data import LABELLED, PAIRED, UNLABELLED
from semimetric.training.routines.alternate_batches import AlternateBatches
from semimetric.training.routines.alternate_epochs import AlternateEpochs
from semimetric.training.routines.base import Routine, Step
from semimetric.training.routines.joint import Joint
from semimetric.training.routines.self_training import SelfTraining, space_and_labels
from semimetric.training.routines.staged import Staged
from semimetric.training.routines.uncertainty import UncertaintyBalance
from semimetric.training.routines.warm_up import WarmUp

ROUTINES: dict[str, type[Routine]] = {
    "joint": Joint,
    "alternate-epochs": AlternateEpochs,
    "alternate-batches": AlternateBatches,
    "staged": Staged,
    "self-training": SelfTraining,
}

__all__ = [
    "LABELLED",
    "PAIRED",
    "ROUTINES",
    "UNLABELLED",
    "AlternateBatches",
    "AlternateEpochs",
    "Joint",
    "Routine",
    "SelfTraining",
    "Staged",
    "Step",
    "UncertaintyBalance",
    "WarmUp",
    "space_and_labels",
]
