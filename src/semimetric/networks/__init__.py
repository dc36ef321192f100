"""Encoders and decoders: plain PyTorch networks, and the distributions that their outputs are read as."""

from semimetric.networks.build import ARCHITECTURES, build_decoder, build_encoder
from semimetric.networks.chunks import in_chunks
from semimetric.networks.decoder import Decoder
from semimetric.networks.encoder import Encoder
from semimetric.networks.likelihoods import LIKELIHOODS, Bernoulli, Gaussian, Likelihood
from semimetric.networks.posteriors import POSTERIORS, Point, PosteriorFamily

__all__ = [
    "ARCHITECTURES",
    "LIKELIHOODS",
    "POSTERIORS",
    "Bernoulli",
    "Decoder",
    "Encoder",
    "Gaussian",
    "Likelihood",
    "Point",
    "PosteriorFamily",
    "build_decoder",
    "build_encoder",
    "in_chunks",
]
