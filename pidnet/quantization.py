"""Stage 2: activations -> codes.

A quantizer is a plain function (values (sample, unit), levels) -> edges (unit, levels - 1), ascending. The
code of a value is the number of edges strictly below it, so a value that equals an edge falls to the lower
level: the exact zeros of a ReLU unit never share a level with its positive values at an edge of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    """

    layers: dict[str, Tensor]
    levels: int
    edges: dict[str, Tensor]
    target: Tensor
    classes: int
    quantizer: str
    constant: dict[str, list[int]]


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


def quantize(
    acts: Activations,
    levels: int = 4,
    how: Quantizer = equal_mass,
    *,
    edges: Mapping[str, Tensor] | None = None,
) -> Codes:
    """Turn activations into codes 0 ... levels - 1, each unit by its own edges.

    how: the quantizer that fits the edges. edges: reuse those of earlier codes on new data instead.
    Raises ValueError for levels outside 2 ... 256 or a target that is not made of class labels.
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"levels={levels}; expected 2 to 256")
    target = _class_labels(acts.target)
    fitted = {
        name: how(values, levels) if edges is None else edges[name] for name, values in acts.layers.items()
    }
    layers = {name: _encode(values, fitted[name]) for name, values in acts.layers.items()}
    return Codes(
        layers=layers,
        levels=levels,
        edges=fitted,
        target=target,
        classes=int(target.max()) + 1,
        quantizer=getattr(how, "__name__", repr(how)),
        constant={name: _constant_units(codes) for name, codes in layers.items()},
    )


def _encode(values: Tensor, edges: Tensor) -> Tensor:
    """Number of edges strictly below each value, uint8 (sample, unit)."""
    return torch.searchsorted(edges.contiguous(), values.T.contiguous()).T.to(torch.uint8).contiguous()


def _constant_units(codes: Tensor) -> list[int]:
    return (codes == codes[0]).all(0).nonzero().flatten().tolist()


def _class_labels(target: Tensor) -> Tensor:
    """Labels as int64, or ValueError."""
    if target.ndim != 1 or target.is_floating_point() or target.is_complex():
        raise ValueError(
            f"the target has shape {tuple(target.shape)} and type {target.dtype}; "
            "discrete measures need integer class labels of shape (sample,)"
        )
    if target.min() < 0:
        raise ValueError(f"the target has the label {int(target.min())}; expected 0, 1, 2, ...")
    return target.to(torch.int64)
