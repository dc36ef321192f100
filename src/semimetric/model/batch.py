"""One step's data, as the objective sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass
class Batch:
    """Rows of one or more streams, joined so that one pass of the encoder serves every loss term.

    x : what the encoder reads, of n rows; opaque to everything but the networks. An augmented view in
        training, the plain input otherwise.
    target : what a decoder is to give back: the plain normalised input.
    y : Tensor (n,), class numbers, −1 for unlabelled.
    rows : Tensor (n,), the rows' places in the training data.
    terms : which rows each wanted loss term is computed on; a term that is not named is not computed.
    weights : Tensor (n,), optional; how much each row counts in the metric loss.
    """

    x: Any
    target: Any
    y: Tensor
    rows: Tensor
    terms: Mapping[str, slice]
    weights: Tensor | None = None
