"""Peers: other methods that learn from a few labels and all rows, scored on the same labels as a model.

To name them is cheap; what computes them is loaded when they are fitted.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semimetric.errors import nearest_names
from semimetric.evaluation.inputs import check_seed, check_train_and_test
from semimetric.evaluation.peers.base import Peer
from semimetric.evaluation.peers.label_spreading import LABEL_SPREADING
from semimetric.evaluation.peers.self_training import SELF_TRAINING
from semimetric.evaluation.peers.umap import UMAP
from semimetric.evaluation.prediction import PREDICTION_METRICS, evaluate_prediction

__all__ = ["PEERS", "Peer", "check_peers", "evaluate_peer"]

PEERS: dict[str, Peer] = {"umap": UMAP, "label-spreading": LABEL_SPREADING, "self-training": SELF_TRAINING}


def check_peers(names: Iterable[str]) -> None:
    """Raise if there is no such peer, or what it needs is not installed; nothing is imported.

    >>> check_peers(["umpa"])
    Traceback (most recent call last):
    ValueError: unknown peer 'umpa': did you mean 'umap'? Known: label-spreading, self-training, umap
    """
    for name in names:
        if name not in PEERS:
            raise ValueError(f"unknown peer {name!r}: {nearest_names(name, PEERS)}")
        peer = PEERS[name]
        if peer.module and importlib.util.find_spec(peer.module) is None:
            raise ImportError(
                f"the baseline {name!r} needs {peer.package}, which is not installed: "
                f"pip install 'semimetric[{peer.extra}]'"
            )


def evaluate_peer(
    name: str,
    X_train: npt.ArrayLike,
    y_train: npt.ArrayLike | Sequence[Any],
    X_test: npt.ArrayLike,
    y_test: npt.ArrayLike | Sequence[Any],
    *,
    seed: int = 0,
) -> dict[str, float]:
    """Fit a peer on the training rows, predict the test rows, and score the predictions.

    Parameters
    ----------
    name : str
        Of `PEERS`: ``"umap"``, ``"label-spreading"`` or ``"self-training"``.
    X_train, X_test : arrays of shape (n, …) and (m, …)
        Inputs; flattened, and uint8 divided by 255.
    y_train, y_test : arrays of shape (n,) and (m,)
        Labels, −1 or None where unknown.
    seed : int
        Of whatever is drawn at random.

    Returns
    -------
    dict of str to float
        The scores of `semimetric.evaluation.evaluate_prediction`; all NaN where no row of ``y_train`` has a label. Of
        one class only, it is predicted for every row.

    Raises
    ------
    ValueError
        If there is no such peer, the two arrays' rows differ in shape, an input is not finite, or no row of ``y_test``
        has a label.
    ImportError
        If a package is not installed that the peer needs; the message names the extra.

    Examples
    --------
    >>> X = np.repeat([[0.0, 0.0], [9.0, 9.0]], 20, axis=0) + np.random.default_rng(0).normal(size=(40, 2))
    >>> y = np.repeat([0, 1], 20)
    >>> evaluate_peer("label-spreading", X, np.where(np.arange(40) % 10 == 0, y, -1), X, y)["accuracy"]
    1.0
    """
    check_peers([name])
    seed = check_seed(seed)
    train, test, labels, known = check_train_and_test(X_train, y_train, X_test, y_test)
    if not known.any():
        return dict.fromkeys(PREDICTION_METRICS, float("nan"))
    classes, those = np.unique(labels[known], return_inverse=True)
    codes = np.full(len(train), -1)
    codes[known] = those
    if len(classes) == 1:  # which some would refuse
        return evaluate_prediction(np.ones((len(test), 1)), classes, y_test)
    return evaluate_prediction(PEERS[name].probabilities((train, codes, test), seed), classes, y_test)
