"""Metric losses: functions of a batch of embeddings and labels, in which the label −1 takes no part."""

from semimetric.losses.base import MetricLoss
from semimetric.losses.masks import pair_masks
from semimetric.losses.triplet import TripletLoss

__all__ = ["MetricLoss", "TripletLoss", "pair_masks"]
