"""Stage 7: a layer map as a graph over its units."""

from pidnet.graph.edges import informed_pairs, pair_weights, redundancy_graph, replacement_graph
from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph, communities
from pidnet.graph.stability import Community, stable_communities
from pidnet.graph.storage import load_graph, save_graph

__all__ = [
    "Community",
    "RedundancyGraph",
    "ReplacementGraph",
    "communities",
    "informed_pairs",
    "load_graph",
    "pair_weights",
    "redundancy_graph",
    "replacement_graph",
    "save_graph",
    "stable_communities",
]
