"""Results as matplotlib figures. matplotlib is imported when a figure is drawn; nothing is shown or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx
import numpy as np

from pidnet.maps import LayerMap
from pidnet.profiles import Profile, Recorder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Colors that color-blind readers can tell apart (Okabe & Ito), and markers for print.
STYLES = {"redundancy": ("#0072B2", "o"), "unique": ("#E69F00", "s"), "synergy": ("#009E73", "^")}


def plot_map(map: LayerMap, name: str = "redundancy") -> Figure:
    """Heat map of one atom over all pairs of units that vary, bits; similar units stand side by side.

    The order is that of average linkage, with pairs of much redundancy close together. Units are numbered
    where there is room, up to 32 of them. A line across the color bar shows the sampling floor of the map.
    """
    from matplotlib.figure import Figure

    order = cluster_units(map)
    matrix = map.matrix(name)[np.ix_(order, order)]
    figure = Figure(figsize=(5.6, 4.8), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="cividis", interpolation="nearest")
    constant = len(map.units) - len(order)
    axes.set(
        title=f"{name} of {map.layer} ({map.measure}, {map.samples} samples)",
        xlabel="unit, clustered by redundancy"
        + (f" ({constant} constant ones left out)" if constant else ""),
        ylabel="unit",
    )
    ticks = np.arange(len(order)) if len(order) <= 32 else []
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, labels=order[ticks] if len(ticks) else [], fontsize=7)
    bar = figure.colorbar(image, label="bits")
    floor = map.floor.get({"unique1": "unique", "unique2": "unique"}.get(name, name))
    if floor is not None:
        bar.ax.axhline(floor, color="#D55E00", linewidth=2)
        bar.set_label(f"bits (line: floor, {floor:.3f})")
    return figure


def cluster_units(map: LayerMap) -> np.ndarray:
    """The units that vary, int (unit,), in the order of the leaves of average linkage on redundancy."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    units = np.unique(map.pairs)
    if len(units) < 3:
        return units
    redundancy = map.matrix("redundancy")[np.ix_(units, units)]
    np.fill_diagonal(redundancy, 0)
    distance = np.nan_to_num(redundancy.max() - redundancy)
    np.fill_diagonal(distance, 0)
    near = squareform(distance, checks=False)
    # The best order of the leaves takes a minute for 1,024 units and shows only where units can be told apart.
    return units[leaves_list(linkage(near, "average", optimal_ordering=len(units) <= 128))]


def plot_profile(profile: Profile) -> Figure:
    """Shares of redundancy, unique and synergy over depth with their intervals and, dotted, the sampling floor,
    and the information in bits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(5.0, 1.5 + 0.55 * len(profile.layers)), 4.6), layout="constrained")
    shares, bits = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    depth = np.arange(len(profile.layers))
    for atom, (color, marker) in STYLES.items():
        shares.plot(depth, profile.shares[atom], color=color, marker=marker, label=atom)
        shares.fill_between(depth, profile.low[atom], profile.high[atom], color=color, alpha=0.2, linewidth=0)
    for atom, (color, _) in STYLES.items():
        shares.plot(depth, profile.floor[atom], color=color, linestyle=":", label="_floor")
    shares.axhline(0, color="0.6", linewidth=0.8)
    shares.set(ylabel="share of I(Y;X1X2)", title=f"{profile.measure}, 95 % over {profile.interval}")
    shares.legend(frameon=False)
    bits.bar(depth, profile.information, color="0.5")
    bits.set(ylabel="bits a pair")
    bits.set_xticks(depth, profile.layers, rotation=45, ha="right", fontsize=8)
    return figure


def plot_training(recorder: Recorder) -> Figure:
    """How the shares of each layer move over training: one panel an atom, lighter lines for deeper layers."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    panels = figure.subplots(1, len(STYLES), sharex=True, sharey=True)
    layers = recorder.profiles[0].layers
    colors = colormaps["cividis"](np.linspace(0, 0.9, len(layers)))
    for axes, atom in zip(panels, STYLES, strict=True):
        for k, layer in enumerate(layers):
            values = [profile.shares[atom][k] for profile in recorder.profiles]
            axes.plot(recorder.steps, values, color=colors[k], label=layer)
        axes.set(title=atom, xlabel="epoch")
    panels[0].set_ylabel("share of I(Y;X1X2)")
    panels[-1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
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
