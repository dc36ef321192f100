"""Distances over batches of embeddings."""

from semimetric.geometry.distances import (
    BUILT_IN,
    DISTANCES,
    Cosine,
    Distance,
    InnerProduct,
    Lp,
    SquaredEuclidean,
    get_distance,
    paired,
)

__all__ = [
    "BUILT_IN",
    "DISTANCES",
    "Cosine",
    "Distance",
    "InnerProduct",
    "Lp",
    "SquaredEuclidean",
    "get_distance",
    "paired",
]
