"""What a few labels say about all the rows of a graph."""

import math

import numpy as np
import numpy.typing as npt
from scipy import sparse

Scores = npt.NDArray[np.float64]


def propagate(
    graph: sparse.csr_array,
    codes: npt.NDArray[np.integer],
    n_classes: int,
    *,
    alpha: float = 0.99,
    tolerance: float = 1e-4,
) -> Scores:
    """Return each row's score for each class, spread over the graph from the rows that are labelled.

    ``F = (I − alpha S)⁻¹ Y`` with ``S = D^-½ W D^-½``, where D holds the degrees of the graph W, and ``Y_ic``
    is one over the number of labels of class c if row i is labelled c, and else 0: classes with more labels weigh
    no more.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric weights, none negative.
    codes : int array of shape (n,)
        Class numbers from 0 to ``n_classes`` − 1; −1 where unlabelled.
    n_classes : int
        Number of classes, of which some may be without labels.
    alpha : float
        In (0, 1): what a row takes from its neighbours. The nearer to 1, the further labels reach.
    tolerance : float
        In (0, 1): the residual of each class, as a share of the norm of its column of Y, at which to stop.

    Returns
    -------
    float64 array of shape (n, n_classes)
        None negative; exactly 0 where no path leads to a label of the class. Rows do not sum to 1.

    Raises
    ------
    ValueError
        If the shapes disagree or a code, ``alpha`` or ``tolerance`` is out of its range.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf, "Learning with Local and Global Consistency", NeurIPS 2004, equation 3.

    Examples
    --------
    Of a chain of three rows the first is labelled 0 and the last 1.

    >>> chain = sparse.csr_array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> propagate(chain, np.array([0, -1, 1]), 2, alpha=0.5).round(3).tolist()
    [[1.222, 0.157], [0.544, 0.385], [0.157, 1.111]]
    """
    n = len(codes)
    if graph.shape != (n, n):
        raise ValueError(f"graph has shape {graph.shape} and codes {np.shape(codes)}; they must be (n, n) and (n,)")
    if n and not -1 <= codes.min() <= codes.max() < n_classes:
        raise ValueError(
            f"codes are from {codes.min()} to {codes.max()}; "
            f"they must be from 0 to n_classes − 1 = {n_classes - 1}, and −1 where unlabelled"
        )
    for name, value in (("alpha", alpha), ("tolerance", tolerance)):
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value!r}; it must be between 0 and 1, both excluded")
    labelled = np.flatnonzero(codes >= 0)
    Y = np.zeros((n, n_classes))
    Y[labelled, codes[labelled]] = 1 / np.bincount(codes[labelled], minlength=n_classes)[codes[labelled]]
    degrees = graph.sum(axis=1)
    roots = np.sqrt(np.where(degrees > 0, degrees, np.inf))  # a row without neighbours takes nothing from any
    spread = sparse.csr_array(graph.multiply(alpha / roots[:, None]).multiply(1 / roots))
    return np.maximum(_solve(spread, Y, (1 + alpha) / (1 - alpha), tolerance), 0)


def _solve(spread: sparse.csr_array, Y: Scores, condition: float, tolerance: float) -> Scores:
    """Return ``(I − spread)⁻¹ Y`` by conjugate gradients, all columns at a time.

    In exact arithmetic a residual falls below the tolerance within √condition · log(2 √condition / tolerance) / 2
    steps; twice as many are the most that are taken.
    """
    F, residual, direction = np.zeros_like(Y), Y.copy(), Y.copy()
    size = np.einsum("ij,ij->j", Y, Y)
    enough = tolerance**2 * size
    for _ in range(math.ceil(math.sqrt(condition) * math.log(2 * math.sqrt(condition) / tolerance))):
        going = size > enough  # a column that has arrived is left alone
        if not going.any():
            break
        image = direction - spread @ direction
        step = _ratio(size, np.einsum("ij,ij->j", direction, image), going)
        F += step * direction
        residual -= step * image
        size, before = np.einsum("ij,ij->j", residual, residual), size
        direction = residual + _ratio(size, before, going) * direction
    return F


def _ratio(above: Scores, below: Scores, where: npt.NDArray[np.bool_]) -> Scores:
    return np.divide(above, below, out=np.zeros_like(above), where=where)
