"""What a few labels say about all the rows of a graph, and how much of each class there should be."""

import math

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import logsumexp

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
        None negative; exactly 0 where no path leads to a label of the class. Rows are no probabilities:
        :func:`balanced` makes them such.

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


def balanced(scores: Scores, shares: npt.ArrayLike, *, tolerance: float = 1e-8) -> Scores:
    """Return rows of probabilities, the scores times one factor a class, in which every class has its share.

    ``P_ic = w_c F_ic / Σ_c' w_c' F_ic'`` with factors w such that the mean of ``P_ic`` over the rows is ``shares_c``.
    This is the matrix nearest to the scores, in relative entropy, with these sums of rows and columns. Without it, a
    class that holds the hubs of a graph takes rows of all the others.

    Parameters
    ----------
    scores : array of shape (n, n_classes)
        Finite, none negative, in any unit.
    shares : array of shape (n_classes,)
        None negative, with a sum of 1.
    tolerance : float
        The largest difference between a class's mean probability and its share at which to stop.

    Returns
    -------
    float64 array of shape (n, n_classes)
        Rows of probabilities. They are ``shares`` for a row about which the scores say nothing, all of them being 0 or
        of classes without a share. Zeros stay zeros elsewhere; where they forbid the shares (three of four rows can
        only be of a class that is to have half of the rows) no factors are right, and the means come near what the
        zeros leave.

    Raises
    ------
    ValueError
        If the shapes disagree, or scores or shares are negative, not finite, or shares do not sum to 1.

    References
    ----------
    Sinkhorn and Knopp, "Concerning Nonnegative Matrices and Doubly Stochastic Matrices", Pacific J. Math. 1967;
    Cuturi, "Sinkhorn Distances", NeurIPS 2013.

    Examples
    --------
    >>> P = balanced(np.array([[4.0, 1.0], [4.0, 2.0], [0.0, 0.0]]), [0.5, 0.5])
    >>> P.round(3).tolist()
    [[0.586, 0.414], [0.414, 0.586], [0.5, 0.5]]
    """
    wanted = np.asarray(shares, dtype=np.float64)
    if np.ndim(scores) != 2 or wanted.shape != scores.shape[1:]:
        raise ValueError(
            f"scores have shape {np.shape(scores)} and shares {wanted.shape}; "
            "they must be (rows, classes) and (classes,)"
        )
    if not (np.isfinite(scores).all() and (scores >= 0).all()):
        raise ValueError("scores hold a negative number, NaN or infinity; they must be finite and not negative")
    if not ((wanted >= 0).all() and abs(wanted.sum() - 1) < 1e-6):
        raise ValueError(f"shares are {wanted.tolist()}; they must not be negative and must sum to 1")
    wanted = wanted / wanted.sum()
    known = (scores[:, wanted > 0] > 0).any(axis=1)
    present = np.flatnonzero((wanted > 0) & (scores[known] > 0).any(axis=0))
    P = np.tile(wanted, (len(scores), 1))
    if known.any():
        P[known] = 0
        with np.errstate(divide="ignore"):
            logs = np.log(scores[np.ix_(known, present)].astype(np.float64))
        P[np.ix_(known, present)] = _with_means(logs, wanted[present] / wanted[present].sum(), tolerance)
    return P


SINKHORN_STEPS = 10
NEWTON_STEPS = 100
LONGEST_STEP = 50.0  # in logs: where zeros forbid the shares there is no top to climb to
EASY_RANGE = 10.0  # of logs, over which Newton steps lead to the top from anywhere


def _with_means(logs: Scores, means: Scores, tolerance: float) -> Scores:
    """Return ``softmax(logs + u)`` over each row, with u such that the columns have these means.

    Where scores differ by hundreds of orders of magnitude the problem is nearly one of assignment, full of kinks on
    which steps get stuck. So it is solved for the scores to a small power first, then to twice that, from twice the u.
    """
    logs = logs - logs.max(axis=1, keepdims=True)
    extent = -logs[np.isfinite(logs)].min()
    halvings = max(0, math.ceil(math.log2(max(extent, 1) / EASY_RANGE)))
    u = np.zeros(len(means))
    for power in range(-halvings, 0):
        u, _ = _climb(logs * 2.0**power, means, u, max(tolerance, 1e-3 * float(means.min())))
        u *= 2
    return _climb(logs, means, u, tolerance)[1]


def _climb(logs: Scores, means: Scores, u: Scores, tolerance: float) -> tuple[Scores, Scores]:
    """Return the u at which the columns of ``softmax(logs + u)`` have these means, and that softmax; start from ``u``.

    u is where ``means · u`` less the mean of ``logsumexp(logs + u)`` is largest, which is a concave function.
    Sinkhorn's steps, taken in logs, come near it from any scale; damped Newton steps reach the top also where rows
    are all but certain, where Sinkhorn's stall.
    """
    for _ in range(SINKHORN_STEPS):
        parts = logs + u
        u = u + np.log(means) - logsumexp(parts - logsumexp(parts, axis=1, keepdims=True), axis=0) + math.log(len(logs))
    height, P = _dual(logs, means, u)
    damping = 1e-3
    for _ in range(NEWTON_STEPS):
        reached = P.mean(axis=0)
        if np.abs(means - reached).max() <= tolerance:
            break
        # The curvature is flat along (1, …, 1), which changes nothing, and all but flat where rows are certain.
        curvature = np.diag(reached + damping * means) - P.T @ P / len(P)
        step = np.linalg.solve(curvature, means - reached)
        trial = u + step * min(1, LONGEST_STEP / np.abs(step).max())
        trial_height, trial_P = _dual(logs, means, trial)
        if trial_height >= height:
            u, height, P = trial, trial_height, trial_P
            damping = max(damping / 10, 1e-9)
        else:
            damping *= 10
    return u, P


def _dual(logs: Scores, means: Scores, u: Scores) -> tuple[float, Scores]:
    """Return the height of the concave function at u, and the probabilities there."""
    parts = logs + u
    totals = logsumexp(parts, axis=1, keepdims=True)
    return float(means @ u - totals.mean()), np.exp(parts - totals)
