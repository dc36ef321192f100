"""Ratios of interleaved runs: two contestants take turns, so that a machine that slows down slows both."""

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

STEADY_SECONDS = 0.1  # a timed run of something short is as many calls as last this long
UNITS = ("seconds", "images", "bytes", "number", "share")


class Stopwatch:
    """Times the part of a run between `start` and `stop`, what is still queued on the device included."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.seconds = math.nan
        self._started = math.nan

    def start(self) -> None:
        """Begin, once the device has nothing left to do."""
        synchronise(self.device)
        self._started = time.perf_counter()

    def stop(self) -> None:
        """End, once the device has done everything asked of it."""
        synchronise(self.device)
        self.seconds = time.perf_counter() - self._started


class KernelClock(Stopwatch):
    """A stopwatch whose seconds are those that the GPU spent in kernels and copies (one stream: they never overlap)."""

    def start(self) -> None:
        """Begin to record kernels."""
        synchronise(self.device)
        self._profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
        self._profiler.start()

    def stop(self) -> None:
        """End, and add the kernels up."""
        synchronise(self.device)
        self._profiler.stop()
        on_device = (e for e in self._profiler.events() if e.device_type == torch.autograd.DeviceType.CUDA)
        self.seconds = sum(e.self_device_time_total for e in on_device if not e.is_user_annotation) / 1e6


Contestant = Callable[[Stopwatch], None]
"""Makes one run: warms up, and starts and stops the watch around what counts."""


@dataclass(frozen=True)
class Setting:
    """What all figures have in common.

    tick : called with what is being measured after every run, for a progress bar.
    """

    device: str = "cpu"
    threads: int = 1
    repeats: int = 9
    rows: int | None = None
    data_dir: Path | None = None
    tick: Callable[[str], None] = lambda what: None


@dataclass
class Row:
    """One line of a figure.

    what : which comparison.
    ours, theirs : what each run took (or weighed); without ``theirs`` the row is a figure on its own.
    peer : the name of the other contestant.
    unit : "seconds"; "images", of which ``count`` were gone through in each run; "bytes"; "number"; or "share", which
        has no ratio.
    bar : (">=", x) for the ratio, or, without ``theirs``, ("<=", x) for ``ours``.
    note : said in place of numbers where there are none, else beside them.
    """

    what: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    peer: str = ""
    unit: str = "seconds"
    count: int = 1
    bar: tuple[str, float] | None = None
    note: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> list[float]:
        """How many times less ours took, of each pair of neighbouring runs."""
        if self.unit == "share":
            return []
        return [b / a for a, b in zip(self.ours, self.theirs, strict=False)]

    def to_json(self) -> dict[str, Any]:
        """Return everything, medians and quartiles included."""
        content = asdict(self)
        for name, values in (("ours", self.ours), ("theirs", self.theirs), ("ratio", self.ratios)):
            content[f"{name}_quartiles"] = quartiles(values) if values else None
        judged = self.ratios or self.ours
        if self.bar and judged:
            sign, bar = self.bar
            content["met"] = quartiles(judged)[1] >= bar if sign == ">=" else quartiles(judged)[1] <= bar
        return content


def quartiles(values: Sequence[float]) -> list[float]:
    """Return the lower quartile, the median and the upper quartile.

    >>> quartiles([3.0, 1.0, 2.0])
    [1.5, 2.0, 2.5]
    """
    return [float(q) for q in np.quantile(values, [0.25, 0.5, 0.75])]


def take_turns(
    contestants: Sequence[Contestant], setting: Setting, what: str = "", watch: type[Stopwatch] = Stopwatch
) -> list[list[float]]:
    """Run everyone ``repeats`` times, forwards and backwards in turn (A B, B A, A B …), and return their seconds."""
    seconds: list[list[float]] = [[] for _ in contestants]
    order = list(range(len(contestants)))
    for repeat in range(setting.repeats):
        for number in order if repeat % 2 == 0 else order[::-1]:
            gc.collect()
            stopwatch = watch(setting.device)
            contestants[number](stopwatch)
            seconds[number].append(stopwatch.seconds)
            setting.tick(f"{what} ({repeat + 1}/{setting.repeats})")
    return seconds


def compare(what: str, ours: Contestant, theirs: Contestant, setting: Setting, **row: Any) -> Row:
    """Return the row of two contestants' seconds, run in turns."""
    a, b = take_turns([ours, theirs], setting, what)
    return Row(what, a, b, **row)


def repeatedly(step: Callable[[], object]) -> Contestant:
    """Return the contestant that calls ``step`` as often as makes a steady run; its seconds are those of one call."""
    calls = 0

    def run(watch: Stopwatch) -> None:
        nonlocal calls
        step()
        if not calls:
            watch.start()
            step()
            watch.stop()
            calls = max(1, math.ceil(STEADY_SECONDS / max(watch.seconds, 1e-6)))
        for _ in range(calls // 10):
            step()
        watch.start()
        for _ in range(calls):
            step()
        watch.stop()
        watch.seconds /= calls

    return run


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return k of the fit ``seconds ∝ sizes ** k``, by least squares of the logarithms.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def synchronise(device: str) -> None:
    """Wait until a GPU has done what it was asked to; a processor always has."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
