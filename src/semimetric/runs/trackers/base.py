"""What a tracker is: a program in which people watch and compare runs, and what it is told of one of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from lightning_fabric.loggers import Logger


@dataclass(frozen=True)
class TrackedRun:
    """A run as trackers know it.

    group, name : what it is called; the runs of one study are a group.
    settings : its hyper-parameters, flat.
    folder : where a tracker may keep files of this run.
    store : where it may keep files that all runs of a group share.
    environment : those of the tracker's ``variables`` that the user has set.
    """

    group: str
    name: str
    settings: Mapping[str, Any]
    folder: Path
    store: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Tracker(ABC):
    """Reports one run by one of Lightning's loggers; to make one is to open it, and may take seconds.

    Its library is imported where it is made, not before. Any method may raise what the library raises.

    Parameters
    ----------
    run : TrackedRun
    identity : str
        What the tracker called this run when it was interrupted, to go on with it; "" for a new one.
    """

    packages: ClassVar[tuple[str, ...]]
    """Modules that must be there; the extra that brings them has the tracker's name."""

    variables: ClassVar[tuple[str, ...]] = ()
    """Environment variables by which its users say where reports go."""

    logger: "Logger"
    identity: str = ""

    goes_on: bool = True
    """Whether it still has what it was told under its ``identity``; if not, it is told all again."""

    @abstractmethod
    def __init__(self, run: TrackedRun, identity: str) -> None: ...

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Report a new run's hyper-parameters."""
        self.logger.log_hyperparams(dict(settings))

    def epoch(self, number: int, terms: Mapping[str, float]) -> None:
        """Report the loss terms of an epoch, numbered from 1."""
        self.logger.log_metrics(dict(terms), step=number)
        self.logger.save()  # now, and not when a buffer is full

    def scores(self, number: int, metrics: Mapping[str, float]) -> None:
        """Report the final scores, after so many epochs."""
        self.logger.log_metrics(dict(metrics), step=number)

    def close(self, succeeded: bool) -> None:
        """End the report; an interrupted run's may be opened again by its ``identity``."""
        self.logger.finalize("success" if succeeded else "failed")
