"""A fitted model applied to rows, a part at a time: what passes through memory is small, however many there are."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from semimetric.data.normalisation import Normaliser
from semimetric.evaluation.likelihood import elbo_terms, log_likelihood
from semimetric.model import Model
from semimetric.networks import Decoder
from semimetric.priors import Prior
from semimetric.progress import progress

ROWS_AT_ONCE = 1024


def embed(
    model: Model, normaliser: Normaliser, rows: np.ndarray, latent_dim: int, device: torch.device, show: bool = False
) -> np.ndarray:
    """Return the embeddings (n, latent_dim), float32, of rows in the networks' layout."""
    Z = np.empty((len(rows), latent_dim), np.float32)
    with torch.inference_mode(), progress("embedding", len(rows), show=show) as bar:
        for part, x in _normalised(normaliser, rows, device):
            Z[part] = model.eval().embed(x).cpu().numpy()
            bar.advance(len(x))
    return Z


def decode(
    decoder: Decoder, normaliser: Normaliser, Z: np.ndarray, shape: tuple[int, ...], device: torch.device
) -> np.ndarray:
    """Return what embeddings (n, latent_dim) decode to, (n, *shape) float32, in the data's units."""
    rows = np.empty((len(Z), *shape), np.float32)
    with torch.inference_mode():
        for part in _parts(len(Z)):
            mean = decoder.eval().mean(torch.from_numpy(Z[part]).to(device))
            rows[part] = normaliser.inverse(mean).cpu().numpy()
    return rows


def reconstruction_error(
    model: Model, decoder: Decoder, normaliser: Normaliser, rows: np.ndarray, device: torch.device
) -> float:
    """Return the decoder's mean error per row, summed over its elements, in normalised units."""
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for _, x in _normalised(normaliser, rows, device):
            total += float(decoder.distortion(x, model.embed(x)).sum(1).cpu().double().sum())
    return total / len(rows)


def likelihood(
    model: Model, normaliser: Normaliser, rows: np.ndarray, samples: int, seed: int, device: torch.device
) -> dict[str, np.ndarray]:
    """Return the terms of the ELBO per row (n,), and with ``samples`` the importance-sampled log-likelihood."""
    for_terms, for_weights = (torch.Generator(device).manual_seed(seed + number) for number in range(2))
    found: dict[str, list[np.ndarray]] = {}
    for _, x in _normalised(normaliser, rows, device):
        terms = elbo_terms(model, x, seed=for_terms)
        if samples:
            terms["log_likelihood"] = log_likelihood(model, x, samples, seed=for_weights)
        for name, values in terms.items():
            found.setdefault(name, []).append(values.cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def divergence(
    model: Model, prior: Prior, normaliser: Normaliser, rows: np.ndarray, seed: int, device: torch.device
) -> np.ndarray:
    """Return KL(q(z | x) ‖ p) per row (n,), in nats: exact where there is a closed form, else of one sample."""
    model.eval()
    kl = np.empty(len(rows))
    with seeded(seed, device), torch.inference_mode():
        for part, x in _normalised(normaliser, rows, device):
            posterior = model.encoder(x)
            kl[part] = prior.kl(posterior, posterior.sample()).cpu().numpy()
    return kl


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let PyTorch's global generators of the processor and of ``device`` start from ``seed`` in a ``with`` block."""
    cuda = device.type == "cuda"
    of_mps = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.default_generators[device.index or 0].manual_seed(seed)
        if of_mps is not None:
            torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            if of_mps is not None:
                torch.mps.set_rng_state(of_mps)


def _normalised(normaliser: Normaliser, rows: np.ndarray, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
    for part in _parts(len(rows)):
        # A copy, for PyTorch will not look at memory that may not be written to.
        yield part, normaliser(torch.from_numpy(np.array(rows[part])).to(device))


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, n, ROWS_AT_ONCE))
