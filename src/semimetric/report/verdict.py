"""The one sentence at the top: how good the space is, and compared with what."""

from collections.abc import Mapping

from semimetric.evaluation.peers import PEERS
from semimetric.report.section import counted
from semimetric.report.view import View

LEVEL = 0.005
"""Differences below half a point are called level."""


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


def _comparison(view: View) -> str:
    metrics, baselines = view.record.metrics, view.record.baselines
    best_of = {key: _best(baselines, key) for key in ("few_label_accuracy", "knn_accuracy")}
    few, probe = metrics.get("few_label_accuracy"), metrics.get("knn_accuracy")
    if few is not None:
        start = f"{counted(view.n_labelled, 'label')}, few-label accuracy {few:.3f}"
        return f"{start}{_beside(few, best_of['few_label_accuracy'], view, ', with the same labels')}."
    if probe is not None:
        start = f"{counted(view.n_labelled, 'label')}, kNN accuracy {probe:.3f} of a probe with test labels"
        return f"{start}{_beside(probe, best_of['knn_accuracy'], view, ', under the same probe')}."
    return no_scores(view)


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


def _best(baselines: Mapping[str, Mapping[str, float | None]], key: str) -> tuple[str, float] | None:
    scores = {name: value for name, row in baselines.items() if (value := row.get(key)) is not None}
    return max(scores.items(), key=lambda item: item[1]) if scores else None


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
