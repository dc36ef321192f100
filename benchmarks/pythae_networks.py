"""The library's networks in the form that pythae asks for."""

from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

from semimetric.networks import build_decoder, build_encoder


class PythaeEncoder(BaseEncoder):
    """The encoder of images of a shape; a variational one gives means and log-variances."""

    def __init__(self, variational: bool, shape: tuple[int, int, int], latent_dim: int) -> None:
        super().__init__()
        self.network = build_encoder(shape, latent_dim * (2 if variational else 1))
        self.variational = variational

    def forward(self, x: Tensor) -> ModelOutput:
        """Return the embedding, and its log-variance under pythae's name for it."""
        found = self.network(x)
        if not self.variational:
            return ModelOutput(embedding=found)
        mean, log_variance = found.chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class PythaeDecoder(BaseDecoder):
    """Its mirror."""

    def __init__(self, shape: tuple[int, int, int], latent_dim: int) -> None:
        super().__init__()
        self.network = build_decoder(latent_dim, shape)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return the reconstruction."""
        return ModelOutput(reconstruction=self.network(z))
