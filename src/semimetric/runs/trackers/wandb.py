"""Weights & Biases: a run of its project, kept in the run's directory unless WANDB_MODE says otherwise."""

import os
import secrets
import shutil
from pathlib import Path

from semimetric.runs.trackers.base import TrackedRun, Tracker

LONGEST_NAME = 128


class WandB(Tracker):
    """A W&B run; the runs of one study are a W&B group.

    Offline unless WANDB_MODE is set: nothing leaves the machine before ``wandb sync``. Offline, W&B loses what was not
    closed when its process is killed, and writes a run that goes on into another folder: so that one is told all again,
    and the earlier folder goes.
    """

    packages = ("wandb", "pytorch_lightning")
    variables = ("WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_BASE_URL")

    def __init__(self, run: TrackedRun, identity: str) -> None:
        mode = run.environment.get("WANDB_MODE", "offline")
        if mode != "online":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it would report its own errors to its makers
        import wandb
        from pytorch_lightning.loggers import WandbLogger

        settings = {"silent": True, "console": "off"}  # it would print, and record what we print
        if "WANDB_BASE_URL" in run.environment:
            settings["base_url"] = run.environment["WANDB_BASE_URL"]
        wandb.setup(wandb.Settings(**settings))  # Lightning passes what makes it warn
        run.folder.mkdir(parents=True, exist_ok=True)  # else it takes a temporary folder
        self._ours = wandb.run is None  # else whoever calls has one open, which Lightning's logger takes
        self.logger: WandbLogger = WandbLogger(
            name=run.name[:LONGEST_NAME],
            group=run.group[:LONGEST_NAME],
            project=run.environment.get("WANDB_PROJECT", "semimetric"),
            entity=run.environment.get("WANDB_ENTITY"),
            id=identity or secrets.token_hex(8),
            save_dir=run.folder,
            mode=mode,
            settings=wandb.Settings(**settings),
        )
        self._run = self.logger.experiment  # opened now, if it can be
        self.identity = str(self._run.id)
        self.goes_on = mode == "online"
        for folder in run.folder.glob(f"wandb/offline-run-*-{self.identity}"):
            if folder != Path(self._run.dir).parent:
                shutil.rmtree(folder, ignore_errors=True)

    def close(self, succeeded: bool) -> None:
        """End the W&B run; Lightning's logger leaves that to the end of the process, which may have other runs."""
        super().close(succeeded)
        if self._ours:
            self._run.finish(exit_code=0 if succeeded else 1)
