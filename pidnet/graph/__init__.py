"""Stage 7: a layer map as a graph over its units."""

from pidnet.graph.arrays import RedundancyEdges, redundancy_edges
from pidnet.graph.edges import informed_pairs, pair_weights, redundancy_graph, replacement_graph
from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph, communities
from pidnet.graph.stability import Community, stable_communities
from pidnet.graph.storage import load_graph, save_graph

__all__ = [
    "Community",
    "RedundancyEdges",
    "RedundancyGraph",
    "ReplacementGraph",
    "communities",
    "informed_pairs",
    "load_graph",
    "pair_weights",
    "redundancy_edges",
    "redundancy_graph",
    "replacement_graph",
    "save_graph",
    "stable_communities",
]
