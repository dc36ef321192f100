"""Objectives: functions of (model, batch) that return named loss terms."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution

from semimetric.errors import nearest_names
from semimetric.model.batch import Batch
from semimetric.model.composition import Model
from semimetric.model.weights import CONTRAST, KL, METRIC, RECONSTRUCTION
from semimetric.priors import KL_ESTIMATORS

LossTerms = dict[str, Tensor]
Objective = Callable[[Model, Batch], LossTerms]

REDUCTIONS = ("mean", "sum")
PLACES = ("sample", "mean")


def sum_of_terms(
    reconstruction_reduction: str = "mean",
    *,
    metric_on: str = "sample",
    kl_estimator: str = "auto",
    kl_samples: int = 1,
    free_bits: float = 0.0,
) -> Objective:
    """Return the usual objective: metric loss, reconstruction error and KL on one shared sample z ~ q(z | x).

    Parameters
    ----------
    reconstruction_reduction : {"mean", "sum"}
        Over the elements of an input; over the batch it is always the mean. "mean" is the "MSE" of Safir et
        al. 2022 (algorithms 2 and 5), "sum" makes reconstruction + KL a negative ELBO in nats.
    metric_on : {"sample", "mean"}
        Whether the metric loss sees the sample or the posterior's mean (TVAE: Ishfaq & Liu 2018).
    kl_estimator : str
        A name out of ``semimetric.priors.KL_ESTIMATORS``.
    kl_samples : int
        How many samples a Monte Carlo estimate averages over; with one, it is the sample that the decoder sees.
    free_bits : float
        Nats of KL that cost nothing: the term is ``max(KL, free_bits)``, of the batch's mean (Kingma et al. 2016,
        eq. 15, with one group).

    Raises
    ------
    ValueError
        If one of them is none of these.

    Notes
    -----
    The contrast term is of posterior means, of rows that stand in pairs. With a point posterior the sample is the
    point. KL is summed over dimensions, averaged over the batch. Under a prior that knows labels, the mean over the
    rows of the metric loss is added to it: they carry the labels. Where both terms are of the same rows, nothing is
    counted twice.
    """
    if reconstruction_reduction not in REDUCTIONS:
        raise ValueError(f"reconstruction_reduction must be 'mean' or 'sum', got {reconstruction_reduction!r}")
    if metric_on not in PLACES:
        raise ValueError(f"metric_on must be 'sample' or 'mean', got {metric_on!r}")
    if kl_estimator not in KL_ESTIMATORS:
        raise ValueError(f"unknown kl_estimator {kl_estimator!r}: {nearest_names(kl_estimator, KL_ESTIMATORS)}")
    if kl_samples < 1:
        raise ValueError(f"kl_samples must be at least 1, got {kl_samples!r}")
    if not free_bits >= 0:
        raise ValueError(f"free_bits must be at least 0, got {free_bits!r}")
    estimate = KL_ESTIMATORS[kl_estimator]

    def divergence(model: Model, batch: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        prior = model.prior
        assert prior is not None
        draws = z if kl_samples == 1 else posterior.rsample(torch.Size([kl_samples]))
        kl = estimate(prior, posterior, draws, batch.y)
        total = kl[batch.terms[KL]].mean()
        labelled = batch.terms.get(METRIC)
        if prior.uses_labels and labelled is not None and labelled != batch.terms[KL]:
            total = total + kl[labelled].mean()
        return total.clamp(min=free_bits) if free_bits > 0 else total

    def objective(model: Model, batch: Batch) -> LossTerms:
        posterior = model.encoder(batch.x)
        z = posterior.rsample()
        terms: LossTerms = {}
        for term, rows in batch.terms.items():
            if term == METRIC:
                assert model.metric is not None
                weights = None if batch.weights is None else batch.weights[rows]
                at = z if metric_on == "sample" else posterior.mean
                terms[term] = model.metric(at[rows], batch.y[rows], weights)
            elif term == RECONSTRUCTION:
                assert model.decoder is not None
                error = model.decoder.distortion(batch.target[rows], z[rows])
                terms[term] = error.mean() if reconstruction_reduction == "mean" else error.sum(1).mean()
            elif term == CONTRAST:
                assert model.contrast is not None
                # A pair stands together, and is named by the row it was drawn for.
                pairs = batch.rows[rows][::2].repeat_interleave(2)
                terms[term] = model.contrast(posterior.mean[rows], pairs)
            elif term == KL:
                terms[term] = divergence(model, batch, posterior, z)
            else:
                raise ValueError(f"this objective has no term {term!r}; it has metric, reconstruction, kl and contrast")
        return terms

    return objective


def weighted_total(terms: LossTerms, weights: Mapping[str, float]) -> Tensor:
    """Return Σ weight · term over the computed terms, a scalar."""
    return torch.stack([weights[term] * value for term, value in terms.items()]).sum()
