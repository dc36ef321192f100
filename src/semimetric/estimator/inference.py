"""A fitted model applied to rows, a part at a time: what passes through memory is small, however many there are.

Rows are as `semimetric.data.arrays.lay_out` gives them, a memory map among them: their values are checked, and
converted, as they pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semimetric.data.arrays import InputForm, check_finite, convert
from semimetric.data.normalisation import Normaliser
from semimetric.evaluation.likelihood import elbo_terms, log_likelihood
from semimetric.model import Model
from semimetric.networks import Decoder
from semimetric.priors import Prior
from semimetric.progress import progress
from semimetric.training import embedded_at_once

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Inputs:
    """Rows in the networks' layout, their form, what normalises them, and the device to do it on."""

    rows: np.ndarray
    form: InputForm
    normaliser: Normaliser
    device: torch.device

    def parts(self, size: int = ROWS_AT_ONCE) -> Iterator[tuple[slice, Tensor]]:
        """Yield the rows ``size`` at a time, checked, normalised and on the device."""
        for part in _parts(len(self.rows), size):
            ready = convert(self.rows[part], self.form)
            # PyTorch warns of memory that may not be written to, a read-only memory map's among it.
            tensor = torch.from_numpy(ready if ready.flags.writeable else ready.copy(order="K"))
            if tensor.is_floating_point() and not tensor.sum().isfinite():
                check_finite(self.rows[part], first=part.start)  # or is it only the sum that is too large?
            yield part, self.normaliser(tensor.to(self.device))


def embed(
    model: Model, inputs: Inputs, latent_dim: int, out: np.ndarray | None = None, show: bool = False
) -> np.ndarray:
    """Return the embeddings (n, latent_dim), float32, of ``inputs``, written part by part to ``out`` if it is given."""
    shape = (len(inputs.rows), latent_dim)
    Z = np.empty(shape, np.float32) if out is None else _checked_out(out, shape)
    encoder = model.eval().encoder.folded()
    with torch.inference_mode(), progress("embedding", len(Z), show=show) as bar:
        for part, x in inputs.parts(embedded_at_once(inputs.device)):
            Z[part] = _finite(encoder.mean(x).numpy(force=True), first=part.start)
            bar.advance(len(x))
            del x  # so that the next part is normalised in the same memory, which the cache still holds
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


def reconstruction_error(model: Model, decoder: Decoder, inputs: Inputs) -> float:
    """Return the decoder's mean error per row, summed over its elements, in normalised units."""
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for _, x in inputs.parts():
            total += float(decoder.distortion(x, model.embed(x)).sum(1).cpu().double().sum())
    return total / len(inputs.rows)


def likelihood(model: Model, inputs: Inputs, samples: int, seed: int) -> dict[str, np.ndarray]:
    """Return the terms of the ELBO per row (n,), and with ``samples`` the importance-sampled log-likelihood."""
    for_terms, for_weights = (torch.Generator(inputs.device).manual_seed(seed + number) for number in range(2))
    found: dict[str, list[np.ndarray]] = {}
    for _, x in inputs.parts():
        terms = elbo_terms(model, x, seed=for_terms)
        if samples:
            terms["log_likelihood"] = log_likelihood(model, x, samples, seed=for_weights)
        for name, values in terms.items():
            found.setdefault(name, []).append(values.cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def divergence(model: Model, prior: Prior, inputs: Inputs, seed: int) -> np.ndarray:
    """Return KL(q(z | x) ‖ p) per row (n,), in nats: exact where there is a closed form, else of one sample."""
    model.eval()
    kl = np.empty(len(inputs.rows))
    with seeded(seed, inputs.device), torch.inference_mode():
        for part, x in inputs.parts():
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


def _parts(n: int, size: int = ROWS_AT_ONCE) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


def _finite(Z: np.ndarray, first: int) -> np.ndarray:
    """Return embeddings if all are finite, as those of finite inputs are but of the very largest."""
    if not np.isfinite(Z).all():
        row = first + int(np.argmin(np.isfinite(Z).all(axis=1)))
        raise ValueError(
            f"X is so large in row {row} that its embedding is not finite: the model was fitted on nothing like it"
        )
    return Z


def _checked_out(out: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return ``out`` if embeddings of ``shape`` can be written to it.

    >>> _checked_out(np.empty((5, 2)), (5, 2))
    Traceback (most recent call last):
    ...
    ValueError: out must be a float32 array of shape (5, 2) that can be written to, got float64 of shape (5, 2)
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a float32 array of shape {shape}, got {type(out).__name__}")
    if out.shape != shape or out.dtype != np.float32 or not out.flags.writeable:
        given = f"{out.dtype} of shape {out.shape}" + ("" if out.flags.writeable else ", read-only")
        raise ValueError(f"out must be a float32 array of shape {shape} that can be written to, got {given}")
    return out
