"""The model: an encoder, and whichever of a decoder, a prior and a metric loss the system at hand has."""

from typing import Any

from torch import Tensor, nn

from semimetric.losses import MetricLoss
from semimetric.networks import Decoder, Encoder
from semimetric.priors import Prior


class Model(nn.Module):
    """Parts, composed; what is left out is None, and every system of the papers is such a choice.

    Parameters
    ----------
    encoder : Encoder
        x → posterior over embeddings.
    decoder : Decoder, optional
        A conditional likelihood p(x | z); with one, the model reconstructs.
    prior : Prior, optional
        What posteriors are drawn towards.
    metric : MetricLoss, optional
        What labels ask of the embeddings.
    contrast : MetricLoss, optional
        What two views of an input, or of two neighbours, ask of theirs: each pair is given to it as a class.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder | None = None,
        prior: Prior | None = None,
        metric: MetricLoss | None = None,
        contrast: MetricLoss | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior
        self.metric = metric
        self.contrast = contrast
        if prior is not None:
            prior.attach(encoder)

    def embed(self, x: Any) -> Tensor:
        """Return the embeddings (n, latent_dim) of a batch of inputs: the posterior means."""
        return self.encoder.mean(x)

    def compute_in_chunks(self, size: int | None) -> None:
        """Let the networks compute so many rows at a time in training: see `semimetric.networks.in_chunks`."""
        for part in (self.encoder, self.decoder):
            if part is not None:
                part.chunk_size = size
