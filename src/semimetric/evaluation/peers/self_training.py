"""Self-training: Yarowsky 1995, Unsupervised word sense disambiguation rivaling supervised methods."""

import warnings

from semimetric.evaluation.inputs import Array
from semimetric.evaluation.peers.base import Peer, Rows, principal_components


def probabilities(rows: Rows, seed: int) -> Array:
    """Fit a logistic regression, take its predictions above 0.75 for labels, and again, up to ten times.

    scikit-learn's `SelfTrainingClassifier` with its defaults on 50 principal components.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.semi_supervised import SelfTrainingClassifier

    train, codes, test = rows
    train, test = principal_components(train, test, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "y contains no unlabeled samples", UserWarning)
        return SelfTrainingClassifier(LogisticRegression(max_iter=1000)).fit(train, codes).predict_proba(test)


SELF_TRAINING = Peer("self-training", probabilities)
