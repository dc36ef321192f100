"""How good an embedding is: probes, the few-label protocol, retrieval, clustering, triplets, baselines."""

from semimetric.evaluation.baselines import evaluate_baselines
from semimetric.evaluation.protocol import evaluate
from semimetric.evaluation.retrieval import map_at_r, recall_at_1
from semimetric.evaluation.tables import ScoreRow, score_table

__all__ = ["ScoreRow", "evaluate", "evaluate_baselines", "map_at_r", "recall_at_1", "score_table"]
