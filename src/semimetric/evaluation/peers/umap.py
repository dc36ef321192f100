"""Semi-supervised UMAP: McInnes et al. 2018, UMAP: Uniform Manifold Approximation and Projection."""

import warnings

import numpy as np

from semimetric.evaluation.inputs import Array
from semimetric.evaluation.peers.base import Peer, Rows

COMPONENTS = 10


def probabilities(rows: Rows, seed: int) -> Array:
    """Embed all rows in 10 dimensions, labels taking part, and ask the nearest labelled row: 0 or 1.

    umap-learn with its defaults; −1 is its sign for an unlabelled row, too. Test rows are placed by `transform`. With a
    seed it computes on one thread.
    """
    from sklearn.neighbors import KNeighborsClassifier

    train, codes, test = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Numba's and UMAP's own, none of which is about the rows
        from umap import UMAP

        space = UMAP(n_components=min(COMPONENTS, len(train) - 2), random_state=seed, n_jobs=1)
        placed = space.fit_transform(train, codes)
        Z = space.transform(test)
    labelled = codes >= 0
    nearest = KNeighborsClassifier(1).fit(np.asarray(placed)[labelled], codes[labelled])
    return nearest.predict_proba(np.asarray(Z))


UMAP = Peer("semi-supervised UMAP", probabilities, module="umap", package="umap-learn", extra="umap")
