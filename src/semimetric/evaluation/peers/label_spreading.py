"""Label spreading: Zhou et al. 2004, Learning with local and global consistency."""

from semimetric.evaluation.inputs import Array
from semimetric.evaluation.peers.base import Peer, Rows, principal_components, shares


def probabilities(rows: Rows, seed: int) -> Array:
    """Spread the labels along a graph of nearest neighbours; a test row has the mean of its neighbours.

    scikit-learn's `LabelSpreading` with its defaults (7 neighbours, α = 0.2, at most 30 steps) on 50 principal
    components. The graph is sparse: memory grows with rows times neighbours. A test row none of whose neighbours the
    labels have reached is uniform.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.semi_supervised import LabelSpreading

    train, codes, test = rows
    train, test = principal_components(train, test, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        spread = LabelSpreading(kernel="knn").fit(train, codes)
    # Its own predict_proba divides by zero where the labels have not come.
    neighbours = spread.nn_fit.kneighbors(test, return_distance=False)
    return shares(spread.label_distributions_[neighbours].sum(axis=1))


LABEL_SPREADING = Peer("label spreading", probabilities)
