"""Groups of units as units: product codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from pidnet.arguments import check_arguments
from pidnet.codes._layer import LayerCodes
from pidnet.codes.codes import Codes


def merge_units(codes: Codes, layer: str, groups: Sequence[Sequence[int]]) -> Codes:
    """One layer with each group of its units as one unit: the product code of the members.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The layer whose units are merged.
    groups : sequence of sequences of int
        The units of each group; unit g of the result is ``groups[g]``.

    Returns
    -------
    Codes
        The layer alone, with levels ** (largest group) levels.

    Raises
    ------
    ValueError
        For an unknown layer or unit, an empty group, or more than 256 joint levels.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1, 0], [1, 1, 0], [1, 0, 1]]}, [0, 1, 1])
    >>> pn.merge_units(codes, "layer", [[0, 1], [2]]).layer("layer").values
    tensor([[2, 0],
            [3, 0],
            [1, 1]], dtype=torch.uint8)
    """
    check_arguments(merge_units, locals())
    whole = codes.layer(layer)
    largest = max((len(group) for group in groups), default=0)
    levels = codes.levels**largest
    if not largest or not all(groups) or levels > 256:
        raise ValueError(
            f"groups of up to {largest} units at {codes.levels} levels; expected groups of at least one unit "
            "and at most 256 joint levels"
        )
    odd = next((unit for group in groups for unit in group if not 0 <= unit < len(whole.units)), None)
    if odd is not None:
        raise ValueError(f"layer {layer!r} has no unit {odd}; it has the units 0 to {len(whole.units) - 1}")
    units = whole.values.to(torch.int64)
    weights = [codes.levels ** torch.arange(len(group)) for group in groups]
    columns = [(units[:, list(g)] * w).sum(1) for g, w in zip(groups, weights, strict=True)]
    merged = LayerCodes.of(
        torch.stack(columns, 1).to(torch.uint8),
        levels,
        exact=[u for u, group in enumerate(groups) if {*group} <= {*whole.exact}],
        alphabet=f"products of up to {largest} units of {codes.levels} levels",
    )
    return replace(codes, layers={layer: replace(merged, collapsed=[])}, levels=levels)
