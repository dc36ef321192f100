"""What a preset is: which parts a model has, and how its loss terms are weighed. Data, not code."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from semimetric.geometry import Distance
from semimetric.losses import LossSetting, MetricLoss, NTXentLoss, get_loss
from semimetric.model import Model, Objective, Weights, sum_of_terms
from semimetric.networks import LIKELIHOODS, POSTERIORS, Decoder, Encoder, build_decoder, build_encoder
from semimetric.priors import Prior, PriorSetting, get_prior
from semimetric.training import LABELLED, PAIRED, UNLABELLED

CONTRAST_TEMPERATURE = 0.2

DEFAULTS: dict[str, Any] = {
    "latent_dim": 10,
    "alpha": 0.97,
    "beta": 1.0,
    "gamma": 20.0,
    "loss": "triplet",
    "margin": 0.2,
    "metric_on": "sample",
    "prior": None,
    "free_bits": 0.0,
    "warm_up": 0.0,
    "reconstruction": "mean",
    "network": "auto",
    "routine": "joint",
    "validation_share": 0.05,
}
"""What a parameter is where neither the user nor the preset says otherwise."""


@dataclass(frozen=True)
class Choices:
    """What a preset leaves to its user; each preset reads what concerns it. See `MetricEmbedder` for what is what."""

    latent_dim: int
    alpha: float
    beta: float
    gamma: float
    loss: str | MetricLoss
    margin: float
    distance: str | Distance
    metric_on: str
    prior: str | Prior | None
    n_components: int | None
    log_variance: float | None
    kl_estimator: str
    kl_samples: int
    free_bits: float
    likelihood: str
    reconstruction: str
    network: str


@dataclass(frozen=True)
class Composition:
    """A preset made concrete: a model, its objective and its terms' weights."""

    model: Model
    objective: Objective
    weights: Weights


@dataclass(frozen=True)
class Preset:
    """A named composition.

    name : as users type it.
    summary : one line, for tables and ``--help``.
    citation : paper and algorithm.
    weights : the user's choices → one weight per loss term.
    posterior : a name out of ``POSTERIORS``.
    metric, decoder, contrast : whether there is one; there is a prior where ``defaults`` name one.
    views : the streams whose rows ``augment="auto"`` lets the encoder see in views. A likelihood of the data needs
        the data themselves: presets with an ELBO augment labelled batches at most.
    deformation : how strong they are, where they deform images; see `semimetric.data.augmentation.Deform`.
    corruption : the share of features that they replace in vectors; see `semimetric.data.augmentation.Corrupt`.
    steps : how many ``epochs="auto"`` aims at, of no fewer epochs than ``fewest_epochs``.
    defaults : parameters of `MetricEmbedder` that this preset sets otherwise than ``DEFAULTS``.
    """

    name: str
    summary: str
    citation: str
    weights: Callable[[Choices], Weights]
    posterior: str = "point"
    metric: bool = True
    decoder: bool = True
    contrast: bool = False
    views: tuple[str, ...] = (LABELLED, UNLABELLED, PAIRED)
    deformation: float = 0.7
    corruption: float = 0.0
    steps: int = 7_500
    fewest_epochs: int = 15
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_prior(self) -> bool:
        """Whether posteriors are drawn to anything."""
        return self.defaults.get("prior") is not None

    @property
    def needs_labels(self) -> bool:
        """Whether there is nothing to learn from unlabelled data: a prior alone would have all embeddings alike."""
        return not (self.decoder or self.contrast)

    @property
    def parameters_per_dimension(self) -> int:
        """How many numbers the encoder's network puts out per latent dimension."""
        return POSTERIORS[self.posterior].parameters_per_dimension

    def resolve(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters with every None that stands for the preset's own value replaced by it."""
        own = {**DEFAULTS, **self.defaults}
        return {name: own.get(name) if value is None else value for name, value in parameters.items()}

    def compose(
        self,
        shape: tuple[int, ...],
        choices: Choices,
        n_classes: int = 0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> Composition:
        """Build the model for inputs of ``shape`` and so many labelled classes, with one's own networks where given."""
        d = choices.latent_dim
        if encoder is None:
            encoder = build_encoder(shape, d * self.parameters_per_dimension, choices.network)
        if decoder is None and self.decoder:
            decoder = build_decoder(d, shape, choices.network)
        model = Model(
            Encoder(encoder, POSTERIORS[self.posterior]),
            None if decoder is None else Decoder(decoder, LIKELIHOODS[choices.likelihood]()),
            _prior(choices, n_classes, shape) if self.has_prior else None,
            _metric(choices, n_classes) if self.metric else None,
            NTXentLoss(CONTRAST_TEMPERATURE) if self.contrast else None,
        )
        objective = sum_of_terms(
            choices.reconstruction,
            metric_on=choices.metric_on,
            kl_estimator=choices.kl_estimator,
            kl_samples=choices.kl_samples,
            free_bits=choices.free_bits,
        )
        return Composition(model, objective, self.weights(choices))


def _metric(choices: Choices, n_classes: int) -> MetricLoss:
    if not isinstance(choices.loss, str):
        return copy.deepcopy(choices.loss)
    return get_loss(choices.loss, LossSetting(choices.latent_dim, n_classes, choices.margin, choices.distance))


def _prior(choices: Choices, n_classes: int, shape: tuple[int, ...]) -> Prior:
    assert choices.prior is not None
    if not isinstance(choices.prior, str):
        return copy.deepcopy(choices.prior)
    setting = PriorSetting(choices.latent_dim, choices.n_components, choices.log_variance, n_classes, shape)
    return get_prior(choices.prior, setting)
