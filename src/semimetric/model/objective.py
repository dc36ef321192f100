"""Objectives: functions of (model, batch) that return named loss terms."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from semimetric.model.batch import Batch
from semimetric.model.composition import Model
from semimetric.model.weights import KL, METRIC, RECONSTRUCTION

LossTerms = dict[str, Tensor]
Objective = Callable[[Model, Batch], LossTerms]


def sum_of_terms(reconstruction_reduction: str = "mean") -> Objective:
    """Return the usual objective: metric loss, reconstruction error and KL on one shared sample z ~ q(z | x).

    Parameters
    ----------
    reconstruction_reduction : {"mean", "sum"}
        Over the elements of an input; over the batch it is always the mean. "mean" is the "MSE" of Safir et
        al. 2022 (algorithms 2 and 5), "sum" makes reconstruction + KL a negative ELBO in nats.

    Notes
    -----
    With a point posterior the sample is the point. KL is summed over dimensions, averaged over the batch.
    """
    if reconstruction_reduction not in ("mean", "sum"):
        raise ValueError(f"reconstruction_reduction must be 'mean' or 'sum', got {reconstruction_reduction!r}")

    def objective(model: Model, batch: Batch) -> LossTerms:
        posterior = model.encoder(batch.x)
        z = posterior.rsample()
        terms: LossTerms = {}
        for term, rows in batch.terms.items():
            if term == METRIC:
                assert model.metric is not None
                weights = None if batch.weights is None else batch.weights[rows]
                terms[term] = model.metric(z[rows], batch.y[rows], weights)
            elif term == RECONSTRUCTION:
                assert model.decoder is not None
                error = model.decoder.distortion(batch.target[rows], z[rows])
                terms[term] = error.mean() if reconstruction_reduction == "mean" else error.sum(1).mean()
            elif term == KL:
                assert model.prior is not None
                terms[term] = model.prior.kl(posterior, z)[rows].mean()
            else:
                raise ValueError(f"this objective has no term {term!r}; it has metric, reconstruction and kl")
        return terms

    return objective


def weighted_total(terms: LossTerms, weights: Mapping[str, float]) -> Tensor:
    """Return Σ weight · term over the computed terms, a scalar."""
    return torch.stack([weights[term] * value for term, value in terms.items()]).sum()
