"""Checks of `MetricEmbedder`'s parameters: each error names the parameter, its value and what would be right."""

import math
import numbers
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import nn

from semimetric.errors import nearest_names
from semimetric.geometry import get_distance
from semimetric.losses import LOSSES, MetricLoss, PyTorchMetricLearning
from semimetric.model import KL, PLACES, REDUCTIONS, Weights
from semimetric.networks import ARCHITECTURES, LIKELIHOODS
from semimetric.presets import PRESETS, Preset, get_preset
from semimetric.priors import KL_ESTIMATORS, PRIORS, Prior
from semimetric.training import PRECISIONS, ROUTINES, Routine, Staged, TrainingSettings, UncertaintyBalance, WarmUp

AUTO = "auto"
BALANCES = ("fixed", "uncertainty")
MOST_EPOCHS = 100  # that "auto" takes
BATCHES_PER_EPOCH = 16  # of small data, below which batches shrink to be able to learn at all


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError for the first parameter that cannot be right."""
    for name in ("preset", "likelihood", "precision", "device", "kl_estimator", "balance"):
        if not isinstance(parameters[name], str):
            raise TypeError(f"{name} must be a string, got {parameters[name]!r}")
    for name in ("distance", "augment"):
        if not isinstance(parameters[name], str) and not callable(parameters[name]):
            raise TypeError(f"{name} must be a name or a function, got {parameters[name]!r}")
    preset = get_preset(parameters["preset"])
    resolved = resolve(parameters)
    get_distance(parameters["distance"])
    _one_of(parameters, "likelihood", LIKELIHOODS)
    _one_of(parameters, "precision", PRECISIONS)
    _one_of(parameters, "kl_estimator", KL_ESTIMATORS)
    _one_of(parameters, "balance", BALANCES)
    _one_of(resolved, "network", ARCHITECTURES)
    _one_of(resolved, "reconstruction", REDUCTIONS)
    _one_of(resolved, "metric_on", PLACES)
    _named_or_own(resolved, "loss", LOSSES, MetricLoss, "metric loss")
    _check_routine(resolved)
    _whole(resolved, "latent_dim", 1)
    _whole(parameters, "devices", 1)
    shares = parameters["devices"]
    least = f"a whole number of at least {2 * shares}, two rows for each of {shares} devices" if shares > 1 else ""
    _whole(parameters, "batch_size", 2 * shares, least)
    _whole(parameters, "labelled_batch_size", max(4, 2 * shares), least)
    _whole(parameters, "kl_samples", 1)
    if parameters["epochs"] != AUTO:
        _whole(parameters, "epochs", 1, f"a whole number of at least 1, or {AUTO!r}")
    for name in ("patience", "n_neighbors", "n_components", "chunk_size"):
        if parameters[name] is not None:
            _whole(parameters, name, 1, "a whole number of at least 1, or None")
    _check_prior(resolved, preset)
    _real(resolved, "alpha", lambda v: 0 < v <= 1, "above 0 and at most 1")
    for name in ("beta", "gamma", "margin", "free_bits"):
        _real(resolved, name, lambda v: v >= 0, "at least 0")
    _real(resolved, "warm_up", lambda v: 0 <= v <= 1, "between 0 and 1: a share of the training")
    if parameters["log_variance"] is not None:
        _real(parameters, "log_variance", lambda v: abs(v) <= 20, "between -20 and 20, or None")
    _real(parameters, "learning_rate", lambda v: v > 0, "above 0")
    _real(parameters, "weight_decay", lambda v: v >= 0, "at least 0")
    _real(parameters, "averaging", lambda v: 0 <= v < 1, "at least 0 and below 1")
    _real(resolved, "validation_share", lambda v: 0 <= v < 1, "at least 0 and below 1")
    for name in ("separate_optimisers", "resume"):
        if not isinstance(parameters[name], (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {parameters[name]!r}")
    for name in ("encoder", "decoder"):
        if parameters[name] is not None and not isinstance(parameters[name], nn.Module):
            raise TypeError(f"{name} must be a torch.nn.Module or None, got {type(parameters[name]).__name__}")
    directory = parameters["checkpoint_dir"]
    if not isinstance(directory, (str, os.PathLike, type(None))):
        raise TypeError(f"checkpoint_dir must be a path or None, got {directory!r}")
    if parameters["resume"] and directory is None:
        raise ValueError("resume=True needs a checkpoint_dir to resume from")


def resolve(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the preset's own values in the places of None; "staged" fits its prior."""
    preset = get_preset(parameters["preset"])
    if parameters["prior"] is None and parameters["routine"] == "staged" and preset.has_prior and preset.metric:
        parameters = {**parameters, "prior": "fitted"}
    return preset.resolve(parameters)


def choose_routine(parameters: Mapping[str, Any], weights: Weights, epochs: int) -> Routine:
    """Return the routine that the parameters ask for, with warm-up and balance around it."""
    chosen = parameters["routine"]
    kind = ROUTINES[chosen] if isinstance(chosen, str) else chosen
    routine = kind(weights, epochs, bool(parameters["separate_optimisers"]))
    if parameters["warm_up"] > 0 and KL in weights:
        routine = WarmUp(routine, float(parameters["warm_up"]))
    return UncertaintyBalance(routine) if parameters["balance"] == "uncertainty" else routine


