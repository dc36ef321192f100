"""Graphs over rows: who is near whom, where borders run, and what labels say about the other rows."""

from semimetric.graphs.borders import conductances, parts_within_borders
from semimetric.graphs.nearest import nearest_neighbours
from semimetric.graphs.propagation import propagate
from semimetric.graphs.weights import nearness, neighbour_graph

__all__ = [
    "conductances",
    "nearest_neighbours",
    "nearness",
    "neighbour_graph",
    "parts_within_borders",
    "propagate",
]
