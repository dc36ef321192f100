"""Which rows to label next: one of each cluster that no label reached, and those in doubt, spread over the space."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KDTree

from semimetric.estimator.neighbours import Neighbours, neighbour_search
from semimetric.estimator.spread import outwards

POOL = 20_000  # rows that are looked at
LEAST = 1e-6  # doubt that a row has in any case
STARTS = 3  # of k-means
COINCIDENT = 1e-3  # of the embeddings' spread; rounding stays below it


class Suggestions(Neighbours):
    """The part of `MetricEmbedder` that says what to label next."""

    seed_: int

    def suggest(self, X: ArrayLike, n: int, y: ArrayLike | None = None) -> np.ndarray:
        """Return the ``n`` rows of ``X`` whose labels would help most: one of each cluster, then the most doubtful.

        A row of each cluster that no label reached (see `predict_cluster`) comes first, the one nearest to its middle,
        in the order of the clusters' numbers; those in which a row has a label in ``y`` are left out. One label would
        settle a cluster, so its other rows no longer count as doubtful. All rows are then grouped by k-means in the
        space, each with the weight of its doubt: the probability that `predict` is wrong about it. Of each group the
        row nearest to its middle is suggested, those that stand for most doubt first, so that many rows which one label
        would settle count as one. Without any label all rows are in equal doubt. Of more than 20,000 rows so many are
        drawn. Rows that lie where a labelled row of the fit lies, as that row itself and its copies do, are never
        suggested: their label would tell nothing new.

        Parameters
        ----------
        X : array
            As `fit` takes it; the rows that were fitted, or others.
        n : int
            How many.
        y : array, optional
            Labels of the rows; those that have one are not suggested.

        Returns
        -------
        int array (n,)

        Raises
        ------
        ValueError
            If there are fewer rows to suggest: without a label in ``y``, and not where a labelled row of the fit lies.
            If ``y`` does not hold one label for each row, or holds NaN among real numbers.

        Notes
        -----
        Uncertainty and coverage joined as in Zhdanov 2019, *Diverse mini-batch active learning*. Without
        self-training, where few labels leave `predict_proba` no doubt, it is the distance to the nearest labelled row
        over that to the nearest one of another class.

        Examples
        --------
        >>> from semimetric import MetricEmbedder
        >>> from semimetric.data import hide_labels, load_dataset
        >>> digits = load_dataset("digits")
        >>> y = hide_labels(digits.y_train, count=20)
        >>> embedder = MetricEmbedder("best", epochs=2, random_state=0).fit(digits.X_train, y)
        >>> rows = embedder.suggest(digits.X_train, 5, y)
        >>> len(set(rows.tolist())), (y[rows] == -1).all()
        (5, np.True_)
        """
        known = None if y is None else self._labels_of(X, y)[1]
        Z = self.transform(X)
        known = np.zeros(len(Z), bool) if known is None else known
        coincident = self._coincident(Z)
        candidates = np.flatnonzero(~(known | coincident))
        if len(candidates) == 0:
            raise ValueError("every row of X has a label, or lies where a labelled row lies: none is left to suggest")
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= len(candidates):
            raise ValueError(f"n must be between 1 and the {len(candidates)} rows that are left to suggest, got {n!r}")
        rng = np.random.default_rng(self.seed_)
        drawn = candidates[np.sort(rng.permutation(len(candidates))[: max(POOL, n)])]
        settled = self._clusters(Z[known & ~coincident])
        Z = Z[drawn]
        clusters = self._clusters(Z)
        unsettled = np.setdiff1d(clusters, [-1, *settled])[:n]
        chosen = [int(outwards(Z, np.flatnonzero(clusters == cluster))[0]) for cluster in unsettled]
        if len(chosen) < n:
            doubt = np.maximum(self._doubt(Z, self._told(X, drawn)), LEAST)
            doubt[clusters >= 0] = LEAST
            groups = KMeans(n - len(chosen), n_init=STARTS, random_state=self.seed_)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than groups
                groups.fit(Z, sample_weight=doubt)
            gaps = groups.transform(Z)
            for group in np.argsort(-np.bincount(groups.labels_, doubt, minlength=groups.n_clusters), kind="stable"):
                nearest = np.argsort(gaps[:, group], kind="stable")  # another's, where duplicates leave a group empty
                chosen.append(int(next(row for row in nearest if row not in chosen)))
        return drawn[chosen]

    def _clusters(self, Z: np.ndarray) -> np.ndarray:
        """Return the cluster (n,) that each embedding lies in, −1 where a label reached, or none was spread."""
        spread = self._spread()
        return np.full(len(Z), -1) if spread is None else spread.clusters_of(Z, self.n_neighbors)

    def _coincident(self, Z: np.ndarray) -> np.ndarray:
        """Return which embeddings (n,) lie where a labelled row of the fit lies, but for rounding."""
        labelled = self.labelled_embeddings_
        if len(labelled) == 0:
            return np.zeros(len(Z), bool)
        spread = max(float(np.linalg.norm(part.std(axis=0, dtype=np.float64))) for part in (Z, labelled))
        return KDTree(labelled).query_radius(Z, COINCIDENT * spread, count_only=True) > 0

    def _doubt(self, Z: np.ndarray, told: np.ndarray | None) -> np.ndarray:
        """Return how doubtful `predict` is of each row, (n,), from 0 to 1.

        By its embedding (n, d) and, after self-training, by what the classifier of the inputs tells of it, logarithms
        (n, classes), where that has a share.
        """
        spread = self._spread()
        if spread is not None:
            return 1 - spread.probabilities(Z, self.n_neighbors, told).max(axis=1)
        if len(self.classes_) < 2:
            return np.ones(len(Z))
        gaps = [
            neighbour_search(self.labelled_embeddings_[of], self.labelled_codes_[of], 1, self.distance).kneighbors(Z)[0]
            for of in (np.flatnonzero(self.labelled_codes_ == code) for code in range(len(self.classes_)))
        ]
        nearest, second = np.sort(np.concatenate(gaps, axis=1), axis=1)[:, :2].T
        return np.divide(nearest, second, out=np.ones(len(Z)), where=second > 0)
