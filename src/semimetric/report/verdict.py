"""The one sentence at the top: how good the space is, and compared with what."""

from collections.abc import Mapping
from typing import Any

from semimetric.errors import some_of
from semimetric.evaluation.peers import PEERS
from semimetric.report.section import counted
from semimetric.report.view import View

LEVEL = 0.005
"""Differences below half a point are called level."""
FEW_ROWS = 100
"""Scores of fewer rows are called coarse."""


ENDINGS = {
    "interrupted": "The fit was interrupted; this is the best model until then.",
    "diverged": "The fit diverged; this is the best model before that.",
}


def verdict(view: View) -> str:
    """Return the sentence, as plain text; a second one where the fit did not end as it should."""
    ending = ENDINGS.get(str(view.config.get("stopped")), "")
    return f"{_comparison(view)} {ending}".strip()


def no_scores(view: View) -> str:
    """Return why a run has no scores."""
    if view.on_training_rows:
        return "No scores: the data has no test split, and labels that were trained on would flatter."
    if (view.true >= 0).any():
        return "No scores: nothing in this run was evaluated."
    return "No scores: none of the rows to evaluate on has a label."


def cautions(rows: int, unseen: Mapping[Any, int]) -> list[str]:
    """Return how coarse scores of fewer than a hundred rows are, and how many rows are of which unseen classes.

    >>> cautions(12, {}), cautions(100, {"cat": 7, "dog": 1})  # doctest: +NORMALIZE_WHITESPACE
    (['Scores of only 12 rows: each is worth 0.083 of accuracy, of a probe twice that.'],
     ['8 of the 100 rows are of classes without a label in the fit, which are never predicted: cat, dog.'])
    """
    told = []
    if 0 < rows < FEW_ROWS:
        worth = f"each is worth {1 / rows:.3f} of accuracy, of a probe twice that"
        told.append(f"Scores of only {counted(rows, 'row')}: {worth}.")
    if unseen:
        these = f"{sum(unseen.values()):,} of the {counted(rows, 'row')} are"
        told.append(f"{these} of classes without a label in the fit, which are never predicted: {some_of(unseen)}.")
    return told


def _comparison(view: View) -> str:
    metrics, baselines = view.record.metrics, view.record.baselines
    with_labels = {name: _with_same_labels(scores) for name, scores in baselines.items()}
    own, probe = _with_same_labels(metrics), metrics.get("knn_accuracy")
    if own is not None:
        what = "accuracy" if metrics.get("accuracy") is not None else "few-label accuracy"
        start = f"{counted(view.n_labelled, 'label')}, {what} {own:.3f}"
        return f"{start}{_beside(own, _best(with_labels), view, ', with the same labels')}."
    if probe is not None:
        probes = {name: scores.get("knn_accuracy") for name, scores in baselines.items()}
        start = f"{counted(view.n_labelled, 'label')}, kNN accuracy {probe:.3f} of a probe with test labels"
        return f"{start}{_beside(probe, _best(probes), view, ', under the same probe')}."
    return no_scores(view)


def _with_same_labels(scores: Mapping[str, float | None]) -> float | None:
    """Return the accuracy of what itself predicts; of what does not, that of the neighbours among the given labels."""
    own = scores.get("accuracy")
    return scores.get("few_label_accuracy") if own is None else own


def baseline_name(name: str, latent_dim: int) -> str:
    """Return what people call a baseline.

    >>> baseline_name("raw", 10), baseline_name("pca", 10), baseline_name("pca50", 10), baseline_name("umap", 10)
    ('raw input', 'PCA-10', 'PCA-50', 'semi-supervised UMAP')
    """
    if name == "raw":
        return "raw input"
    if name == "pca":
        return f"PCA-{latent_dim}"
    digits = name.removeprefix("pca").strip("_-")
    if name.startswith("pca") and digits.isdigit():
        return f"PCA-{digits}"
    return PEERS[name].label if name in PEERS else name


def _best(scores: Mapping[str, float | None]) -> tuple[str, float] | None:
    known = {name: value for name, value in scores.items() if value is not None}
    return max(known.items(), key=lambda item: item[1]) if known else None


def _beside(score: float, best: tuple[str, float] | None, view: View, terms: str) -> str:
    if best is None:
        return ""
    name, value = baseline_name(best[0], view.Z.shape[1]), best[1]
    points = abs(score - value)
    many = f"{100 * points:.1f} points"
    if points < LEVEL:
        return f": level with the best baseline, {name} ({value:.3f}){terms}"
    side = "above" if score > value else "below"
    return f": {many} {side} the best baseline, {name} ({value:.3f}){terms}"
