"""Scores laid out for people: rows in a fixed order and grouping, each with a name and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass

PREDICTION = "The model's own predictions"
CALIBRATION = "Their probabilities, lower is better"
FEW = "With the given labels alone"
PROBE = "Probes trained on half of the test labels"
RETRIEVAL = "Retrieval"
CLUSTERS = "Clusters"
TRIPLETS = "Triplets"
LIKELIHOOD = "Likelihood, per row"
OTHER = "Other"

_CLASSIFIERS = {
    "knn": ("kNN", "nearest neighbours vote"),
    "forest": ("random forest", "100 trees"),
    "mlp": ("MLP", "one hidden layer of 100"),
    "linear": ("linear", "logistic regression"),
}


@dataclass(frozen=True)
class ScoreRow:
    """One metric: ``values`` by column, NaN where undefined, None where it was not computed."""

    key: str
    label: str
    group: str
    explanation: str
    values: dict[str, float | None]

    @property
    def ranked(self) -> bool:
        """Whether it is a share, from 0 to 1, of which more is better."""
        return self.group not in (CALIBRATION, LIKELIHOOD, OTHER)


def known_metrics() -> dict[str, tuple[str, str, str]]:
    """Label, group and explanation of every metric there is, in the order of the table."""
    metrics = {
        "accuracy": ("accuracy", PREDICTION, "share of test points whose class is the predicted one"),
        "balanced_accuracy": ("balanced accuracy", PREDICTION, "the same within each class, averaged over the classes"),
        "auc": ("AUC", PREDICTION, "area under the ROC curve of each class against the rest, averaged"),
        "ece": ("ECE", CALIBRATION, "expected calibration error: how far confidence is from accuracy, in 15 bins"),
        "nll": ("NLL", CALIBRATION, "nats; negative log-probability of the true class, at least 1e-7 each"),
    }
    for group, prefix, trained in (
        (FEW, "few_label_", "fitted on the labelled training points, scored on the test split"),
        (PROBE, "", "fitted on one half of the test split, scored on the other"),
    ):
        for name, (label, method) in _CLASSIFIERS.items():
            key = prefix if (name, group) == ("knn", FEW) else f"{prefix}{name}_"
            metrics[f"{key}accuracy"] = (f"{label} accuracy", group, f"{method}; {trained}")
            metrics[f"{key}ami"] = (
                f"{label} AMI",
                group,
                f"adjusted mutual information of predicted and true classes; {method}; {trained}",
            )
    return metrics | {
        "recall_at_1": ("R@1", RETRIEVAL, "share of test points whose nearest other one is of their class"),
        "map_at_r": (
            "MAP@R",
            RETRIEVAL,
            "mean average precision among the R nearest, R being how many others the class has",
        ),
        "cluster_accuracy": (
            "clustering accuracy",
            CLUSTERS,
            "k-means with as many clusters as classes, matched one to one at best",
        ),
        "cluster_nmi": ("clustering NMI", CLUSTERS, "normalised mutual information of clusters and classes"),
        "cluster_ami": ("clustering AMI", CLUSTERS, "the same, adjusted for chance"),
        "triplet_accuracy": (
            "triplets beyond the margin",
            TRIPLETS,
            "share of random triplets whose loss is zero: same class nearer than another by the margin",
        ),
        "triplet_order_accuracy": (
            "triplets in order",
            TRIPLETS,
            "share of random triplets in which the point of the same class is nearer",
        ),
        "reconstruction_error": (
            "reconstruction error of the mean",
            LIKELIHOOD,
            "of the posterior mean, summed over the elements of an input, in normalised units",
        ),
        "kl": ("KL to the prior", LIKELIHOOD, "nats; how much of an input the latent space holds"),
        "vae_loss": ("VAE loss: error of a sample + KL", LIKELIHOOD, "reconstruction error of a sample, plus KL"),
        "elbo": ("ELBO", LIKELIHOOD, "nats; a lower bound of the log-likelihood"),
        "log_likelihood": ("log-likelihood", LIKELIHOOD, "nats; importance-sampled, a tighter lower bound"),
    }


def score_table(
    metrics: Mapping[str, float | None],
    baselines: Mapping[str, Mapping[str, float | None]] | None = None,
) -> list[ScoreRow]:
    """Lay the scores of a model beside those of its baselines.

    Parameters
    ----------
    metrics : mapping of str to float
        What :func:`semimetric.evaluation.evaluate` and :func:`semimetric.evaluation.evaluate_prediction`
        returned; None (JSON's null) is read as NaN. Numbers under further keys come last, in a group of their own.
    baselines : mapping of str to mapping, optional
        What :func:`semimetric.evaluation.evaluate_baselines` returned.

    Returns
    -------
    list of ScoreRow
        One row per metric that any column has, grouped: predictions, the given labels alone, probes, retrieval,
        clusters, triplets, likelihood. Columns are ``"model"`` and the baselines' names, in their order.

    Examples
    --------
    >>> rows = score_table({"map_at_r": 0.8, "knn_accuracy": 0.9}, {"raw": {"map_at_r": 0.4}})
    >>> [(row.label, row.values) for row in rows]
    [('kNN accuracy', {'model': 0.9, 'raw': None}), ('MAP@R', {'model': 0.8, 'raw': 0.4})]
    """
    columns = {"model": metrics, **(baselines or {})}
    known = known_metrics()
    present = dict.fromkeys(key for scores in columns.values() for key in scores)
    order = [key for key in known if key in present] + [key for key in present if key not in known]
    rows = []
    for key in order:
        label, group, explanation = known.get(key, (key.replace("_", " "), OTHER, ""))
        values = {name: _value(scores, key) for name, scores in columns.items()}
        rows.append(ScoreRow(key, label, group, explanation, values))
    return rows


def _value(scores: Mapping[str, float | None], key: str) -> float | None:
    if key not in scores:
        return None
    value = scores[key]
    return float("nan") if value is None else float(value)
