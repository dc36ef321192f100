"""The one sentence at the top: how good the space is, and compared with what."""

from collections.abc import Mapping

from semimetric.report.section import counted
from semimetric.report.view import View

LEVEL = 0.005
"""Differences below half a point are called level."""


def verdict(view: View) -> str:
    """Return the sentence, as plain text."""
    metrics, baselines = view.record.metrics, view.record.baselines
    best_of = {key: _best(baselines, key) for key in ("few_label_accuracy", "knn_accuracy")}
    few, probe = metrics.get("few_label_accuracy"), metrics.get("knn_accuracy")
    if few is not None:
        start = f"{counted(view.n_labelled, 'label')}, few-label accuracy {few:.3f}"
        return f"{start}{_beside(few, best_of['few_label_accuracy'], view, ', with the same labels')}."
    if probe is not None:
        start = f"No few-label score; neighbours in the space share their class: kNN accuracy {probe:.3f}"
        return f"{start}{_beside(probe, best_of['knn_accuracy'], view, ', under the same probe')}."
    if (view.true >= 0).any():
        return "This run has no scores: nothing in it was evaluated."
    return "This run has no scores, because none of the rows it was to be evaluated on has a label."


def baseline_name(name: str, latent_dim: int) -> str:
    """Return what people call a baseline.

    >>> baseline_name("raw", 10), baseline_name("pca", 10), baseline_name("pca50", 10)
    ('raw input', 'PCA-10', 'PCA-50')
    """
    if name == "raw":
        return "raw input"
    if name == "pca":
        return f"PCA-{latent_dim}"
    digits = name.removeprefix("pca").strip("_-")
    return f"PCA-{digits}" if name.startswith("pca") and digits.isdigit() else name


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
