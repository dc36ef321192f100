"""Which pairs of a batch are of the same class, of different classes, or neither: decided here and nowhere else."""

from torch import Tensor

from semimetric.data.arrays import UNLABELLED


def pair_masks(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the boolean (n, n) masks of positive and of negative pairs.

    Parameters
    ----------
    y : Tensor (n,)
        Integer labels; −1 means unlabelled, and such a row is in no pair at all.

    Returns
    -------
    positive : Tensor (n, n)
        True where two different rows carry the same label.
    negative : Tensor (n, n)
        True where two labelled rows carry different labels.

    >>> import torch
    >>> positive, negative = pair_masks(torch.tensor([0, 0, 1, -1]))
    >>> positive.nonzero().tolist(), int(negative.sum())
    ([[0, 1], [1, 0]], 4)
    """
    labelled = y != UNLABELLED
    both = labelled[:, None] & labelled[None, :]
    same = y[:, None] == y[None, :]
    positive = (same & both).fill_diagonal_(False)
    return positive, both & ~same
