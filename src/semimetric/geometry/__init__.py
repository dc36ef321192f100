"""Distances over batches of embeddings."""

from semimetric.geometry.distances import DISTANCES, Cosine, Distance, InnerProduct, Lp, SquaredEuclidean, get_distance

__all__ = ["DISTANCES", "Cosine", "Distance", "InnerProduct", "Lp", "SquaredEuclidean", "get_distance"]
