"""How probable a model finds data: the importance-sampled log-likelihood, and the ELBO and its two terms."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, Normal

from semimetric.model import Model
from semimetric.networks import Decoder, Point
from semimetric.priors import Prior
from semimetric.priors.base import gaussian

ROWS_AT_ONCE = 4_096  # that go through a network in one block
PRIOR_VALUES = 2**22  # rows × components × dimensions that a mixture's density is computed on in one block


@torch.no_grad()
def log_likelihood(model: Model, x: Tensor, n_samples: int = 100, *, seed: int | torch.Generator = 0) -> Tensor:
    """Return the importance-sampled ``log p(x)`` per row: ``log 1/S Σ_s p(x | z_s) p(z_s) / q(z_s | x)``, z_s ~ q.

    Its expectation is a lower bound of ``log p(x)``: the ELBO for S = 1, never falling as S grows, and tight in
    the limit (Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", eq. 8 and theorem 1).

    Parameters
    ----------
    model : Model
        With a decoder, a prior and a Gaussian posterior.
    x : Tensor (n, …)
        Normalised inputs, in the networks' layout.
    n_samples : int
        S. Memory does not grow with it.
    seed : int or torch.Generator
        Decides the samples. The generator goes on from call to call, for data that comes in parts; torch's
        global generator is never touched. The first samples are the same for every S.

    Returns
    -------
    Tensor (n,), float64 (float32 on an Apple GPU)
        In nats. Of a density in normalised units where the decoder is Gaussian, hence above 0 at times; of
        zeros and ones where it is Bernoulli (of values between, it is minus a cross-entropy, and no
        likelihood). Only models with the same inputs and the same kind of decoder can be compared.

    Raises
    ------
    ValueError
        If the model lacks a part, there is no row, or ``n_samples`` is below 1.

    Notes
    -----
    A prior that knows labels (`ClassPrior`) is used as the mixture that it is without them.

    >>> from torch import nn
    >>> from semimetric.networks import LIKELIHOODS, POSTERIORS, Encoder
    >>> from semimetric.priors import UnitPrior
    >>> encoder = Encoder(nn.Linear(3, 2 * 2), POSTERIORS["gaussian"])
    >>> model = Model(encoder, Decoder(nn.Linear(2, 3), LIKELIHOODS["gaussian"]()), UnitPrior(2))
    >>> log_likelihood(model, torch.zeros(5, 3), n_samples=10).shape
    torch.Size([5])
    """
    decoder, prior = _parts(model, x, n_samples)
    with _evaluating(model):
        q, p = _posterior(model, x), prior.distribution()
        total = torch.full_like(q.loc[:, 0], -torch.inf)
        for z in _samples(q, n_samples, seed):
            log_weight = _log_prob(decoder, x, z) + _log_density(p, z) - q.log_prob(z).sum(-1)
            total = torch.logaddexp(total, log_weight.logsumexp(0))
        return total - math.log(n_samples)


@torch.no_grad()
def elbo_terms(model: Model, x: Tensor, n_samples: int = 1, *, seed: int | torch.Generator = 0) -> dict[str, Tensor]:
    """Return the evidence lower bound ``E_q[log p(x | z)] − KL(q(z | x) ‖ p(z))`` per row, and what it is made of.

    Kingma & Welling 2014, eq. 3 and 7. The "VAE loss" of Ishfaq & Liu 2018 (TVAE, table 1) is
    ``reconstruction + kl``, which is ``−elbo`` up to a constant of the decoder's (½ log π per element where it
    is Gaussian, none where it is Bernoulli).

    Parameters
    ----------
    model, x, seed
        As in `log_likelihood`.
    n_samples : int
        How many samples z ~ q each expectation is a mean of.

    Returns
    -------
    dict of Tensor (n,), float64
        ``reconstruction``: the decoder's error, summed over the elements of an input (for a Gaussian decoder the
        squared error in normalised units); ``kl``: in nats, in closed form where the prior has one, else
        estimated on the same samples; ``elbo``: in nats.

    Raises
    ------
    ValueError
        If the model lacks a part, there is no row, or ``n_samples`` is below 1.

    >>> from torch import nn
    >>> from semimetric.networks import LIKELIHOODS, POSTERIORS, Encoder
    >>> from semimetric.priors import UnitPrior
    >>> encoder = Encoder(nn.Linear(3, 2 * 2), POSTERIORS["gaussian"])
    >>> model = Model(encoder, Decoder(nn.Linear(2, 3), LIKELIHOODS["bernoulli"]()), UnitPrior(2))
    >>> terms = elbo_terms(model, torch.ones(5, 3))
    >>> bool(torch.allclose(terms["elbo"], -terms["reconstruction"] - terms["kl"]))
    True
    """
    decoder, prior = _parts(model, x, n_samples)
    with _evaluating(model):
        q, p = _posterior(model, x), prior.distribution()
        reconstruction, fit, kl = (torch.zeros_like(q.loc[:, 0]) for _ in range(3))
        for z in _samples(q, n_samples, seed):
            error, log_prob = _error_and_log_prob(decoder, x, z)
            reconstruction += error.sum(0)
            fit += log_prob.sum(0)
            if not prior.has_closed_form:
                kl += (q.log_prob(z).sum(-1) - _log_density(p, z)).sum(0)
        kl /= n_samples
        if prior.has_closed_form:
            kl = prior.kl(Independent(q, 1, validate_args=False), q.loc)
        return {"reconstruction": reconstruction / n_samples, "kl": kl, "elbo": fit / n_samples - kl}


def _parts(model: Model, x: Tensor, n_samples: int) -> tuple[Decoder, Prior]:
    """Return the decoder and the prior, or say what is missing."""
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    if len(x) == 0:
        raise ValueError("x has no rows")
    if model.decoder is None:
        raise ValueError("this model has no decoder, hence no likelihood of its inputs")
    if model.prior is None:
        raise ValueError("this model has no prior over its latent space, hence no likelihood of its inputs")
    return model.decoder, model.prior


@contextmanager
def _evaluating(model: Model) -> Iterator[None]:
    """Put every module into evaluation mode, and each back into its own afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _posterior(model: Model, x: Tensor) -> Normal:
    """Return the factors (n, d) of the posterior in float64, encoded in blocks."""
    blocks = [model.encoder(rows) for rows in x.split(ROWS_AT_ONCE)]
    if isinstance(blocks[0], Point):
        raise ValueError("this model's posterior is a point, which has no density: use the 'gaussian' posterior")
    factors = [gaussian(block) for block in blocks]
    mean, scale = (_wide(torch.cat([getattr(each, name) for each in factors])) for name in ("loc", "scale"))
    return Normal(mean, scale, validate_args=False)


