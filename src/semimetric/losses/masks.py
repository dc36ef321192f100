"""Which pairs of a batch are of the same class, of different classes, or neither: decided here and nowhere else."""

from torch import Tensor

from semimetric.data.arrays import UNLABELLED


def pair_masks(y: Tensor, anchors: slice = slice(None)) -> tuple[Tensor, Tensor]:
    """Return the boolean (m, n) masks of positive and of negative pairs of m anchors with n rows.

    Parameters
    ----------
    y : Tensor (n,)
        Integer labels; −1 means unlabelled, and such a row is in no pair at all.
    anchors : slice
        Which of the rows the m anchors are; all of them if not given.

    Returns
    -------
    positive : Tensor (m, n)
        True where two different rows carry the same label.
    negative : Tensor (m, n)
        True where two labelled rows carry different labels.

    >>> import torch
    >>> positive, negative = pair_masks(torch.tensor([0, 0, 1, -1]))
    >>> positive.nonzero().tolist(), int(negative.sum())
    ([[0, 1], [1, 0]], 4)
    """
    labelled = y != UNLABELLED
    both = labelled[anchors, None] & labelled
    positive, negative = masks_of_labelled(y, anchors)
    return positive & both, negative & both


def masks_of_labelled(y: Tensor, anchors: slice = slice(None)) -> tuple[Tensor, Tensor]:
    """Return `pair_masks` of rows of which none is unlabelled."""
    same = y[anchors, None] == y
    positive = same.clone()
    positive.diagonal(anchors.start or 0).fill_(False)  # where a row meets itself
    return positive, ~same
