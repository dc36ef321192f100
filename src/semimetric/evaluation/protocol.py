"""The whole evaluation of one embedding, as one flat dictionary of numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.evaluation.clustering import clustering_scores
from semimetric.evaluation.inputs import (
    Array,
    check_labelled_embedding,
    check_seed,
    class_codes,
    standard_position,
)
from semimetric.evaluation.probes import PROBES, check_probes, probe_scores, stratified_halves
from semimetric.evaluation.retrieval import retrieval_scores
from semimetric.evaluation.triplets import triplet_scores

FEW_LABELS = 100
"""Up to this many labelled rows the few-label kNN looks at 1 neighbour, beyond it at ``n_neighbors``."""


def evaluate(
    Z: npt.ArrayLike,
    y: npt.ArrayLike | Sequence[Any],
    *,
    Z_labelled: npt.ArrayLike | None = None,
    y_labelled: npt.ArrayLike | Sequence[Any] | None = None,
    seed: int = 0,
    margin: float = 0.2,
    probes: Sequence[str] = PROBES,
    few_label_probes: Sequence[str] | None = None,
    n_neighbors: int = 5,
    clusters: bool = True,
    n_triplets: int = 100_000,
) -> dict[str, float]:
    """Score an embedding of test data, and with labelled training embeddings what those labels suffice for.

    * ``{knn,forest,mlp,linear}_{accuracy,ami}``: the probe is fitted on one half of ``Z`` (stratified,
      seeded) and predicts the other. This scores the shape of the space and uses test labels.
    * ``recall_at_1``, ``map_at_r``: see :mod:`semimetric.evaluation.retrieval`.
    * ``cluster_{accuracy,nmi,ami}``: k-means with as many clusters as classes.
    * ``triplet_accuracy`` (a triplet loss of zero at ``margin``), ``triplet_order_accuracy`` (the positive
      strictly nearer): over ``n_triplets`` random triplets of ``Z``.
    * given ``Z_labelled`` and ``y_labelled``: ``few_label_{accuracy,ami}`` of kNN fitted on those rows
      alone (1 neighbour for up to 100 of them, else ``n_neighbors``) and scored on all of ``Z``, and
      ``few_label_{forest,mlp,linear}_{accuracy,ami}`` likewise.

    Parameters
    ----------
    Z : array of shape (n, d)
        Embeddings of the test split.
    y : array of shape (n,)
        Their classes, whole numbers or strings. Rows labelled −1 or None are left out of everything.
    Z_labelled, y_labelled : arrays of shape (m, d) and (m,), optional
        Embeddings and labels of the training split. Here too rows labelled −1 or None are left out.
    seed : int
        Decides the halves, the forest, the MLP, the k-means starts and the triplets. The order of the rows
        takes part in that; the names of the classes do not.
    margin : float
        Of the triplet loss, in units of Euclidean distance in ``Z``.
    probes, few_label_probes : sequence of str
        Which of ``"knn"``, ``"forest"``, ``"mlp"``, ``"linear"``; ``few_label_probes=None`` means the same
        as ``probes``.
    n_neighbors : int
        Of the kNN probe.
    clusters : bool
        Whether to run k-means.
    n_triplets : int
        How many triplets to draw.

    Returns
    -------
    dict of str to float
        A score that is undefined is NaN: every one but the few-label ones where ``y`` has one class only;
        the few-label ones where no row of ``y_labelled`` has a label.

    Raises
    ------
    ValueError
        If an embedding is not (rows, dimensions) or holds a non-finite value (the first such row is named),
        if labels and rows differ in number or labels in kind, if no row of ``y`` has a label, or if an
        option is out of range.

    Examples
    --------
    >>> Z = [[0.0], [0.1], [0.2], [0.3], [9.0], [9.1], [9.2], [9.3]]
    >>> y = ["a", "a", "a", "a", "b", "b", "b", "b"]
    >>> scores = evaluate(Z, y, Z_labelled=[[0.0], [1.0]], y_labelled=["a", "b"], probes=("knn",))
    >>> scores["map_at_r"], scores["few_label_accuracy"]
    (1.0, 1.0)
    """
    _check_options(margin=margin, n_neighbors=n_neighbors, n_triplets=n_triplets)
    seed = check_seed(seed)
    probes = check_probes(probes)
    few_label_probes = probes if few_label_probes is None else check_probes(few_label_probes, "few_label_probes")
    test, test_labels = check_labelled_embedding(Z, y)
    if len(test) == 0:
        raise ValueError("y has no known class (all −1 or None); an evaluation needs the classes of some rows")
    labelled = _check_labelled(Z_labelled, y_labelled, test, test_labels)

    codes = class_codes(test_labels)
    unit, _ = standard_position(test)
    scores = _half_and_half(unit, codes, probes, n_neighbors=n_neighbors, seed=seed)
    scores |= retrieval_scores(unit, codes)
    if clusters:
        scores |= clustering_scores(unit, codes, seed=seed)
    scores |= triplet_scores(test, codes, margin=margin, count=n_triplets, seed=seed)
    if labelled is not None:
        test_data = (test, test_labels)
        scores |= _few_label(labelled, test_data, few_label_probes, n_neighbors=n_neighbors, seed=seed)
    return scores


def _half_and_half(
    unit: Array, codes: Array, probes: Sequence[str], *, n_neighbors: int, seed: int
) -> dict[str, float]:
    scores: dict[str, float] = {}
    fit, score = stratified_halves(codes, seed=seed)
    one_class = codes.max() == 0
    for name in probes:
        train, test = (unit[fit], codes[fit]), (unit[score], codes[score])
        accuracy, ami = probe_scores(name, train, test, n_neighbors=n_neighbors, seed=seed)
        scores[f"{name}_accuracy"] = float("nan") if one_class else accuracy
        scores[f"{name}_ami"] = float("nan") if one_class else ami
    return scores


def _few_label(
    labelled: tuple[Array, Array],
    test: tuple[Array, Array],
    probes: Sequence[str],
    *,
    n_neighbors: int,
    seed: int,
) -> dict[str, float]:
    rows = len(labelled[0])
    unit, _ = standard_position(np.concatenate([labelled[0], test[0]]))
    codes = class_codes(np.concatenate([labelled[1], test[1]]))
    train, scored = (unit[:rows], codes[:rows]), (unit[rows:], codes[rows:])
    neighbours = 1 if rows <= FEW_LABELS else n_neighbors
    scores: dict[str, float] = {}
    for name in probes:
        prefix = "few_label" if name == "knn" else f"few_label_{name}"
        accuracy, ami = probe_scores(name, train, scored, n_neighbors=neighbours, seed=seed)
        scores |= {f"{prefix}_accuracy": accuracy, f"{prefix}_ami": ami}
    return scores


def _check_labelled(
    Z_labelled: npt.ArrayLike | None,
    y_labelled: npt.ArrayLike | Sequence[Any] | None,
    test: Array,
    test_labels: Array,
) -> tuple[Array, Array] | None:
    if Z_labelled is None and y_labelled is None:
        return None
    if Z_labelled is None:
        raise ValueError("y_labelled is given but Z_labelled is None; give both or neither")
    if y_labelled is None:
        raise ValueError("Z_labelled is given but y_labelled is None; give both or neither")
    train, labels = check_labelled_embedding(Z_labelled, y_labelled, Z_name="Z_labelled", y_name="y_labelled")
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            f"Z_labelled has {train.shape[1]} dimensions and Z {test.shape[1]}; both must come from the same embedding"
        )
    if len(labels) == 0:
        return train, test_labels[:0]
    if labels.dtype.kind != test_labels.dtype.kind:
        kinds = {"U": "strings", "i": "whole numbers"}
        raise ValueError(
            f"y_labelled holds {kinds[labels.dtype.kind]} and y {kinds[test_labels.dtype.kind]}; "
            "both must name the classes in the same way"
        )
    return train, labels


def _check_options(*, margin: float, n_neighbors: int, n_triplets: int) -> None:
    if not 0 <= margin < float("inf"):
        raise ValueError(f"margin is {margin!r}; it must be a finite number, 0 or more")
    for name, value in (("n_neighbors", n_neighbors), ("n_triplets", n_triplets)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number, 1 or more")
