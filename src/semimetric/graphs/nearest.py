"""The nearest other rows of every row: of all rows up to some thousands, and by cells above."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

EXACT_ROWS = 10_000
"""Up to so many rows every row is compared with every other."""
CELL_ROWS = 256
"""Rows in a cell, on average; none holds more than four times as many, so duplicates do not bring back n²."""
SEARCHED_ROWS = 24 * CELL_ROWS
"""A row is compared with the rows of the nearest cells that hold so many together, or four times what is asked for."""
SAMPLED_ROWS = 32
"""Rows for each cell, from which the cells' centres are learned."""
ROUNDS = 6
"""Of Lloyd's algorithm; more of them hardly change the neighbours that are found."""
BLOCK_ELEMENTS = 2**22
"""Distances, or coordinates of differences, held at once."""


def nearest_neighbours(
    Z: npt.ArrayLike, k: int, *, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the Euclidean distances and the numbers of the k nearest other rows of every row.

    Up to 10,000 rows the neighbours are exact. Above, rows are put into cells around k-means centres, and
    neighbours are looked for in the row's own and the nearest cells, among about 6,000 rows (4 k, where that
    is more): nearly all of them are found in up to some tens of dimensions. The distances are always exact.

    Time grows as n, to which n² / 256 comparisons with centres add little below a million rows. Beside a copy
    of ``Z`` and the result, memory does not grow with the rows or with k n.

    Parameters
    ----------
    Z : array of shape (n, d)
        Embeddings, real and finite.
    k : int
        Neighbours of each row, from 1 to n − 1.
    seed : int
        Draws the rows at which the cells' centres start. The result is a function of ``Z``, ``k`` and ``seed``.

    Returns
    -------
    distances : float32 array of shape (n, k)
        Ascending, in the units of ``Z``.
    rows : int64 array of shape (n, k)
        No row is its own neighbour, but its duplicates are, at distance 0. Of equal distances the lower number
        comes first; which of several rows as far off as the k-th are left out is not said.

    Raises
    ------
    ValueError
        If ``Z`` is not an (n, d) array of finite real numbers or ``k`` is not from 1 to n − 1.

    References
    ----------
    The cells are an inverted file without compression: Jégou, Douze and Schmid, "Product Quantization for Nearest
    Neighbor Search", TPAMI 2011, section 4.

    Examples
    --------
    >>> distances, rows = nearest_neighbours([[0.0], [1.0], [3.0], [3.0]], k=3)
    >>> rows.tolist()
    [[1, 2, 3], [0, 2, 3], [3, 1, 0], [2, 1, 0]]
    >>> distances.tolist()
    [[1.0, 3.0, 3.0], [1.0, 2.0, 2.0], [0.0, 2.0, 3.0], [0.0, 2.0, 3.0]]
    """
    values = _check_rows(Z)
    n = len(values)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k < n:
        raise ValueError(f"k is {k!r}; it must be a whole number from 1 to {n - 1}, one less than the {n} rows of Z")
    # By a power of two, which loses no digit, so that no square overflows or vanishes.
    exponent = math.frexp(float(np.abs(values).max()))[1]
    scaled = torch.from_numpy(np.ldexp(values, -exponent))
    if n <= EXACT_ROWS:
        cells, precision = [torch.arange(n)], torch.float64
    else:
        cells, precision = _cells(scaled, n // CELL_ROWS, seed), torch.float32
    order = torch.cat(cells)
    scaled = scaled[order]  # the rows of a cell stand together
    distances, rows = torch.empty(n, k), torch.empty(n, k, dtype=torch.int64)
    for own, others in _searches(scaled, [len(cell) for cell in cells], max(SEARCHED_ROWS, 4 * (k + 1))):
        for queries, (near, found) in _closest(scaled, own, others, int(k), precision):
            distances[order[queries]], rows[order[queries]] = _ascending(near, order[found])
    return np.ldexp(distances.numpy(), exponent), rows.numpy()


def _check_rows(Z: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Return ``Z`` as float32, or as float64 if it holds that or integers."""
    values = np.asarray(Z)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"Z has shape {values.shape}; it must be (rows, dimensions) with at least one dimension")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"Z has dtype {values.dtype}; it must hold real numbers")
    values = values.astype(np.float32 if values.dtype in (np.float16, np.float32) else np.float64, copy=False)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise ValueError(f"Z row {int(np.argmin(finite))} holds NaN or infinity; every value must be finite")
    largest, limit = np.abs(values).max(initial=0), np.finfo(np.float32).max / (2 * math.sqrt(values.shape[1]))
    if largest > limit:
        raise ValueError(f"Z holds values up to {largest:.3g}; distances in float32 need them below {limit:.3g}")
    return values


