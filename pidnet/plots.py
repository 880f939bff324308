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


def plot_graph(graph: networkx.Graph, *, edges: int = 400) -> Figure:
    """The units of a redundancy graph and its ``edges`` heaviest edges; a larger dot knows more."""
    from matplotlib.figure import Figure

    heaviest = sorted(graph.edges(data="weight"), key=lambda edge: -edge[2])[:edges]
    shown = networkx.Graph()
    shown.add_nodes_from(graph.nodes)
    shown.add_weighted_edges_from(heaviest)
    position = networkx.spring_layout(shown, seed=0)
    information = np.array([graph.nodes[unit]["information"] for unit in shown])
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    # The lightest edges first, so that the heaviest lie on top.
    drawn = networkx.draw_networkx_edges(
        shown,
        position,
        ax=axes,
        edgelist=[edge[:2] for edge in heaviest[::-1]],
        edge_color=[edge[2] for edge in heaviest[::-1]],
        edge_cmap=_edge_colors(),
    )
    dots = np.array([position[unit] for unit in shown])
    axes.scatter(*dots.T, s=4 + 60 * information / max(information.max(), 1e-12), color="black", zorder=2)
    axes.set_title(f"{len(heaviest)} heaviest of {graph.number_of_edges()} edges of {graph.graph['layer']}")
    axes.set_axis_off()
    if heaviest:
        figure.colorbar(drawn, ax=axes, label="redundancy / information of the pair")
    return figure


def _edge_colors():
    from matplotlib import colormaps

    return colormaps["cividis_r"]
