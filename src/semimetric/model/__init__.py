"""A model is a composition of parts; an objective turns a batch into named loss terms; weights join them."""

from semimetric.model.batch import Batch
from semimetric.model.composition import Model
from semimetric.model.objective import PLACES, REDUCTIONS, LossTerms, Objective, sum_of_terms, weighted_total
from semimetric.model.weights import CONTRAST, KL, METRIC, RECONSTRUCTION, Weights

__all__ = [
    "CONTRAST",
    "KL",
    "METRIC",
    "PLACES",
    "RECONSTRUCTION",
    "REDUCTIONS",
    "Batch",
    "LossTerms",
    "Model",
    "Objective",
    "Weights",
    "sum_of_terms",
    "weighted_total",
]
