"""The training loop: one for every model, routine and preset.

The randomness of an epoch is a function of (seed, epoch) alone, so a fit resumed from the checkpoint of epoch k
goes on exactly as the undisturbed one did: no generator state has to be kept.
"""

import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from semimetric.errors import RunError
from semimetric.losses import across_ranks
from semimetric.model import Batch, LossTerms, Model, Objective
from semimetric.progress import Progress, progress
from semimetric.training.averaging import Average
from semimetric.training.checkpoint import Checkpoint
from semimetric.training.data import TrainingData
from semimetric.training.device import choose_precision, fitting_threads
from semimetric.training.epochs import tell_epoch
from semimetric.training.holdout import HoldOut
from semimetric.training.monitor import Monitor
from semimetric.training.ranks import ALONE, Ranks
from semimetric.training.routines import LABELLED, PAIRED, UNLABELLED, Routine
from semimetric.training.streams import LabelledStream, PairedStream, UnlabelledStream

WARM_UP = 0.1  # share of the steps over which the learning rate rises
PROGRESS_EVERY = 10  # steps

Stream = UnlabelledStream | PairedStream | LabelledStream


@dataclass(frozen=True)
class TrainingSettings:
    """How to train: everything about it that is not the model, its objective, its routine or its data."""

    epochs: int
    batch_size: int
    labelled_batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    device: torch.device
    precision: str
    seed: int
    averaging: float | None = None
    show_progress: bool = False


