"""The edges of a redundancy graph as arrays, for layers with more of them than a graph of objects should hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np
from scipy.stats import false_discovery_control

from pidnet.arguments import check_arguments
from pidnet.files import replacing
from pidnet.graph.kinds import RedundancyGraph
from pidnet.maps import LayerMap, StoredMap
from pidnet.measures.atoms import Atoms
from pidnet.optional import optional_module
from pidnet.printing import Printed, counted, number

if TYPE_CHECKING:
    import pandas

STRONG = 0.5  # of what a pair carries: more than all its other information
NEIGHBORS = 3
WRITTEN_AT_ONCE = 2**14  # edges that are turned into numbers of Python together
WEIGHT = 4  # the column of an edge's weight, behind its units, redundancy and synergy


@dataclass(frozen=True, eq=False, repr=False)
class RedundancyEdges(Printed):
    """The edges of a ``RedundancyGraph`` as arrays. ``redundancy_edges`` makes it.

    Attributes
    ----------
    layer, measure : str
        Names of the layer and of the measure.
    unit_information : ndarray of float, (unit,)
        I(Y;X) of each unit, bits.
    pairs : ndarray of int, (edge, 2)
        The units that an edge joins, i < j, in order.
    columns : dict of str to ndarray of float, (edge,)
        redundancy and synergy in bits, weight, and p-values and rates where the map tests.
    tested, significant : int
        How many pairs were tested, and how many of them are significant.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]] * 25}, [0, 1] * 50)
    >>> edges = pn.graph.redundancy_edges(pn.layer_maps(codes, "i_min")["fc1"])
    >>> edges.pairs.tolist(), edges.columns["weight"].round(2).tolist()
    ([[0, 1]], [1.0])
    """

    layer: str
    measure: str
    unit_information: np.ndarray
    pairs: np.ndarray
    columns: dict[str, np.ndarray]
    tested: int
    significant: int

    def graph(self) -> RedundancyGraph:
        """The graph of networkx; it takes about 550 bytes an edge.

        Returns
        -------
        RedundancyGraph
            As ``redundancy_graph`` describes it.
        """
        counts = {"tested": self.tested} | ({"significant": self.significant} if self.tested else {})
        graph = RedundancyGraph(layer=self.layer, measure=self.measure, **counts)
        graph.add_nodes_from(
            (unit, {"unit_information": bits}) for unit, bits in enumerate(self.unit_information.tolist())
        )
        rows = zip(*(values.tolist() for values in self.columns.values()), strict=True)
        for (i, j), row in zip(self.pairs.tolist(), rows, strict=True):
            graph.add_edge(i, j, **dict(zip(self.columns, row, strict=True)))
        return graph

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each edge: unit1, unit2 and what the edge carries, bits."""
        first, second = self.pairs.T
        return optional_module("pandas").DataFrame({"unit1": first, "unit2": second, **self.columns})

    def save(self, path: str | Path) -> Path:
        """Write GraphML edge by edge, which ``load_graph`` and other programs read.

        Parameters
        ----------
        path : str or Path
            A file that ends in .graphml.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ValueError
            For another ending.
        """
        check_arguments(RedundancyEdges.save, locals())
        path = Path(path)
        if path.suffix != ".graphml":
            raise ValueError(f"{path} ends in {path.suffix!r}; expected .graphml")
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(self._graphml())
        return path

    def _graphml(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="utf-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        yield '<key id="u" for="node" attr.name="unit_information" attr.type="double"/>\n'
        for key, name in enumerate(self.columns):
            yield f'<key id="e{key}" for="edge" attr.name={quoteattr(name)} attr.type="double"/>\n'
        yield '<graph edgedefault="undirected">\n'
        for unit, bits in enumerate(self.unit_information.tolist()):
            yield f'<node id="{unit}"><data key="u">{bits!r}</data></node>\n'
        data = "".join(f'<data key="e{key}">%r</data>' for key in range(len(self.columns)))
        line = f'<edge source="%d" target="%d">{data}</edge>\n'
        for first in range(0, len(self.pairs), WRITTEN_AT_ONCE):
            part = slice(first, first + WRITTEN_AT_ONCE)
            columns = (*self.pairs[part].T, *(values[part] for values in self.columns.values()))
            yield from (line % row for row in zip(*(values.tolist() for values in columns), strict=True))
        yield "</graph>\n</graphml>\n"

    def _lines(self) -> list[str]:
        lines = [
            f"RedundancyEdges {self.layer} by {self.measure}: {counted(len(self.unit_information), 'unit')}, "
            f"{counted(len(self.pairs), 'edge')}"
        ]
        if len(self.pairs):
            shown = ("redundancy", "synergy", "weight")
            means = "  ".join(f"{name} {number(self.columns[name].mean())}" for name in shown)
            lines.append(f"  mean edge: {means}")
        if self.tested:
            lines.append(f"  of {self.tested:,} pairs tested {self.significant:,} are significant")
        return lines


def redundancy_edges(
    layer_map: LayerMap | StoredMap,
    *,
    alpha: float | None = 0.05,
    minimum_weight: float | None = None,
    neighbors: int = NEIGHBORS,
) -> RedundancyEdges:
    """The edges of ``redundancy_graph`` as arrays, also from a map in a store, tile by tile.

    Parameters
    ----------
    layer_map : LayerMap or StoredMap
        The map of the layer.
    alpha, minimum_weight, neighbors
        As for ``redundancy_graph``.

    Returns
    -------
    RedundancyEdges
        The edges: ``graph()`` makes the graph of them, ``save`` a file.

    Raises
    ------
    ValueError
        For minimum_weight or alpha outside [0, 1], or a negative number of neighbors.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]] * 25}, [0, 1] * 50)
    >>> pn.graph.redundancy_edges(pn.layer_maps(codes, "i_min")["fc1"])
    RedundancyEdges fc1 by i_min: 3 units, 1 edge
      mean edge: redundancy 1.0052  synergy 0.0021  weight 0.9979
      of 3 pairs tested 1 are significant
    """
    check_arguments(redundancy_edges, locals())
    if minimum_weight is not None and not 0 <= minimum_weight <= 1:
        raise ValueError(f"minimum_weight={minimum_weight}; expected a share between 0 and 1")
    if neighbors < 0:
        raise ValueError(f"neighbors={neighbors}; expected 0 or more")
    if alpha is not None and not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha}; expected a share between 0 and 1, such as 0.05")
    tested = alpha is not None and _is_tested(layer_map)
    least = STRONG if minimum_weight is None else minimum_weight
    everything = not tested and minimum_weight is None
    names, kept, nearest, pairs_seen, significant = [], [], None, 0, 0
    for pairs, columns in _blocks(layer_map):
        joined = columns["q_redundancy"] <= alpha if tested else _is_anything(columns)
        names, pairs_seen, significant = list(columns), pairs_seen + len(joined), significant + joined.sum()
        rows = np.column_stack([pairs, *columns.values()])[joined]
        kept.append(rows if everything else rows[rows[:, WEIGHT] >= least])
        if minimum_weight is None and not everything:
            nearest = _heaviest(rows if nearest is None else np.concatenate([nearest, rows]), neighbors)
    edges = np.concatenate(kept if nearest is None else [*kept, nearest])
    _, first = np.unique(edges[:, :2], axis=0, return_index=True)
    edges = edges[first]
    return RedundancyEdges(
        layer=layer_map.layer,
        measure=layer_map.measure,
        unit_information=layer_map.unit_information,
        pairs=edges[:, :2].astype(np.int64),
        columns=dict(zip(names, edges[:, 2:].T, strict=True)),
        tested=pairs_seen if tested else 0,
        significant=int(significant) if tested else 0,
    )


