"""Groups of units as units: product codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from pidnet.codes.quantizing import Codes, levels_in_use


def merge_units(codes: Codes, layer: str, groups: Sequence[Sequence[int]]) -> Codes:
    """One layer with each group of its units as one unit: the product code of the members.

    The alphabet is levels ** (largest group), at most 256; unit g of the result is groups[g].
    Raises ValueError for an unknown layer, an empty group, or a larger alphabet.
    """
    if layer not in codes.layers:
        raise ValueError(f"no such layer: {layer!r}; the codes hold {', '.join(map(repr, codes.layers))}")
    largest = max((len(group) for group in groups), default=0)
    if not largest or not all(groups) or codes.levels**largest > 256:
        raise ValueError(
            f"groups of up to {largest} units at {codes.levels} levels; expected groups of at least one unit "
            "and at most 256 joint levels"
        )
    units = codes.layers[layer].to(torch.int64)
    weights = [codes.levels ** torch.arange(len(group)) for group in groups]
    columns = [(units[:, list(g)] * w).sum(1) for g, w in zip(groups, weights, strict=True)]
    merged = torch.stack(columns, 1).to(torch.uint8)
    return replace(
        codes,
        layers={layer: merged},
        levels=codes.levels**largest,
        edges={},
        exact={layer: [u for u, group in enumerate(groups) if set(group) <= set(codes.exact.get(layer, []))]},
        **levels_in_use({layer: merged}, codes.levels**largest, {layer: list(range(len(groups)))}),
        joint={layer: f"products of up to {largest} units of {codes.levels} levels"},
    )
