"""What a preset is: which parts a model has, and how its loss terms are weighed. Data, not code."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from semimetric.geometry import Distance
from semimetric.losses import MetricLoss, TripletLoss
from semimetric.model import Model, Objective, Weights, sum_of_terms
from semimetric.networks import LIKELIHOODS, POSTERIORS, Decoder, Encoder, build_decoder, build_encoder
from semimetric.priors import Prior


@dataclass(frozen=True)
class Choices:
    """The numbers that a preset leaves to its user; each preset reads those that concern it."""

    latent_dim: int
    alpha: float
    margin: float
    distance: str | Distance
    likelihood: str


@dataclass(frozen=True)
class Composition:
    """A preset made concrete: a model, its objective and its terms' weights."""

    model: Model
    objective: Objective
    weights: Weights


_SUM_OF_TERMS = sum_of_terms("mean")


def _triplet(choices: Choices) -> MetricLoss:
    return TripletLoss(choices.margin, choices.distance)


@dataclass(frozen=True)
class Preset:
    """A named composition.

    name : as users type it.
    summary : one line, for tables and ``--help``.
    citation : paper and algorithm.
    weights : the user's choices → one weight per loss term; the terms decide which parts the model has.
    posterior : a name out of ``POSTERIORS``.
    prior : the user's choices → the prior, or None.
    metric : the user's choices → the metric loss, or None.
    decoder : whether there is one.
    objective : how a batch becomes loss terms; the default averages squared errors over pixels, the paper's MSE.
    """

    name: str
    summary: str
    citation: str
    weights: Callable[[Choices], Weights]
    posterior: str = "point"
    prior: Callable[[Choices], Prior] | None = None
    metric: Callable[[Choices], MetricLoss] | None = _triplet
    decoder: bool = True
    objective: Objective = _SUM_OF_TERMS

    @property
    def needs_labels(self) -> bool:
        """Whether there is nothing to learn from unlabelled data."""
        return not self.decoder and self.prior is None

    @property
    def parameters_per_dimension(self) -> int:
        """How many numbers the encoder's network puts out per latent dimension."""
        return POSTERIORS[self.posterior].parameters_per_dimension

    def compose(
        self,
        shape: tuple[int, ...],
        choices: Choices,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> Composition:
        """Build the model for inputs of ``shape``, with one's own networks where given."""
        d = choices.latent_dim
        network = encoder if encoder is not None else build_encoder(shape, d * self.parameters_per_dimension)
        parts = Model(Encoder(network, POSTERIORS[self.posterior]))
        if self.decoder:
            network = decoder if decoder is not None else build_decoder(d, shape)
            parts.decoder = Decoder(network, LIKELIHOODS[choices.likelihood]())
        if self.prior is not None:
            parts.prior = self.prior(choices)
        if self.metric is not None:
            parts.metric = self.metric(choices)
        return Composition(parts, self.objective, self.weights(choices))
