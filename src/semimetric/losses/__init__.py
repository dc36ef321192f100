"""Metric losses: functions of a batch of embeddings and labels, in which the label −1 takes no part."""

from semimetric.losses.base import MetricLoss
from semimetric.losses.masks import pair_masks
from semimetric.losses.triplet import TripletLoss

METRIC_LOSSES: dict[str, type[MetricLoss]] = {"triplet": TripletLoss}

__all__ = ["METRIC_LOSSES", "MetricLoss", "TripletLoss", "pair_masks"]
