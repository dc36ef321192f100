"""Prediction and search by neighbours, in the distance that was learned."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_is_fitted, column_or_1d

from semimetric.data.arrays import as_labels, labelled_rows, labels_of_rows
from semimetric.errors import some_of
from semimetric.estimator.application import Application
from semimetric.estimator.spread import SpreadLabels
from semimetric.evaluation.probes import predict_in_blocks
from semimetric.evaluation.protocol import FEW_LABELS
from semimetric.geometry import Distance

NEIGHBOURS = 5  # that vote where there are more than a few labels


class Neighbours(Application):
    """The part of `MetricEmbedder` that asks the labelled rows."""

    n_neighbors: int | None
    distance: str | Distance
    classes_: np.ndarray
    labelled_rows_: np.ndarray
    labelled_codes_: np.ndarray
    labelled_embeddings_: np.ndarray
    spread_labels_: SpreadLabels | None

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the embeddings; the estimator's own."""
        raise NotImplementedError

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class (n,): what most of the nearest labelled rows have or, after self-training, `predict_proba`'s
        likeliest."""
        if self._spread() is not None:
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        codes = predict_in_blocks(self._neighbours().predict, self.transform(X), len(self.classes_))
        return self.classes_[codes]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class (n, classes), columns as ``classes_``.

        It is the class's share among the nearest labelled rows or, after self-training, the mean over the nearest
        training rows of the labels that were spread to them, and beside it what the row's own input tells, where a
        classifier of the inputs had a share in these labels. Either way it holds for a row of one of these classes;
        where `predict_cluster` finds no label to reach, the row may be of another.
        """
        spread = self._spread()
        if spread is None:
            return self._neighbours().predict_proba(self.transform(X))
        return spread.probabilities(self.transform(X), self.n_neighbors, self._told(X))

    def predict_cluster(self, X: ArrayLike) -> np.ndarray:
        """Return, after self-training, the cluster (n,) of rows that lie where no label reached, and −1 for all others.

        Such a row may be of a class that nobody labelled, or of a kind of its class that has no label; `predict` names
        the likeliest class that has one all the same. Numbers are those of ``spread_labels_.clusters``, the largest
        cluster of the training rows being 0: most of the row's nearest training rows are in it.

        Raises
        ------
        ValueError
            If the model was not fitted by self-training, as the preset ``best`` is, on labels of two classes.
        """
        return self._spread_for("predict_cluster").clusters_of(self.transform(X), self.n_neighbors)

    def predict_proba_and_cluster(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return what `predict_proba` and `predict_cluster` do, (n, classes) and (n,), of rows that are embedded once.

        Raises
        ------
        ValueError
            As `predict_cluster` does.
        """
        spread, Z = self._spread_for("predict_proba_and_cluster"), self.transform(X)
        P = spread.probabilities(Z, self.n_neighbors, self._told(X))
        return P, spread.clusters_of(Z, self.n_neighbors)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of the labelled rows of ``X`` whose class `predict` names; NaN if none is labelled.

        Raises
        ------
        ValueError
            If ``y`` does not hold one label for each row, holds NaN or infinity among real numbers, or names classes by
            words and the model by numbers, or the other way round.
        """
        labels, known = self._labels_of(X, y)
        if not known.any():
            return float("nan")
        check_naming(self.classes_, labels[known])
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        right = self.predict(X)[known] == labels[known]
        return float(np.average(right, weights=weights))

    def kneighbors(
        self, X: ArrayLike, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[np.ndarray, np.ndarray] | np.ndarray:
        """Return the nearest labelled rows of each input.

        Returns
        -------
        distances : array (n, n_neighbors), if ``return_distance``
            In the learned space, ascending.
        rows : int array (n, n_neighbors)
            Their places in the ``X`` that `fit` was given.
        """
        neighbours = self._neighbours()
        k = neighbours.n_neighbors if n_neighbors is None else n_neighbors
        whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
        if not whole or not 1 <= k <= len(self.labelled_rows_):
            raise ValueError(
                f"n_neighbors must be between 1 and the {len(self.labelled_rows_)} labelled rows, got {k!r}"
            )
        distances, places = neighbours.kneighbors(self.transform(X), k)
        return (distances, self.labelled_rows_[places]) if return_distance else self.labelled_rows_[places]

    def _labels_of(self, X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels (n,) of these rows, checked as `fit` does, and which rows have one."""
        labels = labels_of_rows(column_or_1d(as_labels(y), warn=True), len(self._inputs(X).rows))
        return labels, labelled_rows(labels)

    def _spread(self) -> SpreadLabels | None:
        check_is_fitted(self)
        return self.spread_labels_

    def _spread_for(self, method: str) -> SpreadLabels:
        """Return what was spread, or say what the method needs."""
        spread = self._spread()
        if spread is None:
            raise ValueError(
                f"{method} needs a model fitted by self-training, such as the preset 'best', on labels of at least two "
                "classes"
            )
        return spread

    def _told(self, X: ArrayLike, rows: slice | np.ndarray = slice(None)) -> np.ndarray | None:
        """Return what a classifier of the inputs tells of these rows, logarithms (n, classes), if it has a share."""
        spread = self._spread()
        if spread is None or spread.classifier is None:
            return None
        inputs = self._inputs(X)
        chosen = replace(inputs, rows=inputs.rows[rows])
        return np.concatenate([spread.classifier(x) for _, x in chosen.parts()])

    def _neighbours(self) -> KNeighborsClassifier:
        check_is_fitted(self)
        return neighbour_search(self.labelled_embeddings_, self.labelled_codes_, self.n_neighbors, self.distance)


def check_naming(classes: np.ndarray, labels: np.ndarray) -> None:
    """Raise a ``ValueError`` if the classes that a model knows are words and these rows' labels numbers, or vice versa.

    >>> check_naming(np.array(["cat", "dog"]), np.array([0, 1, 1]))
    Traceback (most recent call last):
    ...
    ValueError: the model's classes are words (cat, dog) and these labels are numbers (0, 1): name them alike
    """
    if not len(classes) or not len(labels):
        return
    kinds = ["words" if isinstance(each.tolist()[0], str) else "numbers" for each in (classes, labels)]
    if kinds[0] != kinds[1]:
        theirs, given = some_of(classes.tolist()), some_of(dict.fromkeys(labels.tolist()))
        raise ValueError(
            f"the model's classes are {kinds[0]} ({theirs}) and these labels are {kinds[1]} ({given}): name them alike"
        )


def neighbour_search(
    Z: np.ndarray, codes: np.ndarray, n_neighbors: int | None, distance: str | Distance
) -> KNeighborsClassifier:
    """Return scikit-learn's search over labelled embeddings (m, d) and their class numbers.

    ``n_neighbors=None`` asks one neighbour among up to 100 labelled rows, and five among more.
    """
    if len(Z) == 0:
        raise ValueError("the model was fitted without labels: predict and kneighbors need labelled rows to search")
    k = n_neighbors or (1 if len(Z) <= FEW_LABELS else NEIGHBOURS)
    search = KNeighborsClassifier(min(k, len(Z)), algorithm="brute", metric=_metric(distance))
    return search.fit(Z, codes)


def _metric(distance: str | Distance) -> Any:
    """Return a distance as scikit-learn takes it: its own name for it, or a function of two points."""
    if isinstance(distance, str):
        return {"squared_euclidean": "sqeuclidean"}.get(distance, distance)

    def between(a: np.ndarray, b: np.ndarray) -> float:
        return float(distance(torch.from_numpy(a)[None], torch.from_numpy(b)[None]))

    return between