def _cells(Z: Tensor, count: int, seed: int) -> list[Tensor]:
    """Return the numbers of the rows in each cell: k-means on a sample, and large cells cut in halves."""
    shuffled = torch.randperm(len(Z), generator=torch.Generator().manual_seed(seed))
    sample, centres = Z[shuffled[: SAMPLED_ROWS * count]].double(), Z[shuffled[:count]].double()
    for _ in range(ROUNDS):
        nearest = _nearest_centre(sample, centres)
        members = torch.bincount(nearest, minlength=count)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, sample)
        centres = torch.where(members > 0, sums / members.clamp_min(1), centres)
    nearest = _nearest_centre(Z, centres)
    sizes = torch.bincount(nearest, minlength=count).tolist()
    cells = torch.argsort(nearest, stable=True).split(sizes)
    return [half for cell in cells if len(cell) for half in _halves(Z, cell)]


def _nearest_centre(Z: Tensor, centres: Tensor) -> Tensor:
    """Return the number (n,) of the centre nearest to each row of ``Z``."""
    origin = centres.mean(0)  # near which the expansion below loses few digits
    centres = centres - origin
    offsets = centres.square().sum(1)
    blocks = Z.split(max(1, BLOCK_ELEMENTS // len(centres)))
    return torch.cat([torch.addmm(offsets, block.double() - origin, centres.T, alpha=-2).argmin(1) for block in blocks])


def _halves(Z: Tensor, cell: Tensor) -> list[Tensor]:
    """Cut a cell at the median of its widest coordinate until no part is too large, even if all rows coincide."""
    if len(cell) <= 4 * CELL_ROWS:
        return [cell]
    widest = Z[cell].var(0).argmax()
    cell = cell[torch.argsort(Z[cell, widest], stable=True)]
    middle = len(cell) // 2
    return _halves(Z, cell[:middle]) + _halves(Z, cell[middle:])


def _searches(Z: Tensor, sizes: list[int], wanted: int) -> Iterator[tuple[slice, list[slice]]]:
    """Yield each cell of ``Z``, whose rows are ordered by cell, and the cells to search: itself, then by distance.

    Cells are searched until they hold ``wanted`` rows together, or there are no more of them.
    """
    ends = np.cumsum(sizes)
    cells = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
    centres = torch.stack([Z[cell].double().mean(0) for cell in cells])
    held = torch.tensor(sizes)
    for number, cell in enumerate(cells):
        gaps = torch.linalg.vector_norm(centres - centres[number], dim=1)
        gaps[number] = -1  # before all others, even those with the same centre
        nearest = torch.argsort(gaps, stable=True)
        enough = int(torch.searchsorted(held[nearest].cumsum(0), wanted)) + 1
        yield cell, [cells[other] for other in nearest[:enough].tolist()]


def _closest(
    Z: Tensor, own: slice, others: list[slice], k: int, precision: torch.dtype
) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor]]]:
    """Yield, for blocks of the rows in ``own``, their numbers and the distances and numbers of the k closest.

    ``others`` begins with ``own``. The k are chosen by |a|² − 2ab + |b|², in ``precision`` and around the
    middle of the own rows, where it loses few digits. Their distances are those of differences, which lose none.
    """
    candidates = torch.cat([torch.arange(other.start, other.stop) for other in others])
    middle = Z[own].mean(0)
    around = (torch.cat([Z[other] for other in others]) - middle).to(precision)
    offsets = around.square().sum(1)
    for block in torch.arange(own.stop - own.start).split(_block_rows(len(candidates))):
        squared = torch.addmm(offsets, around[block], around.T, alpha=-2)
        squared[torch.arange(len(block)), block] = math.inf  # a row is not its own neighbour
        found = candidates[torch.topk(squared, k, dim=1, largest=False, sorted=False).indices]
        queries = own.start + block
        for some in torch.arange(len(block)).split(_block_rows(k * Z.shape[1])):
            differences = Z[found[some]] - Z[queries[some], None]
            yield queries[some], (torch.linalg.vector_norm(differences, dim=2).float(), found[some])


def _block_rows(elements: int) -> int:
    """Return how many rows of so many elements are held at once."""
    return max(1, BLOCK_ELEMENTS // elements)


def _ascending(distances: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Order each row's neighbours by distance, and by number among equals."""
    rows, by_number = rows.sort(dim=1)
    distances, by_distance = distances.gather(1, by_number).sort(dim=1, stable=True)
    return distances, rows.gather(1, by_distance)
