"""Metric losses: functions of a batch of embeddings and labels, in which the label −1 takes no part.

Adding one: a file here with a `MetricLoss`, and a line in `LOSSES`.
"""

from collections.abc import Callable

from semimetric.errors import nearest_names
from semimetric.losses.base import LossSetting, MetricLoss
from semimetric.losses.center import CenterLoss
from semimetric.losses.contrastive import ContrastiveLoss
from semimetric.losses.masks import pair_masks
from semimetric.losses.n_pair import NPairLoss
from semimetric.losses.normalised_softmax import NormalisedSoftmaxLoss
from semimetric.losses.nt_xent import NTXentLoss
from semimetric.losses.pairwise import Anchors, PairwiseLoss
from semimetric.losses.pytorch_metric_learning import PyTorchMetricLearning
from semimetric.losses.random_triplet import RandomTripletLoss
from semimetric.losses.ranks import across_ranks
from semimetric.losses.softmax import SoftmaxLoss
from semimetric.losses.supervised_contrastive import SupervisedContrastiveLoss
from semimetric.losses.triplet import TripletLoss

__all__ = [
    "LOSSES",
    "Anchors",
    "CenterLoss",
    "ContrastiveLoss",
    "LossSetting",
    "MetricLoss",
    "NPairLoss",
    "NTXentLoss",
    "NormalisedSoftmaxLoss",
    "PairwiseLoss",
    "PyTorchMetricLearning",
    "RandomTripletLoss",
    "SoftmaxLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
    "across_ranks",
    "get_loss",
    "pair_masks",
]

LOSSES: dict[str, Callable[[LossSetting], MetricLoss]] = {
    "triplet": lambda s: TripletLoss(s.margin, s.distance),
    "random-triplet": lambda s: RandomTripletLoss(s.margin, s.distance),
    "contrastive": lambda s: ContrastiveLoss(s.margin, s.distance),
    "center": lambda s: CenterLoss(s.n_classes, s.latent_dim),
    "softmax": lambda s: SoftmaxLoss(s.n_classes, s.latent_dim),
    "normalised-softmax": lambda s: NormalisedSoftmaxLoss(s.n_classes, s.latent_dim),
    "n-pair": lambda s: NPairLoss(),
    "nt-xent": lambda s: NTXentLoss(),
    "supervised-contrastive": lambda s: SupervisedContrastiveLoss(),
}


def get_loss(name: str, setting: LossSetting) -> MetricLoss:
    """Return a new loss of that name.

    Raises
    ------
    ValueError
        If the name is unknown; the message names the nearest ones.

    >>> get_loss("contrastive", LossSetting(latent_dim=2, n_classes=3, margin=0.5, distance="euclidean")).margin
    0.5
    """
    if name not in LOSSES:
        raise ValueError(f"unknown loss {name!r}: {nearest_names(name, LOSSES)}")
    return LOSSES[name](setting)
