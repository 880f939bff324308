"""The two graphs over the units of a layer: who is redundant with whom, and who can replace whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx
import numpy as np

from pidnet.arguments import check_arguments
from pidnet.optional import optional_module
from pidnet.plots import plot_graph, plot_replacements
from pidnet.printing import Printed, counted, number

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class RedundancyGraph(Printed, networkx.Graph):
    """A ``networkx.Graph`` over the units of a layer that prints, draws itself and gives its edges as a table.

    ``redundancy_graph`` makes it and describes its nodes and edges. Every function of networkx takes it.

    Parameters
    ----------
    incoming_graph_data : graph or edges, optional
        As for networkx.
    **attr
        Attributes of the graph: layer, measure and so on.
    backend : str, optional
        As for networkx.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0], [1, 1]] * 50}, [0, 1] * 50)
    >>> graph = pn.redundancy_graph(pn.layer_maps(codes, "i_min")["fc1"])
    >>> list(graph.edges)
    [(0, 1)]
    """

    __str__ = Printed.__repr__

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each edge: unit1, unit2 and what the edge carries, bits."""
        return _edge_table(self, ("unit1", "unit2"))

    def plot(self, ax: Axes | None = None, *, neighbors: int | None = None) -> Figure:
        """Draw the units and their most redundant partners; see ``pidnet.plots.plot_graph``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        neighbors : int, optional
            How many partners of each unit.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_graph(self, neighbors=neighbors, ax=ax)

    def _lines(self) -> list[str]:
        lines = [_head(self, "RedundancyGraph", "edge")]
        if self.number_of_edges():
            i, j, strongest = max(self.edges(data=True), key=lambda edge: edge[2].get("weight", 0))
            means = "  ".join(
                f"{name} {number(_mean(self, name))}" for name in ("redundancy", "synergy", "weight")
            )
            best = f"strongest: {i} - {j}, weight {number(strongest.get('weight'))}"
            lines.append(f"  mean edge: {means}; {best}")
        groups = sum(len(group) > 1 for group in networkx.connected_components(self))
        tested = self.graph.get("tested")
        significant = self.graph.get("significant", 0)
        lines.append(
            f"  {counted(groups, 'connected group')}"
            + (f"; of {tested:,} pairs tested {significant:,} are significant" if tested else "")
        )
        return lines


class ReplacementGraph(Printed, networkx.DiGraph):
    """A ``networkx.DiGraph`` over the units of a layer that prints, draws itself and gives its edges as a table.

    ``replacement_graph`` makes it and describes its nodes and edges. Every function of networkx takes it.

    Parameters
    ----------
    incoming_graph_data : graph or edges, optional
        As for networkx.
    **attr
        Attributes of the graph: layer, measure and so on.
    backend : str, optional
        As for networkx.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0], [1, 1]] * 50}, [0, 1] * 50)
    >>> graph = pn.replacement_graph(pn.layer_maps(codes, "i_broja")["fc1"])
    >>> list(graph.edges)
    [(0, 1), (1, 0)]
    """

    __str__ = Printed.__repr__

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each edge: unit, the unit that replaces it, and the cost in bits."""
        return _edge_table(self, ("unit", "replaced_by"))

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw arrows from units to those that can replace them; see ``pidnet.plots.plot_replacements``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_replacements(self, ax)

    def _lines(self) -> list[str]:
        replaceable = sum(1 for _, degree in self.out_degree() if degree)
        allowed = number(self.graph.get("tolerance"))
        by = ", upper end of the interval" if self.graph.get("tested") else ", by the estimates"
        return [
            _head(self, "ReplacementGraph", "replacement"),
            f"  {counted(replaceable, 'unit')} can be replaced by another at a cost of at most {allowed} bits{by}",
        ]


def communities(graph: networkx.Graph, *, seed: int = 0) -> list[list[int]]:
    """Groups of units that are redundant with one another: Louvain on the edge weights.

    Parameters
    ----------
    graph : networkx.Graph
        What ``redundancy_graph`` returned.
    seed : int
        Makes the groups repeatable.

    Returns
    -------
    list of list of int
        Ascending units of each group, the largest group first.

    Notes
    -----
    Source: Blondel, Guillaume, Lambiotte & Lefebvre 2008 (arXiv:0803.0476), through networkx.

    Examples
    --------
    >>> import networkx, pidnet as pn
    >>> pn.communities(networkx.Graph([(0, 1), (1, 2), (0, 2), (3, 4)]))
    [[0, 1, 2], [3, 4]]
    """
    check_arguments(communities, locals())
    groups = networkx.community.louvain_communities(graph, weight="weight", seed=seed)
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group))


def _edge_table(graph: networkx.Graph, ends: tuple[str, str]) -> pandas.DataFrame:
    rows = [dict(zip(ends, (i, j), strict=True)) | carried for i, j, carried in graph.edges(data=True)]
    return optional_module("pandas").DataFrame(rows, columns=None if rows else list(ends))


def _head(graph: networkx.Graph, kind: str, edge: str) -> str:
    about = graph.graph
    alone = networkx.number_of_isolates(graph)
    return (
        f"{kind} {about.get('layer', '')} by {about.get('measure', 'no measure')}: {counted(len(graph), 'unit')} "
        f"({alone:,} alone), {counted(graph.number_of_edges(), edge)}"
    )


def _mean(graph: networkx.Graph, name: str) -> float:
    return float(np.mean([value for *_, value in graph.edges(data=name, default=np.nan)]))
