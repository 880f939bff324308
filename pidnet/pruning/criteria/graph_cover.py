"""Keep a few units that cover the others: facility location on the redundancy graph."""

from __future__ import annotations

from dataclasses import replace

import networkx
import numpy as np

from pidnet.codes import quantize
from pidnet.graph import redundancy_edges
from pidnet.maps import layer_maps
from pidnet.measures.gaussian import PREFIX
from pidnet.pruning.criteria.ranking import Ranking, in_order
from pidnet.pruning.criteria.statistics import CalibrationStatistics


def graph_cover(statistics: CalibrationStatistics, layer: str, measure: str) -> Ranking:
    """Keep the units that cover the others best on the redundancy graph of the calibration data, bits: see
    ``rank_by_cover``."""
    units = statistics.one_layer(layer)
    if not measure.startswith(PREFIX):
        units = quantize(units, how="zero_level")
    return rank_by_cover(redundancy_edges(layer_maps(units, measure)[layer], alpha=None).graph())


def rank_by_cover(graph: networkx.Graph) -> Ranking:
    """Choose greedily the unit k with the largest gain of sum_j max_{k kept} c(j, k), bits.

    c(j, k) = R(j, k): a kept neighbor stands in for what it shares with j. c(j, j) = I(Y;X_j) plus the
    largest net synergy S - R > 0 with any unit: what j and a partner tell only together, nobody else can replace.
    The unit chosen last goes first; its cost is its gain.
    """
    cover = networkx.to_numpy_array(graph, nodelist=range(len(graph)), weight="redundancy")
    synergy = networkx.to_numpy_array(graph, nodelist=range(len(graph)), weight="synergy")
    information = np.array([graph.nodes[unit]["unit_information"] for unit in range(len(graph))])
    np.fill_diagonal(cover, information + (synergy - cover).max(1).clip(min=0))
    chosen, gains = _choose(cover)
    return replace(in_order(chosen[::-1], gains[::-1], len(graph)), scale="bits")


def _choose(cover: np.ndarray) -> tuple[list[int], list[float]]:
    """The units in the order of their greedy choice, and the gain of each."""
    covered = np.zeros(len(cover))
    chosen, gains = [], []
    for _ in range(len(cover)):
        gain = (cover - covered[:, None]).clip(min=0).sum(0)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        gains.append(float(gain[best]))
        covered = np.maximum(covered, cover[:, best])
    return chosen, gains
