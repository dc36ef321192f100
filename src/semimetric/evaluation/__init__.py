"""How good embeddings and predictions are: probes, few labels, retrieval, clusters, triplets, baselines, likelihood."""

from typing import TYPE_CHECKING, Any

from semimetric.evaluation.baselines import evaluate_baselines
from semimetric.evaluation.peers import evaluate_peer
from semimetric.evaluation.prediction import evaluate_prediction
from semimetric.evaluation.protocol import evaluate
from semimetric.evaluation.retrieval import map_at_r, recall_at_1
from semimetric.evaluation.tables import ScoreRow, score_table

if TYPE_CHECKING:
    from semimetric.evaluation.likelihood import elbo_terms, log_likelihood

__all__ = [
    "ScoreRow",
    "elbo_terms",
    "evaluate",
    "evaluate_baselines",
    "evaluate_peer",
    "evaluate_prediction",
    "log_likelihood",
    "map_at_r",
    "recall_at_1",
    "score_table",
]


def __getattr__(name: str) -> Any:
    if name in ("elbo_terms", "log_likelihood"):  # of models, and so of PyTorch, which the others do without
        from semimetric.evaluation import likelihood

        return getattr(likelihood, name)
    raise AttributeError(f"module 'semimetric.evaluation' has no attribute {name!r}")
