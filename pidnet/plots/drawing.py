"""Results as matplotlib figures. matplotlib is imported when a figure is drawn; nothing is shown or saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import networkx
import numpy as np

from pidnet.maps import LayerMap
from pidnet.maps.profiles import Profile, Recorder
from pidnet.measures.atoms import Atoms

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Colors that color-blind readers can tell apart (Okabe & Ito), and markers for print.
STYLES = {"redundancy": ("#0072B2", "o"), "unique_sum": ("#E69F00", "s"), "synergy": ("#009E73", "^")}
# The two unique atoms side by side: the second lighter.
ATOM_COLORS = {"redundancy": "#0072B2", "unique1": "#E69F00", "unique2": "#F7D08A", "synergy": "#009E73"}


def plot_atoms(atoms: Mapping[str, Atoms]) -> Figure:
    """A stacked bar for each named decomposition, bits; means over its pairs. Negative atoms hang below 0.

    The bar above 0 less the bar below it is I(Y;X1X2), marked by a line. Raises ValueError without any name.
    """
    from pidnet.plots.figure import Shown

    if not atoms:
        raise ValueError("no atoms to draw; expected a mapping from names to what decompose returned")
    figure = Shown(figsize=(max(3.6, 1.6 + 0.8 * len(atoms)), 3.2), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(atoms))
    above, below = np.zeros(len(atoms)), np.zeros(len(atoms))
    for name, color in ATOM_COLORS.items():
        bits = np.array([float(getattr(found, name).mean()) for found in atoms.values()])
        axes.bar(place, bits, bottom=np.where(bits >= 0, above, below), color=color, label=name)
        above, below = above + bits.clip(min=0), below + bits.clip(max=0)
    axes.hlines(above + below, place - 0.45, place + 0.45, color="black", linewidth=1.5, label="I(Y;X1X2)")
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_ylabel("bits")
    long = max(len(line) for name in atoms for line in name.split("\n")) > 9
    axes.set_xticks(place, list(atoms), rotation=30 if long else 0, ha="right" if long else "center")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_map(map: LayerMap, name: str = "redundancy") -> Figure:
    """Heat map of one atom over all pairs of units that vary, bits; similar units stand side by side.

    The order is that of average linkage, with pairs of much redundancy close together. Up to 32 units are all
    numbered, of more every so many. Colors span the middle 99 % of the pairs, so that single ones do not
    wash out the rest. A line across the color bar shows the noise floor of the map.
    """
    from pidnet.plots.figure import Shown

    order = cluster_units(map)
    matrix = map.matrix(name)[np.ix_(order, order)]
    figure = Shown(figsize=(5.6, 4.8) if len(order) <= 128 else (9.2, 8.0), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.85")  # the diagonal holds no pair
    low, high = np.nanpercentile(matrix, [0.5, 99.5])
    image = axes.imshow(matrix, cmap="viridis", interpolation="nearest", vmin=low, vmax=high)
    constant = len(map.units) - len(order)
    axes.set(
        title=f"{name} of {map.layer} ({map.measure}, {map.samples} samples)",
        xlabel="unit, clustered by redundancy"
        + (f" ({constant} constant ones left out)" if constant else ""),
        ylabel="unit",
    )
    ticks = np.arange(0, len(order), 1 if len(order) <= 32 else -(-len(order) // 24))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, labels=order[ticks], fontsize=7)
    axes.tick_params(axis="x", rotation=0 if len(order) <= 32 else 90)
    bar = figure.colorbar(image, label="bits", extend="both")
    floor = map.noise_floor.get(name)
    if floor is not None:
        bar.ax.axhline(floor, color="#D55E00", linewidth=2)
        bar.set_label(f"bits (line: noise floor, {floor:.3f})")
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
    """Shares of redundancy, unique information and synergy over depth with their intervals and, dotted, the noise floor,
    and the information in bits."""
    from pidnet.plots.figure import Shown

    figure = Shown(figsize=(max(6.0, 2.5 + 0.4 * len(profile.layers)), 4.6), layout="constrained")
    shares, bits = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    depth = np.arange(len(profile.layers))
    for atom, (color, marker) in STYLES.items():
        shares.plot(depth, profile.shares[atom], color=color, marker=marker, label=atom)
        shares.fill_between(depth, profile.low[atom], profile.high[atom], color=color, alpha=0.2, linewidth=0)
    for atom, (color, _) in STYLES.items():
        shares.plot(depth, profile.noise_floor[atom], color=color, linestyle=":", label="_floor")
    shares.axhline(0, color="0.6", linewidth=0.8)
    shares.set(ylabel="share of I(Y;X1X2)", title=f"{profile.measure}, 95 % over {profile.interval}")
    shares.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    bits.bar(depth, profile.pair_information, color="0.5")
    bits.set(ylabel="bits a pair")
    bits.set_xticks(depth, profile.layers, rotation=45, ha="right", fontsize=8)
    return figure


def plot_training(recorder: Recorder) -> Figure:
    """How the shares of each layer move over training: one panel an atom, lighter lines for deeper layers.

    Up to 4 layers stand with their intervals.
    """
    from matplotlib import colormaps

    from pidnet.plots.figure import Shown

    figure = Shown(figsize=(9.6, 3.2), layout="constrained")
    panels = figure.subplots(1, len(STYLES), sharex=True, sharey=True)
    layers = recorder.profiles[0].layers
    colors = colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    for axes, atom in zip(panels, STYLES, strict=True):
        for k, layer in enumerate(layers):
            values = [profile.shares[atom][k] for profile in recorder.profiles]
            axes.plot(recorder.steps, values, color=colors[k], label=layer)
            if len(layers) <= 4:
                low, high = ([getattr(p, end)[atom][k] for p in recorder.profiles] for end in ("low", "high"))
                axes.fill_between(recorder.steps, low, high, color=colors[k], alpha=0.15, linewidth=0)
        axes.set(title=atom, xlabel="epoch")
    panels[0].set_ylabel("share of I(Y;X1X2)")
    panels[-1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_graph(graph: networkx.Graph, *, neighbors: int | None = None) -> Figure:
    """The units of a redundancy graph, each joined to the ``neighbors`` it is most redundant with.

    neighbors: 2 by default, 1 for more than 300 units, which then fall into groups. Units near each other are
    redundant; color shows what a unit knows by itself, in bits, the darkness of an edge its weight. Up to 64
    units are numbered. Units without an edge are left out and counted in the title.
    """
    from pidnet.plots.figure import Shown

    neighbors = neighbors or (2 if len(graph) <= 300 else 1)
    shown = _nearest(graph, neighbors)
    position = _placed(shown)
    large = len(shown) > 64
    figure = Shown(figsize=(10, 8.2) if large else (6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    dark = [(0, 0, 0, 0.2 + 0.8 * weight) for *_, weight in shown.edges(data="weight")]
    networkx.draw_networkx_edges(shown, position, ax=axes, edge_color=dark, width=0.8 if large else 1.5)
    if len(shown):
        dots = axes.scatter(
            *np.array([position[unit] for unit in shown]).T,
            c=[graph.nodes[unit]["unit_information"] for unit in shown],
            s=min(300, max(16, 6000 / len(shown))),
            cmap="viridis",
            zorder=2,
        )
        figure.colorbar(dots, label="information of the unit, bits")
    if not large:
        box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        networkx.draw_networkx_labels(shown, position, ax=axes, font_size=7, bbox=box)
    alone = len(graph) - len(shown)
    partners = "most redundant partner" if neighbors == 1 else f"{neighbors} most redundant partners"
    axes.set_title(f"{graph.graph['layer']}: the {partners} of each unit, {alone} alone")
    axes.set_axis_off()
    return figure


def _placed(graph: networkx.Graph) -> dict:
    """Unit -> (x, y): each connected group in a box of its own, the largest first, row by row."""
    groups = sorted(networkx.connected_components(graph), key=lambda group: (-len(group), min(group)))
    sides = [1.3 * len(group) ** 0.5 for group in groups]
    width = sum(side**2 for side in sides) ** 0.5
    position, x, y, tall = {}, 0.0, 0.0, 0.0
    for group, side in zip(groups, sides, strict=True):
        if x and x + side > width:
            x, y, tall = 0.0, y + tall, 0.0
        tall = max(tall, side)
        part = graph.subgraph(sorted(group))
        center = (x + side / 2, -y - side / 2)
        k = 1.5 / len(group) ** 0.5
        position |= networkx.spring_layout(part, k=k, iterations=150, seed=0, scale=0.4 * side, center=center)
        x += side
    return position


def _nearest(graph: networkx.Graph, neighbors: int) -> networkx.Graph:
    """The units that have edges, each with its ``neighbors`` heaviest."""
    shown = networkx.Graph()
    for unit in graph:
        edges = sorted(graph.edges(unit, data="weight"), key=lambda edge: -edge[2])
        shown.add_weighted_edges_from(edge for edge in edges[:neighbors] if edge[2] > 0)
    return shown