def weight_of(atoms: Atoms) -> np.ndarray:
    """R / I(Y;X1X2) of each pair, between 0 and 1; 0 where the pair carries no information."""
    total = atoms.total
    share = np.divide(atoms.redundancy, total, out=np.zeros_like(total), where=total > 0)
    return share.clip(0, 1)


def _is_tested(layer_map: LayerMap | StoredMap) -> bool:
    if isinstance(layer_map, StoredMap):
        return layer_map.unit_p is not None
    return "redundancy" in layer_map.p_values


def _is_anything(columns: dict[str, np.ndarray]) -> np.ndarray:
    return (columns["redundancy"] > 0) | (columns["synergy"] > 0)


def _blocks(layer_map: LayerMap | StoredMap) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Pairs, and what an edge of each would carry, (pair,) by name."""
    if isinstance(layer_map, StoredMap):
        rates = layer_map.false_discovery_rates() if layer_map.unit_p is not None else None
        for pairs, atoms in layer_map.blocks():
            tests = {}
            if layer_map.unit_p is not None and rates is not None:
                tests = {"p_redundancy": layer_map.unit_p[pairs].max(1), "q_redundancy": rates[pairs].max(1)}
            yield pairs, _bits(atoms) | tests
        return
    tests = {}
    for atom in ("redundancy", "synergy"):
        if atom in layer_map.p_values:
            p_values = layer_map.p_values[atom]
            tests |= {f"p_{atom}": p_values, f"q_{atom}": false_discovery_control(p_values)}
    yield layer_map.pairs, _bits(layer_map.atoms) | tests


def _bits(atoms: Atoms) -> dict[str, np.ndarray]:
    return {"redundancy": atoms.redundancy, "synergy": atoms.synergy, "weight": weight_of(atoms)}


def _heaviest(rows: np.ndarray, count: int) -> np.ndarray:
    """Edges that are among the ``count`` heaviest of either of their units, ties by the other unit."""
    units, partners = rows[:, :2].T.ravel(), rows[:, 1::-1].T.ravel()
    weights = np.tile(rows[:, WEIGHT], 2)
    order = np.lexsort((partners, -weights, units))
    first = np.searchsorted(units[order], units[order])
    near = order[np.arange(len(order)) - first < count]
    return rows[np.unique(near % len(rows))] if len(rows) else rows