def _samples(q: Normal, n_samples: int, seed: int | torch.Generator) -> Iterator[Tensor]:
    """Yield ``n_samples`` samples in all, as z (s, n, d) with as many together as fill a block.

    Each is drawn by itself, so that the noise is the same whatever the size of a block, and on the generator's
    own device, so that it is the same wherever the model lives.
    """
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    together = max(1, ROWS_AT_ONCE // len(q.loc))
    for start in range(0, n_samples, together):
        noise = [
            torch.randn(q.loc.shape, generator=generator, device=generator.device, dtype=q.loc.dtype)
            for _ in range(min(together, n_samples - start))
        ]
        yield q.loc + q.scale * torch.stack(noise).to(q.loc.device)


def _log_prob(decoder: Decoder, x: Tensor, z: Tensor) -> Tensor:
    """Return ``log p(x | z)``, shape (s, n)."""
    return torch.cat([_wide(decoder.log_prob(rows, at)) for rows, at in _pairs(x, z)]).view(z.shape[:2])


def _error_and_log_prob(decoder: Decoder, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distortion summed over the elements of an input and ``log p(x | z)``, each (s, n), decoding once."""
    errors, log_probs = [], []
    for rows, at in _pairs(x, z):
        output = decoder.network(at)
        errors.append(_wide(decoder.likelihood.distortion(output, rows).flatten(1).sum(1)))
        log_probs.append(_wide(decoder.likelihood.log_prob(output, rows)))
    return torch.cat(errors).view(z.shape[:2]), torch.cat(log_probs).view(z.shape[:2])


def _wide(values: Tensor) -> Tensor:
    """Return values in float64, or as they are on Apple GPUs, which have none."""
    return values if values.device.type == "mps" else values.double()


def _pairs(x: Tensor, z: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield samples (s, n, d) block by block in the data's precision, each with the inputs that they are of."""
    owners = torch.arange(len(x), device=x.device).repeat(len(z))
    for at, owner in zip(z.flatten(0, 1).split(ROWS_AT_ONCE), owners.split(ROWS_AT_ONCE), strict=True):
        yield x[owner], at.to(x.dtype)


def _log_density(p: Distribution, z: Tensor) -> Tensor:
    """Return ``log p(z)``, shape (s, n), in blocks that allow for a mixture's components."""
    components = p.component_distribution.batch_shape[-1] if isinstance(p, MixtureSameFamily) else 1
    rows = max(1, PRIOR_VALUES // (components * z.shape[-1]))
    return torch.cat([p.log_prob(at) for at in z.flatten(0, 1).split(rows)]).view(z.shape[:2])
