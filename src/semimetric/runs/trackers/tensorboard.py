"""TensorBoard: event files in the run's directory, which ``tensorboard --logdir`` finds below a study's."""

import re
from collections.abc import Mapping

from semimetric.runs.trackers.base import TrackedRun, Tracker


class TensorBoard(Tracker):
    """Scalars by epoch, and for a run that has scores a line of the HParams page."""

    packages = ("tensorboard",)

    def __init__(self, run: TrackedRun, identity: str) -> None:
        from lightning_fabric.loggers import TensorBoardLogger

        folder = re.sub(r"[^\w.+-]+", "-", run.name).strip("-") or "run"  # what TensorBoard calls the run
        self.logger: TensorBoardLogger = TensorBoardLogger(
            run.folder, name="tensorboard", version=folder, default_hp_metric=False
        )
        self._settings = dict(run.settings)

    def begin(self, settings: Mapping[str, object]) -> None:
        """Wait: TensorBoard takes hyper-parameters once, and with the names of the scores."""

    def scores(self, number: int, metrics: Mapping[str, float]) -> None:
        """Report the scores, and the hyper-parameters with them."""
        self.logger.log_hyperparams(self._settings, dict(metrics), step=number)
