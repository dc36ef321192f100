"""Building the model for an estimator's parameters, one's own networks included."""

import copy
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from semimetric.presets import Choices, Composition, Preset
from semimetric.priors import KL_ESTIMATORS, Prior


def compose(
    preset: Preset, shape: tuple[int, ...], parameters: dict[str, Any], n_classes: int, seed: int
) -> Composition:
    """Build the composition for parameters that the preset has resolved.

    The weights drawn depend on ``seed`` alone, and a given module is copied, not changed.
    """
    choices = Choices(**{field.name: parameters[field.name] for field in fields(Choices)})
    if parameters["decoder"] is not None and not preset.decoder:
        raise ValueError(f"a decoder was given, but preset {preset.name!r} has none")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return preset.compose(
            shape, choices, n_classes, copy.deepcopy(parameters["encoder"]), copy.deepcopy(parameters["decoder"])
        )


@torch.no_grad()
def check_shapes(composition: Composition, shape: tuple[int, ...], latent_dim: int, per_dimension: int) -> None:
    """Pass two inputs through one's own networks, and raise ValueError if what comes out has the wrong shape."""
    model = composition.model
    was_training = model.training
    model.eval()
    _check(model.encoder.network, "encoder", shape, (latent_dim * per_dimension,))
    if model.decoder is not None:
        _check(model.decoder.network, "decoder", (latent_dim,), shape)
    if model.prior is not None and (found := _event_shape(model.prior)) != (latent_dim,):
        raise ValueError(f"prior must have {latent_dim} dimensions, as the space has, but its event shape is {found}")
    model.train(was_training)


@torch.no_grad()
def check_parts(composition: Composition, shape: tuple[int, ...], estimator: str, n: int, n_classes: int) -> None:
    """Try the KL estimator and the metric loss, and raise ValueError where training on ``n`` rows would fail later.

    On copies and with random numbers of its own: nothing is left of it.
    """
    model = copy.deepcopy(composition.model).eval()
    with torch.random.fork_rng(devices=[]):
        if model.prior is not None:
            posterior = model.encoder(torch.zeros(2, *shape))
            KL_ESTIMATORS[estimator](model.prior, posterior, posterior.mean, None)
            if model.prior.wants_embeddings:
                _check_fitted(model.prior, n, n_classes)
        if model.metric is not None and n_classes > 1:
            y = torch.tensor([0, 0, n_classes - 1, n_classes - 1])
            z = model.embed(torch.zeros(4, *shape)) + torch.randn(4, 1)
            try:
                model.metric(z, y)
            except (RuntimeError, IndexError, ValueError) as error:
                raise ValueError(
                    f"loss failed on embeddings {tuple(z.shape)} of {n_classes} classes: {error}"
                ) from error


def _check_fitted(prior: Prior, n: int, n_classes: int) -> None:
    components = len(getattr(prior, "means", ()))
    if components > n:
        raise ValueError(f"a mixture of {components} components needs as many rows, got {n}: lower n_components")
    if n_classes < 2:
        raise ValueError("prior 'fitted' takes the shape of a metric space, which needs labels of at least two classes")


def _check(network: nn.Module, name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
    expected = f"(n, {', '.join(map(str, inputs))}) → (n, {', '.join(map(str, outputs))})"
    try:
        found = tuple(network(torch.zeros(2, *inputs)).shape)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{name} must map {expected}, but it failed on such an input: {error}") from error
    if found != (2, *outputs):
        raise ValueError(f"{name} must map {expected}, but for n = 2 it gave shape {found}")


def _event_shape(prior: Prior) -> tuple[int, ...]:
    try:
        return tuple(prior.distribution().event_shape)
    except RuntimeError as error:  # of pseudo-inputs, for one, that are no inputs of this encoder
        raise ValueError(f"prior does not fit the encoder and the data: {error}") from error
