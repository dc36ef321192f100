"""Trackers: programs in which runs are watched and compared, each behind one of Lightning's loggers.

To name them is cheap; a tracker's library is loaded when a run is reported to it.
"""

from semimetric.runs.trackers.base import TrackedRun, Tracker
from semimetric.runs.trackers.mlflow import MLflow
from semimetric.runs.trackers.tensorboard import TensorBoard
from semimetric.runs.trackers.wandb import WandB

TRACKERS: dict[str, type[Tracker]] = {"mlflow": MLflow, "tensorboard": TensorBoard, "wandb": WandB}

__all__ = ["TRACKERS", "TrackedRun", "Tracker"]
