"""Training: streams of rows, routines that say what each step learns from, and one loop for all of them."""

from semimetric.training.checkpoint import Checkpoint, digest
from semimetric.training.classifier import InputClassifier
from semimetric.training.data import TrainingData, as_tensor
from semimetric.training.descriptor import KINDS, Descriptor
from semimetric.training.device import DEVICES, PRECISIONS, choose_device, choose_precision, embedded_at_once
from semimetric.training.epochs import after_each_epoch
from semimetric.training.evidence import pool
from semimetric.training.holdout import HoldOut, hold_out
from semimetric.training.launch import train_on
from semimetric.training.loop import TrainingResult, TrainingSettings, train
from semimetric.training.routines import (
    LABELLED,
    PAIRED,
    ROUTINES,
    UNLABELLED,
    AlternateBatches,
    AlternateEpochs,
    Joint,
    Routine,
    SelfTraining,
    Staged,
    Step,
    UncertaintyBalance,
    WarmUp,
    space_and_labels,
)

__all__ = [
    "DEVICES",
    "KINDS",
    "LABELLED",
    "PAIRED",
    "PRECISIONS",
    "ROUTINES",
    "UNLABELLED",
    "AlternateBatches",
    "AlternateEpochs",
    "Checkpoint",
    "Descriptor",
    "HoldOut",
    "InputClassifier",
    "Joint",
    "Routine",
    "SelfTraining",
    "Staged",
    "Step",
    "TrainingData",
    "TrainingResult",
    "TrainingSettings",
    "UncertaintyBalance",
    "WarmUp",
    "after_each_epoch",
    "as_tensor",
    "choose_device",
    "choose_precision",
    "digest",
    "embedded_at_once",
    "hold_out",
    "pool",
    "space_and_labels",
    "train",
    "train_on",
]
