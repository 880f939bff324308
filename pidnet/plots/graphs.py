"""Redundancy and replacement graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx
import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERED = 64
TWO_NEIGHBORS_UP_TO = 300
ROUNDS, FEWER_ROUNDS = 150, 50
LABEL_BOX = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}


def plot_graph(graph: networkx.Graph, *, neighbors: int | None = None, ax: Axes | None = None) -> Figure:
    """The units of a redundancy graph, each joined to those it is most redundant with.

    Parameters
    ----------
    graph : networkx.Graph
        What ``redundancy_graph`` returned.
    neighbors : int, optional
        How many partners of each unit; 2 by default, 1 for more than 300 units, which then fall into groups.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Units near each other are redundant; color is the information of a unit, in bits, the darkness of an
        edge its weight. Up to 64 units are numbered. Units without an edge are left out and counted in the
        title.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import networkx
    >>> graph = networkx.Graph(layer="fc1")
    >>> graph.add_nodes_from(range(3), unit_information=0.5)
    >>> graph.add_edge(0, 1, weight=0.9)
    >>> plot_graph(graph).axes[0].get_title()
    'fc1: the 2 most redundant partners of each unit, 1 alone'
    """
    _check_graph(graph, "redundancy_graph")
    if neighbors is not None and not neighbors > 0:
        raise ValueError(f"neighbors={neighbors}; expected 1 or more")
    neighbors = neighbors or (2 if len(graph) <= TWO_NEIGHBORS_UP_TO else 1)
    shown = _nearest(graph, neighbors)
    dark = [(0, 0, 0, 0.2 + 0.8 * weight) for *_, weight in shown.edges(data="weight")]
    figure, ax = _draw(shown, graph, {"edge_color": dark}, ax)
    partners = "most redundant partner" if neighbors == 1 else f"{neighbors} most redundant partners"
    ax.set_title(
        f"{graph.graph['layer']}: the {partners} of each unit, {len(graph) - len(shown)} alone",
        fontsize="medium",
    )
    return figure


def plot_replacements(graph: networkx.DiGraph, ax: Axes | None = None) -> Figure:
    """The units of a replacement graph that can replace or be replaced.

    Parameters
    ----------
    graph : networkx.DiGraph
        What ``replacement_graph`` returned.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        An arrow leads from a unit to one that can replace it; color is the information of a unit, in bits.
        Units without an arrow are left out and counted in the title.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import networkx
    >>> graph = networkx.DiGraph(layer="fc1")
    >>> graph.add_nodes_from(range(3), unit_information=0.5)
    >>> graph.add_edge(0, 1, cost=0.0)
    >>> plot_replacements(graph).axes[0].get_title()
    'fc1: who can replace whom, 1 units alone'
    """
    _check_graph(graph, "replacement_graph")
    shown = graph.edge_subgraph(graph.edges)
    figure, ax = _draw(shown, graph, {"arrowsize": 8, "node_size": 120, "edge_color": "0.3"}, ax)
    ax.set_title(
        f"{graph.graph['layer']}: who can replace whom, {len(graph) - len(shown)} units alone",
        fontsize="medium",
    )
    return figure


def place_units(graph: networkx.Graph) -> dict[int, np.ndarray]:
    """Places for the units of a graph: a spring layout of each connected group, in a box of its own.

    Parameters
    ----------
    graph : networkx.Graph
        Units and the edges that hold them together.

    Returns
    -------
    dict of int to ndarray, (2,)
        Unit -> (x, y). The boxes stand in rows, the largest group first, single units last.

    Examples
    --------
    >>> import networkx
    >>> place = place_units(networkx.Graph([(0, 1), (1, 2), (3, 4)]))
    >>> bool(place[3][1] < min(place[unit][1] for unit in (0, 1, 2)))  # below the larger group
    True
    """
    groups = sorted(networkx.connected_components(graph), key=lambda group: (-len(group), min(group)))
    sides = [1.3 * len(group) ** 0.5 for group in groups]
    width = sum(side**2 for side in sides) ** 0.5
    position, x, y, tall = {}, 0.0, 0.0, 0.0
    for group, side in zip(groups, sides, strict=True):
        if x and x + side > width:
            x, y, tall = 0.0, y + tall, 0.0
        tall = max(tall, side)
        position |= _spring(graph.subgraph(sorted(group)), side, (x + side / 2, -y - side / 2))
        x += side
    return position


def _check_graph(graph: networkx.Graph, maker: str) -> None:
    if not isinstance(graph, networkx.Graph) or "layer" not in graph.graph:
        raise TypeError(f"a {type(graph).__name__} cannot be drawn; expected a graph of units, from {maker}")


def _spring(group: networkx.Graph, side: float, center: tuple[float, float]) -> dict[int, np.ndarray]:
    """A connected group within a box."""
    rounds = ROUNDS if len(group) <= TWO_NEIGHBORS_UP_TO else FEWER_ROUNDS
    near = 1.5 / len(group) ** 0.5
    return networkx.spring_layout(group, k=near, iterations=rounds, seed=0, scale=0.4 * side, center=center)


def _draw(
    shown: networkx.Graph, graph: networkx.Graph, edges: dict[str, Any], ax: Axes | None
) -> tuple[Figure, Axes]:
    """Edges, units colored by their information, and the numbers of few units."""
    from pidnet.plots.figure import given_or_new

    large = len(shown) > NUMBERED
    figure, ax = given_or_new(ax, (10, 8.2) if large else (6.4, 5.2))
    position = place_units(shown.to_undirected(as_view=True))
    networkx.draw_networkx_edges(shown, position, ax=ax, width=0.8 if large else 1.5, **edges)
    if len(shown):
        dots = ax.scatter(
            *np.array([position[unit] for unit in shown]).T,
            c=[graph.nodes[unit]["unit_information"] for unit in shown],
            s=min(300, max(16, 6000 / len(shown))),
            cmap="viridis",
            zorder=2,
        )
        figure.colorbar(dots, ax=ax, label="information of the unit, bits")
    if not large:
        networkx.draw_networkx_labels(shown, position, ax=ax, font_size=7, bbox=LABEL_BOX)
    ax.set_axis_off()
    return figure, ax


def _nearest(graph: networkx.Graph, neighbors: int) -> networkx.Graph:
    """The units that have edges, each with its ``neighbors`` heaviest."""
    shown = networkx.Graph()
    for unit in graph:
        edges = sorted(graph.edges(unit, data="weight"), key=lambda edge: -edge[2])
        shown.add_weighted_edges_from(edge for edge in edges[:neighbors] if edge[2] > 0)
    return shown
