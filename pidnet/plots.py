"""Results as matplotlib figures. matplotlib is imported when a figure is drawn; nothing is shown or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx
import numpy as np

from pidnet.maps import LayerMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_map(map: LayerMap, name: str = "redundancy") -> Figure:
    """Heat map of one atom over all pairs of units, units in the order of their information, bits."""
    from matplotlib.figure import Figure

    order = np.argsort(-map.information, kind="stable")
    matrix = map.matrix(name)[np.ix_(order, order)]
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="cividis", interpolation="nearest")
    axes.set(
        title=f"{name} of {map.layer} ({map.measure}, {map.samples} samples)",
        xlabel="unit, by falling information",
        ylabel="unit",
    )
    figure.colorbar(image, label="bits")
    return figure


def plot_graph(graph: networkx.Graph, *, neighbors: int = 2) -> Figure:
    """The units of a redundancy graph, each joined to the ``neighbors`` it is most redundant with.

    Units near each other are redundant; color shows what a unit knows by itself, in bits, the darkness of an
    edge its weight. Units without an edge are left out and counted in the title.
    """
    from matplotlib.figure import Figure

    shown = _nearest(graph, neighbors)
    position = networkx.spring_layout(shown, k=1.5 / max(len(shown), 1) ** 0.5, iterations=150, seed=0)
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    networkx.draw_networkx_edges(
        shown, position, ax=axes, edge_color=[(0, 0, 0, weight) for *_, weight in shown.edges(data="weight")]
    )
    if len(shown):
        dots = axes.scatter(
            *np.array([position[unit] for unit in shown]).T,
            c=[graph.nodes[unit]["information"] for unit in shown],
            s=max(12, 3000 / len(shown)),
            cmap="cividis",
            zorder=2,
        )
        figure.colorbar(dots, label="information of the unit, bits")
    alone = len(graph) - len(shown)
    axes.set_title(
        f"{graph.graph['layer']}: the {neighbors} most redundant partners of each unit, {alone} alone"
    )
    axes.set_axis_off()
    return figure


def _nearest(graph: networkx.Graph, neighbors: int) -> networkx.Graph:
    """The units that have edges, each with its ``neighbors`` heaviest."""
    shown = networkx.Graph()
    for unit in graph:
        edges = sorted(graph.edges(unit, data="weight"), key=lambda edge: -edge[2])
        shown.add_weighted_edges_from(edge for edge in edges[:neighbors] if edge[2] > 0)
    return shown
