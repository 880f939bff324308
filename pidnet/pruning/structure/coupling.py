"""Units of several layers that can only go together, because the outputs of the layers are added.

Channels are what couples: units that meet in the same channel are one unit of the network. Where layers meet in some of
their channels only, as in a residual network whose shortcut pads with zeros, the others are units by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import networkx
import numpy as np

from pidnet.pruning.structure.groups import UnitGroup

KINDS = ("producers", "consumers", "followers")
Channel = tuple[str, str, int]
# kind -> layer -> channels of one unit.
Places = dict[str, dict[str, set[int]]]


def coupled(groups: Mapping[str, UnitGroup]) -> list[list[str]]:
    """Names of those that share an input column or a channel, or that share a layer's rows, together."""
    graph = networkx.Graph()
    graph.add_nodes_from(groups)
    seen: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = {}
    for name, group in groups.items():
        for side, layer, channels in _places(group):
            others = seen.setdefault((side, layer), [])
            graph.add_edges_from((name, other) for other, theirs in others if np.isin(channels, theirs).any())
            others.append((name, channels))
    order = list(groups)
    return [sorted(names, key=order.index) for names in networkx.connected_components(graph)]


def merged(members: Sequence[UnitGroup]) -> list[UnitGroup]:
    """Coupled layers as groups of units that go together: units that hang on as many channels of the same layers are one
    group, under the name of the first of these. None of a layer whose units are parted into several groups."""
    if len(members) == 1:
        return list(members)
    graph = networkx.Graph()
    first: dict[Channel, tuple[int, int]] = {}
    for node in ((k, unit) for k, member in enumerate(members) for unit in range(member.units)):
        graph.add_node(node)
        for channel in _channels(members[node[0]], [node[1]]):
            graph.add_edge(node, first.setdefault(channel, node))
    classes: dict[tuple, list[Places]] = {}
    for nodes in sorted(map(sorted, networkx.connected_components(graph))):
        units = Counter(k for k, _ in nodes)
        places = _together([(members[k], unit) for k, unit in nodes])
        alike = tuple((kind, layer, len(c)) for kind in KINDS for layer, c in places[kind].items())
        classes.setdefault((tuple(units.items()), *sorted(alike)), []).append(places)
    names = Counter(key[0][0][0] for key in classes)
    whole = [(key[0], units) for key, units in classes.items() if names[key[0][0][0]] == 1]
    return [_group([(members[k], number) for k, number in owners], units) for owners, units in whole]


def _channels(group: UnitGroup, units: Sequence[int]) -> Iterator[Channel]:
    """Where these units are seen."""
    for side, layer, channels in _places(group):
        for channel in channels[list(units)].ravel().tolist():
            yield side, layer, channel


def _places(group: UnitGroup) -> Iterator[tuple[str, str, np.ndarray]]:
    """On which side of which layer units are seen, and in which channels, int (unit, channel)."""
    for kind, side in zip(KINDS, ("out", "in", "in"), strict=True):
        for layer, channels in getattr(group, kind).items():
            yield side, layer, channels


def _together(units: Sequence[tuple[UnitGroup, int]]) -> Places:
    """All channels of units that go together."""
    places: Places = {kind: {} for kind in KINDS}
    for group, unit in units:
        for kind in KINDS:
            for layer, channels in getattr(group, kind).items():
                places[kind].setdefault(layer, set()).update(channels[unit].tolist())
    return places


def _group(owners: Sequence[tuple[UnitGroup, int]], units: Sequence[Places]) -> UnitGroup:
    """Units that are alike as a group. owners: the layers that they are units of, and how many of each make one."""
    arrays = {
        kind: {layer: np.array([sorted(one[kind][layer]) for one in units]) for layer in units[0][kind]}
        for kind in KINDS
    }
    counters = {
        module: {key: number * value for key, value in each.items()}
        for member, number in owners
        for module, each in member.counters.items()
    }
    first = owners[0][0]
    return UnitGroup(first.name, len(units), **arrays, counters=counters, tied_width=first.tied_width)
