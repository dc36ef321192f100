"""From neighbours to a weighted graph."""

import numpy as np
import numpy.typing as npt
from scipy import sparse


def neighbour_graph(distances: npt.NDArray[np.floating], rows: npt.NDArray[np.integer]) -> sparse.csr_array:
    """Return the symmetric graph in which near neighbours weigh most, each measured by the row's own reach.

    ``A_ij = exp(−4 d_ij² / d_ik²)`` if j is one of the k neighbours of i, d_ik being the distance of the k-th, and
    ``W = (A + Aᵀ) / 2``. Weights do not depend on the units of the distances. A row whose k neighbours all are
    duplicates of it (d_ik = 0) gives them weight 1.

    Parameters
    ----------
    distances, rows : arrays of shape (n, k)
        As :func:`~semimetric.graphs.nearest_neighbours` returns them: ascending, and no row its own neighbour.

    Returns
    -------
    sparse array of shape (n, n), float64
        Symmetric, between 0 and 1, with at most 2 n k entries and a diagonal of zeros.

    Raises
    ------
    ValueError
        If the shapes differ, a number in ``rows`` is not from 0 to n − 1, or a row is its own neighbour.

    References
    ----------
    Calder, Cook, Thorpe and Slepčev, "Poisson Learning: Graph Based Semi-Supervised Learning at Very Low Label Rates",
    ICML 2020, experiments; reach after Zelnik-Manor and Perona, "Self-Tuning Spectral Clustering", NeurIPS 2004.

    Examples
    --------
    Row 2 has row 1 as its neighbour, but is not row 1's: its weight is halved.

    >>> graph = neighbour_graph(np.array([[1.0], [1.0], [2.0]]), np.array([[1], [0], [1]]))
    >>> (graph / np.exp(-4)).toarray().round(3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.5, 0.0]]
    """
    if distances.ndim != 2 or distances.shape != rows.shape or distances.shape[1] == 0:
        raise ValueError(f"distances have shape {distances.shape} and rows {rows.shape}; they must be (n, k), the same")
    n, k = rows.shape
    if n and not 0 <= rows.min() <= rows.max() < n:
        raise ValueError(f"rows are from {rows.min()} to {rows.max()}; with {n} rows they must be from 0 to {n - 1}")
    if (own := rows == np.arange(n)[:, None]).any():
        raise ValueError(f"row {int(own.any(axis=1).argmax())} is its own neighbour; no row may be")
    weights = nearness(distances)
    directed = sparse.csr_array((weights.ravel(), rows.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    return sparse.csr_array((directed + directed.T) / 2)


def nearness(distances: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return ``exp(−4 d_ij² / d_ik²)`` of ascending distances (m, k) to neighbours: 1 where all of a row's are 0.

    >>> nearness(np.array([[0.0, 1.0], [0.0, 0.0]])).round(3).tolist()
    [[1.0, 0.018], [1.0, 1.0]]
    """
    reach = distances[:, -1:].astype(np.float64)
    share = distances / np.where(reach > 0, reach, 1)  # squared only now: a tiny reach would vanish
    return np.exp(-4 * share**2)
