"""Graphs over rows: who is near whom, how much they weigh, and what their labels say about the others."""

from semimetric.graphs.nearest import nearest_neighbours
from semimetric.graphs.propagation import balanced, propagate
from semimetric.graphs.weights import nearness, neighbour_graph

__all__ = ["balanced", "nearest_neighbours", "nearness", "neighbour_graph", "propagate"]
