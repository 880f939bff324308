"""Which communities of units come back when the samples are others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.graph.edges import redundancy_graph
from pidnet.graph.kinds import communities
from pidnet.maps import layer_maps
from pidnet.measures.measure import MeasureLike
from pidnet.printing import Printed, number

SHARE = 0.5  # of the samples in a draw
STABLE = 0.75


@dataclass(frozen=True, eq=False, repr=False)
class Community(Printed):
    """A group of redundant units, with how often it comes back.

    Attributes
    ----------
    units : tuple of int
        Ascending.
    stability : float
        Mean similarity to the most similar group of each draw of samples, 0 to 1.

    Examples
    --------
    >>> from pidnet.graph import Community
    >>> Community((0, 3, 5), 0.8)
    Community of 3 units, stability 0.8000: stable
    """

    units: tuple[int, ...]
    stability: float

    @property
    def stable(self) -> bool:
        """Whether the stability is at least .75: below, a group is a pattern at best."""
        return self.stability >= STABLE

    def _lines(self) -> list[str]:
        verdict = "stable" if self.stable else "not stable"
        return [f"Community of {len(self.units)} units, stability {number(self.stability)}: {verdict}"]


def stable_communities(
    codes: Codes, layer: str, measure: MeasureLike = "i_broja", *, draws: int = 10, seed: int = 0
) -> list[Community]:
    """The communities of a layer's redundancy graph, and how far each survives other samples.

    Parameters
    ----------
    codes : Codes
        The samples.
    layer : str
        Its name.
    measure : str or callable
        As for ``layer_maps``.
    draws : int
        How many halves of the samples are drawn; each costs a map of half the samples.
    seed : int
        Draws the halves.

    Returns
    -------
    list of Community
        Those of two units or more, the largest first.

    Raises
    ------
    ValueError
        For no draws, and as ``layer_maps`` does.

    Notes
    -----
    The stability of a group C is the mean over draws of ``max_D |C and D| / |C or D|``, D the groups of the draw
    (Jaccard). Groups below .75 should not be named. Source: Hennig 2007, Comput. Stat. Data Anal. 52, 258.

    Examples
    --------
    >>> import numpy as np, pidnet as pn
    >>> hidden = np.random.default_rng(0).integers(2, size=(400, 2))
    >>> codes = pn.Codes.of({"layer": hidden.repeat(3, 1)}, hidden @ [1, 2])
    >>> pn.graph.stable_communities(codes, "layer", "i_min", draws=3)[0]
    Community of 3 units, stability 1.0000: stable
    """
    check_arguments(stable_communities, locals())
    if draws < 1:
        raise ValueError(f"draws={draws}; expected at least 1")
    rng = np.random.default_rng(seed)
    whole = [group for group in _groups(codes, layer, measure) if len(group) > 1]
    found = np.zeros((draws, len(whole)))
    for draw in range(draws):
        half = np.sort(rng.choice(len(codes), round(SHARE * len(codes)), replace=False))
        others = _groups(codes.take(half), layer, measure)
        found[draw] = [max(_jaccard(group, other) for other in others) for group in whole]
    return [Community(tuple(group), float(s)) for group, s in zip(whole, found.mean(0), strict=True)]


def _groups(codes: Codes, layer: str, measure: MeasureLike) -> list[list[int]]:
    return communities(redundancy_graph(layer_maps(codes.take_layer(layer), measure)[layer]))


def _jaccard(one: list[int], other: list[int]) -> float:
    return len({*one} & {*other}) / len({*one} | {*other})
