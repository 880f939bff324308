"""Stage 2: activations -> codes.

A quantizer is a plain function (values (sample, unit), levels) -> edges (unit, levels - 1), ascending. The
code of a value is the number of edges strictly below it, so a value that equals an edge falls to the lower
level: the exact zeros of a ReLU unit never share a level with its positive values at an edge of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pidnet.activations import Activations

Quantizer = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True, eq=False)
class Codes:
    """Quantized activations.

    layers: name -> uint8 (sample, unit), values below ``levels``. edges: name -> float32 (unit, levels - 1),
    fitted on the calibration data. target: int64 (sample,), values below ``classes``.
    constant: name -> units with a single code, which say nothing.
    joint: name -> the alphabet of a layer of vector units; its edges are cell centers (unit, levels, dim).
    skipped, sample, predicted: as in ``Activations``.
    """

    layers: dict[str, Tensor]
    levels: int
    edges: dict[str, Tensor]
    target: Tensor
    classes: int
    quantizer: str
    constant: dict[str, list[int]]
    joint: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    sample: Tensor | None = None
    predicted: Tensor | None = None


def equal_mass(values: Tensor, levels: int) -> Tensor:
    """Edges at the k/levels quantiles of each unit: levels hold equal shares of the samples."""
    ordered = values.sort(0).values
    cuts = torch.arange(1, levels, device=values.device) * len(values) // levels
    return ordered[(cuts - 1).clamp(min=0)].T.contiguous()


def equal_width(values: Tensor, levels: int) -> Tensor:
    """Edges that cut the range of each unit into equal widths. The range grows with the samples, and the
    codes drift with it."""
    low, high = values.min(0).values, values.max(0).values
    steps = torch.arange(1, levels, device=values.device) / levels
    return low[:, None] + (high - low)[:, None] * steps


def zero_level(values: Tensor, levels: int) -> Tensor:
    """Exact zeros get the lowest level for themselves, the values above share the others by equal mass.

    For ReLU units. A unit without exact zeros, or with negative values, is cut into equal masses.
    """
    edges = equal_mass(values, levels)
    rectified = (values.min(0).values == 0).nonzero().flatten()
    for unit in rectified.tolist():
        positive = values[values[:, unit] > 0, unit]
        upper = equal_mass(positive[:, None], levels - 1)[0] if len(positive) else edges.new_zeros(levels - 2)
        edges[unit] = torch.cat([edges.new_zeros(1), upper])
    return edges


def k_means(values: Tensor, levels: int) -> Tensor:
    """Centers of the cells of vector units: (sample, unit, dim) -> (unit, levels, dim).

    Lloyd's algorithm, 25 sweeps, from the samples at equal ranks along the first principal axis: no chance
    in it. A cell that loses all its samples keeps its center.
    """
    vectors = values.transpose(0, 1)
    centers = torch.stack([_spread_samples(unit, levels) for unit in vectors])
    for _ in range(25):
        member = torch.nn.functional.one_hot(torch.cdist(vectors, centers).argmin(-1), levels).to(values)
        size = member.sum(1).unsqueeze(-1)
        centers = torch.where(size > 0, member.transpose(1, 2) @ vectors / size.clamp(min=1), centers)
    return centers


def _spread_samples(values: Tensor, levels: int) -> Tensor:
    """Samples (levels, dim) in the middle of equal shares along the first principal axis of (sample, dim)."""
    axis = torch.linalg.eigh((values - values.mean(0)).T @ (values - values.mean(0))).eigenvectors[:, -1]
    ranks = (torch.arange(levels) * 2 + 1) * len(values) // (2 * levels)
    return values[(values @ axis).argsort()[ranks]]


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
        constant={layer: constant_units(merged)},
        joint={layer: f"products of up to {largest} units of {codes.levels} levels"},
    )


def quantize(
    acts: Activations,
    levels: int = 4,
    how: Quantizer = equal_mass,
    *,
    edges: Mapping[str, Tensor] | None = None,
    vectors: Quantizer | None = None,
) -> Codes:
    """Turn activations into codes 0 ... levels - 1, each unit by its own edges.

    how: the quantizer that fits the edges. edges: reuse those of earlier codes on new data instead.
    vectors: the quantizer of vector units (sample, unit, dim), coded jointly; by default ``k_means``.
    Raises ValueError for levels outside 2 ... 256 or a target that is not made of class labels.
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"levels={levels}; expected 2 to 256")
    target = class_labels(acts.target)
    if edges is None:
        fits = {2: how, 3: vectors or k_means}
        edges = {name: fits[values.ndim](values, levels) for name, values in acts.layers.items()}
    layers = {name: encode(values, edges[name]) for name, values in acts.layers.items()}
    return Codes(
        layers=layers,
        levels=levels,
        edges=dict(edges),
        target=target,
        classes=int(target.max()) + 1,
        quantizer=getattr(how, "__name__", repr(how)),
        constant={name: constant_units(codes) for name, codes in layers.items()},
        joint={
            name: f"{levels} cells of {values.shape[2]} dimensions"
            for name, values in acts.layers.items()
            if values.ndim == 3
        },
        skipped=acts.skipped,
        sample=acts.sample,
        predicted=acts.predicted,
    )


def encode(values: Tensor, edges: Tensor) -> Tensor:
    """Number of edges strictly below each value, or a vector unit's nearest center; uint8 (sample, unit)."""
    if values.ndim == 3:
        distances = torch.cdist(values.transpose(0, 1).contiguous(), edges)
        return distances.argmin(-1).T.to(torch.uint8).contiguous()
    return torch.searchsorted(edges.contiguous(), values.T.contiguous()).T.to(torch.uint8).contiguous()


def constant_units(codes: Tensor) -> list[int]:
    """Units that have the same code in every sample."""
    return (codes == codes[0]).all(0).nonzero().flatten().tolist()


def class_labels(target: Tensor) -> Tensor:
    """Labels as int64, or ValueError."""
    if target.ndim != 1 or target.is_floating_point() or target.is_complex():
        raise ValueError(
            f"the target has shape {tuple(target.shape)} and type {target.dtype}; "
            "discrete measures need integer class labels of shape (sample,)"
        )
    if target.min() < 0:
        raise ValueError(f"the target has the label {int(target.min())}; expected 0, 1, 2, ...")
    return target.to(torch.int64)