def _check_prior(parameters: Mapping[str, Any], preset: Preset) -> None:
    prior = parameters["prior"]
    if prior is not None:
        _named_or_own(parameters, "prior", PRIORS, Prior, "prior")
    if not preset.has_prior:
        if prior is not None:
            able = ", ".join(repr(name) for name, other in PRESETS.items() if other.has_prior)
            raise ValueError(f"a prior was given, but preset {preset.name!r} has none: use one of {able}")
        return
    if prior == "fitted" or getattr(prior, "wants_embeddings", False):
        routine = parameters["routine"]
        if not (routine == "staged" or (isinstance(routine, type) and issubclass(routine, Staged))):
            raise ValueError("prior 'fitted' takes the shape of a trained space: it needs routine='staged'")
        if not preset.metric or parameters["epochs"] == 1:
            needed = "at least two epochs" if preset.metric else "a preset with a metric loss"
            raise ValueError(f"prior 'fitted' takes the shape of a space that was trained first: it needs {needed}")
    room = parameters["latent_dim"]
    if prior == "simplex" and (parameters["n_components"] or 0) > room + 1:
        raise ValueError(
            f"prior 'simplex' has room for {room + 1} components in {room} dimensions, got n_components="
            f"{parameters['n_components']}: lower it, or raise latent_dim"
        )


def _named_or_own(parameters: Mapping[str, Any], name: str, known: Any, kind: type, what: str) -> None:
    value = parameters[name]
    if isinstance(value, str):
        _one_of(parameters, name, known)
    elif not isinstance(value, kind):
        advice = ""
        if isinstance(value, type) and issubclass(value, kind):
            advice = f": give an object of it, {value.__name__}(…)"
        elif kind is MetricLoss and type(value).__module__.startswith("pytorch_metric_learning"):
            advice = f": wrap it, PyTorchMetricLearning({type(value).__name__}(…))"
        got = f"a {type(value).__name__}" if isinstance(value, nn.Module) else repr(value)  # modules print in lines
        raise TypeError(f"{name} must be a name or a {what} of your own, got {got}{advice}")


def _check_routine(parameters: Mapping[str, Any]) -> None:
    routine = parameters["routine"]
    if isinstance(routine, str):
        _one_of(parameters, "routine", ROUTINES)
    elif not (isinstance(routine, type) and issubclass(routine, Routine)):
        raise TypeError(f"routine must be a name or a subclass of Routine of your own, got {routine!r}")
    if routine == "self-training" and isinstance(parameters["loss"], PyTorchMetricLearning):
        raise ValueError(
            "routine 'self-training' weighs rows by the confidence in their labels, which losses of "
            "pytorch-metric-learning cannot: use one of semimetric.losses, or another routine"
        )


def choose_batch_size(batch_size: int, n: int) -> int:
    """Return the batch size for ``n`` rows: smaller on small data, so that an epoch has at least 16 steps.

    >>> choose_batch_size(128, 60_000), choose_batch_size(128, 400)
    (128, 25)
    """
    return max(2, min(batch_size, max(8, n // BATCHES_PER_EPOCH)))


def choose_epochs(epochs: int | str, steps_per_epoch: int, preset: Preset) -> int:
    """Return the number of epochs; "auto" aims at the preset's number of steps, in at most 100 epochs.

    >>> dml = get_preset("dml")
    >>> choose_epochs("auto", 469, dml), choose_epochs("auto", 16, dml), choose_epochs(3, 16, dml)
    (16, 100, 3)
    """
    if epochs == AUTO:
        return min(MOST_EPOCHS, max(preset.fewest_epochs, round(preset.steps / steps_per_epoch)))
    return int(epochs)


def training_settings(parameters: Mapping[str, Any], n: int, device: torch.device, seed: int) -> TrainingSettings:
    """Return how to train on ``n`` rows."""
    batch_size = choose_batch_size(parameters["batch_size"], n)
    return TrainingSettings(
        epochs=choose_epochs(parameters["epochs"], -(-n // batch_size), get_preset(parameters["preset"])),
        batch_size=batch_size,
        labelled_batch_size=parameters["labelled_batch_size"],
        learning_rate=parameters["learning_rate"],
        weight_decay=parameters["weight_decay"],
        patience=parameters["patience"],
        averaging=parameters["averaging"] or None,
        device=device,
        precision=parameters["precision"],
        seed=seed,
        show_progress=bool(parameters["verbose"]),
    )


def choose_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed that a random state stands for; an int stands for itself."""
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        if not 0 <= random_state < 2**32:
            raise ValueError(f"random_state must be between 0 and 2**32 − 1, got {random_state}")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def _one_of(parameters: Mapping[str, Any], name: str, known: Any) -> None:
    if parameters[name] not in known:
        raise ValueError(f"unknown {name} {parameters[name]!r}: {nearest_names(parameters[name], known)}")


def _whole(parameters: Mapping[str, Any], name: str, least: int, right: str = "") -> None:
    value = parameters[name]
    right = right or f"a whole number of at least {least}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be {right}, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {right}, got {value!r}")


def _real(parameters: Mapping[str, Any], name: str, is_right: Any, right: str) -> None:
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number {right}, got {value!r}")
    if not math.isfinite(value) or not is_right(value):
        raise ValueError(f"{name} must be {right}, got {value!r}")
