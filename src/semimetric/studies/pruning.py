"""Giving up a search's runs early: those that, after so many epochs, are behind the median of the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from semimetric.data import Dataset
from semimetric.data.arrays import labelled_rows
from semimetric.estimator import MetricEmbedder
from semimetric.evaluation import evaluate
from semimetric.runs.scores import on_the_sphere
from semimetric.studies.perform import Pruned

PROBED = ("forest", "mlp", "linear")
STARTED, WARMED_UP = 5, 2  # trials that are never pruned, and epochs


@dataclass(frozen=True)
class Pruning:
    """What a worker must know to report a run's epochs to its search, and to hear whether to go on.

    journal, name, trial : of the search: its storage, its name there, and the trial's identity.
    metric : the study's main one.
    """

    journal: str
    name: str
    trial: int
    metric: str

    def __call__(self, embedder: MetricEmbedder, data: Dataset, y: np.ndarray, epoch: int) -> None:
        """Report the metric after epochs 1, 2, 4, 8 …; raise `Pruned` if the search gives the run up."""
        if epoch & (epoch - 1):
            return
        import optuna

        from semimetric.studies.search import open_storage

        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTED, n_warmup_steps=WARMED_UP)
        study = optuna.load_study(study_name=self.name, storage=open_storage(self.journal), pruner=pruner)
        trial = optuna.Trial(study, self.trial)
        value = metric_now(self.metric, embedder, data, y)
        if np.isfinite(value) and epoch not in trial.storage.get_trial(self.trial).intermediate_values:
            trial.report(value, epoch)  # a resumed run has told its first epochs already
        if trial.should_prune():
            raise Pruned


def metric_now(metric: str, embedder: MetricEmbedder, data: Dataset, y: np.ndarray) -> float:
    """Return one score of a model that is still being trained, on the rows that it will be scored on."""
    assert data.X_test is not None
    assert data.y_test is not None
    seen = on_the_sphere if embedder.distance == "cosine" else np.asarray
    few = metric.startswith("few_label_")
    kinds: Any = tuple(kind for kind in PROBED if kind in metric) or ("knn",)
    labelled: Any = np.flatnonzero(labelled_rows(y)) if few else []
    scores = evaluate(
        seen(embedder.transform(data.X_test)),
        data.named(data.y_test),
        Z_labelled=seen(embedder.transform(data.X_train[labelled])) if few else None,
        y_labelled=y[labelled] if few else None,
        seed=embedder.seed_,
        margin=embedder.settings_["margin"],
        probes=("knn",) if few else kinds,
        few_label_probes=kinds if few else (),
        clusters=metric.startswith("cluster_"),
    )
    return scores[metric]
