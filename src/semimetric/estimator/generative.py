"""What a model with a decoder or a prior can do beside embedding: decode, draw, and say how likely data are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from semimetric.data.arrays import as_given
from semimetric.estimator.application import Application
from semimetric.estimator.inference import decode, divergence, likelihood, reconstruction_error, seeded
from semimetric.networks import Decoder
from semimetric.presets import PRESETS, Preset
from semimetric.priors import Prior


class Generative(Application):
    """The part of `MetricEmbedder` that needs a decoder, a prior, or both."""

    preset: str
    settings_: dict[str, Any]
    seed_: int

    def inverse_transform(self, Z: ArrayLike) -> np.ndarray:
        """Return what embeddings (n, latent_dim) decode to, float32, in the training data's units and layout.

        Raises
        ------
        ValueError
            If the preset has no decoder, or ``Z`` the wrong shape.
        """
        check_is_fitted(self)
        decoder = self._decoder("inverse_transform")
        latent_dim = self.settings_["latent_dim"]
        Z = np.asarray(Z, np.float32)
        if Z.ndim != 2 or Z.shape[1] != latent_dim:
            raise ValueError(f"Z must have shape (n, {latent_dim}), got {Z.shape}")
        if not (finite := np.isfinite(Z).all(axis=1)).all():
            raise ValueError(f"Z contains NaN or infinity in row {int(np.argmin(finite))}")
        out = decode(decoder, self.normaliser_, Z, self.input_form_.shape, self._device())
        return as_given(out, self.input_form_)

    def reconstruction_error(self, X: ArrayLike) -> float:
        """Return the decoder's mean error per input, summed over its elements, in normalised units."""
        inputs = self._inputs(X)
        return reconstruction_error(self.model_, self._decoder("reconstruction_error"), inputs)

    def sample(self, n: int = 1, *, random_state: int = 0) -> np.ndarray:
        """Draw ``n`` embeddings from the prior and return what they decode to, in the data's units and layout.

        Raises
        ------
        ValueError
            If the preset has no prior or no decoder.
        """
        self._check_has_both("sample")
        return self.inverse_transform(self.sample_embeddings(n, random_state=random_state))

    def sample_embeddings(self, n: int = 1, *, random_state: int = 0) -> np.ndarray:
        """Draw ``n`` embeddings (n, latent_dim), float32, from the prior."""
        prior = self._prior("sample_embeddings")
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n!r}")
        device = self._device()
        self.model_.eval()
        with seeded(random_state, device), torch.inference_mode():
            return prior.sample(n).cpu().numpy()

    def kl(self, X: ArrayLike, *, random_state: int = 0) -> np.ndarray:
        """Return KL(q(z | x) ‖ p(z)) per row (n,), in nats: how much of each input the latent space holds.

        Exact where the prior has a closed form, else an unbiased estimate from one sample; of the right KL, whatever
        ``kl_estimator`` the fit used.

        Raises
        ------
        ValueError
            If the preset has no prior.
        """
        inputs = self._inputs(X)
        prior = self._prior("kl")
        return divergence(self.model_, prior, inputs, random_state)

    def likelihood_terms(self, X: ArrayLike, *, samples: int = 0, random_state: int = 0) -> dict[str, np.ndarray]:
        """Return how likely rows are under the model, one value per row (n,), in nats.

        Parameters
        ----------
        X : array
            As `transform` takes it; of a Bernoulli likelihood, with values of 0 or 1 after normalisation, for these
            to be log-probabilities.
        samples : int
            Of the importance-sampled log-likelihood (Burda et al. 2016, eq. 8); with 0 it is left out.

        Returns
        -------
        dict
            ``reconstruction`` (error summed over elements, at a sample), ``kl``, ``elbo`` and, with ``samples``,
            ``log_likelihood``.

        Raises
        ------
        ValueError
            If the preset has no decoder, no prior, or a point for a posterior, or ``samples`` is below 0.
        """
        if samples < 0:
            raise ValueError(f"samples must be at least 0, got {samples!r}")
        inputs = self._inputs(X)
        self._check_has_both("likelihood_terms")
        return likelihood(self.model_, inputs, samples, random_state)

    def _decoder(self, method: str) -> Decoder:
        check_is_fitted(self)
        if self.model_.decoder is None:
            raise ValueError(self._lacking("decoder", method, lambda preset: preset.decoder))
        return self.model_.decoder

    def _prior(self, method: str) -> Prior:
        check_is_fitted(self)
        if self.model_.prior is None:
            raise ValueError(self._lacking("prior", method, lambda preset: preset.has_prior))
        return self.model_.prior

    def _check_has_both(self, method: str) -> None:
        check_is_fitted(self)
        for part in ("decoder", "prior"):
            if getattr(self.model_, part) is None:
                raise ValueError(self._lacking(part, method, lambda preset: preset.decoder and preset.has_prior))

    def _lacking(self, part: str, method: str, suits: Callable[[Preset], bool]) -> str:
        able = ", ".join(repr(name) for name, preset in PRESETS.items() if suits(preset))
        return f"preset {self.preset!r} has no {part}: {method} needs one of {able}"
