"""From values to levels: the edges of each unit of a layer, and the codes that they give."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pidnet.choices import name_of
from pidnet.codes._k_means import k_means, nearest_center
from pidnet.codes.quantizers import Quantizer, own_values


def fit_edges(values: Tensor, levels: int, how: Quantizer, own: list[int]) -> Tensor:
    """Edges (unit, levels - 1) by a quantizer, or cell centers (unit, levels, dim) of vector units.

    own: units that are discrete already, which get a level for each value.
    """
    if values.ndim == 3:
        return k_means(values, levels)
    edges = how(values, levels)
    expected = (values.shape[1], levels - 1)
    if not isinstance(edges, Tensor) or edges.shape != expected or edges.isnan().any():
        found = (
            f"edges of shape {tuple(edges.shape)}"
            if isinstance(edges, Tensor)
            else f"a {type(edges).__name__}"
        )
        raise ValueError(
            f"the quantizer {name_of(how)} gave {found}{' with nan' * (isinstance(edges, Tensor) and bool(edges.isnan().any()))}; "
            f"expected edges of shape {expected}, (unit, levels - 1), without nan"
        )
    if own:
        edges = edges.clone()
        edges[own] = own_values(values[:, own], levels).to(edges)
    return edges


def stored_edges(edges: Mapping[str, Tensor], name: str, values: Tensor, levels: int) -> Tensor:
    """The edges of one layer, or ValueError when they are of another model or another number of levels."""
    vector = values.ndim == 3
    expected = (values.shape[1], levels, values.shape[2]) if vector else (values.shape[1], levels - 1)
    if name not in edges or edges[name].shape != expected:
        found = f"shape {tuple(edges[name].shape)}" if name in edges else "nothing"
        raise ValueError(
            f"edges hold {found} for layer {name!r}; expected shape {expected}: pass edges=codes.edges "
            "of the same layers and levels"
        )
    return edges[name].to(values.device)


def encode(values: Tensor, edges: Tensor) -> Tensor:
    """Number of edges strictly below each value, or a vector unit's nearest center; uint8 (sample, unit), on the CPU."""
    if values.ndim == 3:
        codes = nearest_center(values, edges)
    else:
        codes = torch.searchsorted(edges.contiguous(), values.T.contiguous()).T
    return codes.to("cpu", torch.uint8).contiguous()


def discrete_units(values: Tensor, levels: int) -> list[int]:
    """Units that take 2 ... levels distinct values; none of the vector units."""
    if values.ndim == 3:
        return []
    ordered = values.sort(0).values
    distinct = (ordered[1:] != ordered[:-1]).sum(0) + 1
    return where((distinct > 1) & (distinct <= levels))


def exact_units(values: Tensor, codes: Tensor, own: list[int]) -> list[int]:
    """Which of the discrete units have as many codes as values."""
    return [unit for unit in own if len(values[:, unit].unique()) == len(codes[:, unit].unique())]


def where(mask: Tensor) -> list[int]:
    """The indices at which a mask is true."""
    return mask.nonzero().flatten().tolist()