@dataclass
class TrainingResult:
    """What a fit leaves beside the trained model.

    history : one dict per finished epoch: ``epoch`` (from 1), ``train_<term>``, ``held_out_<term>`` and
        ``held_out_total``.
    best_epoch : the epoch whose weights the model now has; 0 if none was finished.
    stopped : "finished", "early" (patience ran out), "interrupted" (Ctrl-C) or "diverged".
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "finished"


def train(
    model: Model,
    objective: Objective,
    routine: Routine,
    data: TrainingData,
    split: HoldOut,
    settings: TrainingSettings,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    ranks: Ranks = ALONE,
) -> TrainingResult:
    """Train ``model`` in place, and leave it with the weights of its best epoch.

    As one of several ``ranks`` this process takes its share of every batch; the first of them has the result. Ctrl-C
    ends training, keeps the best model so far and says so. A loss that is no longer finite ends it likewise. With a
    checkpoint, every finished epoch can be resumed from.

    Raises
    ------
    FloatingPointError
        If the loss is not finite in the very first epoch, when there is nothing to keep.
    RunError
        If there is a checkpoint to resume from, but of another fit.
    """
    from lightning_fabric import Fabric  # a second or two: not for every import of the library

    precision = choose_precision(settings.precision, settings.device, convolutional=data.inputs.ndim == 4)
    index = [settings.device.index or 0] if settings.device.type == "cuda" else 1
    log = logging.getLogger("lightning_fabric.utilities.rank_zero")
    level = log.level
    log.setLevel(logging.WARNING)  # it announces its precision, once a fit
    fabric = Fabric(
        accelerator=settings.device.type,
        devices=index,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
    )
    log.setLevel(level)
    if data.inputs.ndim == 4:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    data.to(settings.device)
    model.to(settings.device)
    optimised = routine.optimised(model)
    wrapped, *ready = fabric.setup(
        _Computation(model, objective), *(_adam(parameters, settings) for parameters in optimised.values())
    )
    optimisers = dict(zip(optimised, ready, strict=True))
    everything = UnlabelledStream(split.train, settings.batch_size, ranks.size)
    length = len(everything)
    monitor = Monitor(
        _in_training_precision(fabric, objective),
        data,
        split.held_out,
        routine.weights,
        settings.patience,
        routine.settled_from,
    )
    result = TrainingResult()
    average = None if settings.averaging is None else Average(model, settings.averaging)
    seen = model if average is None else average.model  # the one that is looked at, and kept
    if resume and checkpoint is not None and (state := checkpoint.read()) is not None:
        try:
            model.load_state_dict(state["model"])
            for name, optimiser in optimisers.items():
                optimiser.load_state_dict(state["optimisers"][name])
            routine.load_state_dict(state["routine"])
            if average is not None:
                average.load_state_dict(state["average"])
            monitor.best, result.history = state["best"], state["history"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint {checkpoint.path} is of another model: {error}") from error
    else:
        _start_prior(model, data, split, settings.seed)
    done = len(result.history)

    model.train()
    on = [settings.device] if settings.device.type == "cuda" else []
    steps = settings.epochs * length
    with (
        torch.random.fork_rng(devices=on),
        fitting_threads((settings.batch_size + settings.labelled_batch_size) * data.inputs[0].numel()),
        progress("training", steps, show=settings.show_progress, done=done * length) as bar,
    ):
        epoch = done
        try:
            while epoch < settings.epochs and not ranks.told(monitor.should_stop(epoch)):
                epoch += 1
                routine.before_epoch(epoch - 1, seen, data)
                if model.prior is not None and seen.prior is not None and model.prior.wants_embeddings:
                    model.prior.load_state_dict(seen.prior.state_dict())  # fitted now, if at all
                revised = [data.y] if data.weights is None else [data.y, data.weights]
                ranks.share(*revised, *model.state_dict().values())
                _take_in(ranks.told(data.centres), data.n_classes, model, seen)
                streams = _streams(everything, data, split, settings)
                means = _run_epoch(
                    fabric, wrapped, optimisers, routine, data, streams, epoch, length, settings, bar, ranks, average
                )
                if not all(math.isfinite(value) for value in means.values()):
                    result.stopped = "diverged"
                    break
                row = {"epoch": float(epoch), **{f"train_{term}": value for term, value in means.items()}}
                ranks.average_statistics(seen)
                result.history.append(row | ranks.told(monitor.look(seen, epoch) if ranks.first else {}))
                if checkpoint is not None and ranks.first:
                    checkpoint.write(
                        {
                            "model": model.state_dict(),
                            "optimisers": {name: each.state_dict() for name, each in optimisers.items()},
                            "routine": routine.state_dict(),
                            "average": None if average is None else average.state_dict(),
                            "best": monitor.best,
                            "history": result.history,
                        }
                    )
                tell_epoch(result.history)
        except KeyboardInterrupt:
            result.stopped = "interrupted"
    if ranks.first:
        _settle(model, monitor, result, settings.epochs)
    return result


class _Computation(nn.Module):
    """The objective as a module, so that its forward pass can be wrapped for precision (and devices)."""

    def __init__(self, model: Model, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, batch: Batch) -> LossTerms:
        return self.objective(self.model, batch)


def _adam(parameters: list[nn.Parameter], settings: TrainingSettings) -> torch.optim.Adam:
    return torch.optim.Adam(
        parameters,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=settings.device.type in ("cpu", "cuda"),
    )


def _start_prior(model: Model, data: TrainingData, split: HoldOut, seed: int) -> None:
    """Give a prior that starts from data its rows."""
    if model.prior is not None and model.prior.inputs_wanted:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        rows = rng.choice(split.train, min(model.prior.inputs_wanted, len(split.train)), replace=False)
        model.prior.initialise(data.batch({UNLABELLED: rows}, {UNLABELLED: ()}, augment=False).x)


def _run_epoch(
    fabric: Any,
    wrapped: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
    routine: Routine,
    data: TrainingData,
    streams: Mapping[str, Stream],
    epoch: int,
    length: int,
    settings: TrainingSettings,
    bar: Progress,
    ranks: Ranks,
    average: Average | None,
) -> dict[str, float]:
    """Take the steps of one epoch (numbered from 1); return the mean of each loss term over its steps."""
    # What is random per row differs between ranks, what is drawn of rows does not.
    entropy = np.random.SeedSequence([settings.seed, epoch], spawn_key=(ranks.number,) if ranks.number else ())
    torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
    supplies = {
        name: stream.batches(np.random.default_rng([settings.seed, epoch, number]))
        for number, (name, stream) in enumerate(streams.items())
    }
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    for number, step in enumerate(routine.steps(epoch - 1, length)):
        fraction = ((epoch - 1) * length + number) / (settings.epochs * length)
        optimiser = optimisers[step.optimiser]
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * one_cycle(fraction)
        parts = {name: ranks.own(next(supplies[name])) for name in step.streams}
        batch = data.batch(parts, step.streams, augment=True)
        with across_ranks():
            terms = wrapped(batch)
        optimiser.zero_grad(set_to_none=True)
        fabric.backward(routine.total(terms, step))
        ranks.average_gradients(optimiser)
        optimiser.step()
        if average is not None:
            average.update()
        for term, value in terms.items():  # summed on the device: reading a value would wait for it
            sums[term] = sums[term] + value.detach() if term in sums else value.detach()
            counts[term] = counts.get(term, 0) + 1
        if (number + 1) % PROGRESS_EVERY == 0 or number + 1 == length:
            bar.advance(number % PROGRESS_EVERY + 1, f"epoch {epoch}/{settings.epochs}")
            ranks.stop_if_asked()
    return ranks.mean({term: float(sums[term]) / counts[term] for term in sums})


def _take_in(centres: Tensor, first: int, *models: Model) -> None:
    for model in models:
        if model.metric is not None:
            model.metric.take_in(centres, first)


def one_cycle(fraction: float) -> float:
    """Return the learning rate's factor at this fraction of the training: up to 1 in a tenth of it, then down to 0.

    Both ways along a cosine (Smith & Topin 2019).

    >>> one_cycle(0.1), round(one_cycle(0.55), 3)
    (1.0, 0.5)
    """
    if fraction < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * fraction / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (fraction - WARM_UP) / (1 - WARM_UP))) / 2


def _streams(
    everything: UnlabelledStream, data: TrainingData, split: HoldOut, settings: TrainingSettings
) -> dict[str, Stream]:
    y = data.y.numpy(force=True)
    chosen = y >= 0 if data.sure is None else (y >= 0) & data.sure
    labelled = split.train[chosen[split.train]]
    neighbours = data.neighbours
    if neighbours is not None and len(split.held_out):  # they are no partners: the row itself is, in their stead
        neighbours = np.where(np.isin(neighbours, split.held_out), np.arange(len(y))[:, None], neighbours)
    streams: dict[str, Stream] = {UNLABELLED: everything, PAIRED: PairedStream(everything, neighbours)}
    if len(labelled):
        streams[LABELLED] = LabelledStream(labelled, y[labelled], settings.labelled_batch_size)
    return streams


def _in_training_precision(fabric: Any, objective: Objective) -> Objective:
    """Return the objective computed in the precision of training."""

    def computed(model: Model, batch: Batch) -> LossTerms:
        with fabric.autocast():
            return objective(model, batch)

    return computed


def _settle(model: Model, monitor: Monitor, result: TrainingResult, epochs: int) -> None:
    """Give the model the weights of its best epoch, and say so where training did not end as planned."""
    result.best_epoch = monitor.best["epoch"]
    done = len(result.history)
    if monitor.best["model"] is not None:
        model.load_state_dict(monitor.best["model"])
    if result.stopped == "finished" and done < epochs:
        result.stopped = "early"
    elif result.stopped == "interrupted":
        kept = f"the model of epoch {result.best_epoch}" if done else "the model as it is, without one finished epoch"
        warnings.warn(f"training was interrupted in epoch {done + 1} of {epochs}: keeping {kept}", stacklevel=3)
    elif result.stopped == "diverged":
        if not done:
            raise FloatingPointError(
                "the loss is not finite in the first epoch: lower learning_rate, or look for extreme values in X"
            )
        warnings.warn(
            f"the loss was no longer finite in epoch {done + 1}: keeping the model of epoch {result.best_epoch}",
            stacklevel=3,
        )
