"""Stage 7: a layer map as a graph over its units."""

from pidnet.graph.edges import pair_weights, redundancy_graph, replacement_graph
from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph, communities
from pidnet.graph.storage import load_graph, save_graph

__all__ = [
    "RedundancyGraph",
    "ReplacementGraph",
    "communities",
    "load_graph",
    "pair_weights",
    "redundancy_graph",
    "replacement_graph",
    "save_graph",
]
