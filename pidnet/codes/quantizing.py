"""Stage 2: activations -> codes.

A quantizer is a plain function (values (sample, unit), levels) -> edges (unit, levels - 1), ascending. The
code of a value is the number of edges strictly below it, so a value that equals an edge falls to the lower
level: the exact zeros of a ReLU unit never share a level with its positive values at an edge of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pidnet.activations import Activations
from pidnet.codes.k_means import k_means, nearest_center

Quantizer = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True, eq=False)
class Codes:
    """Quantized activations.

    layers: name -> uint8 (sample, unit), values below ``levels``. edges: name -> float32 (unit, levels - 1),
    fitted on the calibration data. target: int64 (sample,), values below ``classes``.
    constant: name -> units with a single code, which say nothing. collapsed: name -> units that use fewer
    levels than asked, because their values tie. exact: name -> units that are discrete already: they took
    no more values than there are levels, each value got a level of its own, and the code is the unit.
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
    collapsed: dict[str, list[int]] = field(default_factory=dict)
    exact: dict[str, list[int]] = field(default_factory=dict)
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


def deviation_steps(values: Tensor, levels: int) -> Tensor:
    """Edges one standard deviation apart, symmetric about the mean: mean + (k - levels/2) sd."""
    steps = torch.arange(1, levels, device=values.device) - levels / 2
    return values.mean(0)[:, None] + values.std(0, correction=0)[:, None] * steps


def lloyd(values: Tensor, levels: int, *, sweeps: int = 100) -> Tensor:
    """Edges halfway between the centers of one-dimensional k-means, which starts from equal masses.

    Each sweep moves every center to the mean of its values; a center without values takes the value that is
    farthest from its own center. Deterministic.
    Source: Lloyd 1982, IEEE Trans. Inf. Theory 28, 129.
    """
    ordered = values.T.contiguous().sort(1).values.double()
    sums = torch.nn.functional.pad(ordered.cumsum(1), (1, 0))
    cuts = torch.linspace(0, ordered.shape[1], levels + 1).round().long().expand(len(ordered), -1)
    centers = ordered[:, :: max(1, ordered.shape[1] // levels)][:, :levels]
    for _ in range(sweeps):
        counts = cuts.diff()
        means = sums.gather(1, cuts).diff() / counts.clamp(min=1)
        centers = torch.where(counts > 0, means, centers)
        for unit in _where((counts == 0).any(1)):
            _refill(ordered[unit], counts[unit], centers[unit])
        centers = centers.sort(1).values
        edges = (centers[:, 1:] + centers[:, :-1]) / 2
        inner = torch.searchsorted(ordered, edges.contiguous(), right=True)
        moved = torch.cat([cuts[:, :1], inner, cuts[:, -1:]], 1)
        if torch.equal(moved, cuts):
            break
        cuts = moved
    return edges.float()


def _refill(ordered: Tensor, counts: Tensor, centers: Tensor) -> None:
    """Give the first center of a unit that has no values the value farthest from its own center."""
    distances = (ordered - centers.repeat_interleave(counts)).abs()
    if distances.max() > 0:
        centers[(counts == 0).nonzero()[0, 0]] = ordered[distances.argmax()]


def binary(values: Tensor, levels: int = 2) -> Tensor:
    """One edge at 0: a unit is on where it is above 0. Raises ValueError unless levels is 2."""
    if levels != 2:
        raise ValueError(f"levels={levels}; the binary quantizer has exactly 2")
    return values.new_zeros(values.shape[1], 1)


def own_values(values: Tensor, levels: int) -> Tensor:
    """Edges halfway between the distinct values of a unit that is discrete already; inf where it has fewer.

    Raises ValueError for a unit with more distinct values than levels.
    """
    edges = values.new_full((values.shape[1], levels - 1), torch.inf)
    for unit, column in enumerate(values.T):
        distinct = column.unique()
        if len(distinct) > levels:
            raise ValueError(
                f"unit {unit} takes {len(distinct)} distinct values and levels={levels}; "
                "ask for as many levels or take another quantizer, such as equal_mass"
            )
        edges[unit, : len(distinct) - 1] = (distinct[1:] + distinct[:-1]) / 2
    return edges


def quantize(
    acts: Activations,
    levels: int = 4,
    how: Quantizer = equal_mass,
    *,
    edges: Mapping[str, Tensor] | None = None,
) -> Codes:
    """Turn activations into codes 0 ... levels - 1, each unit by its own edges.

    how: the quantizer that fits the edges; vector units (sample, unit, dim) are coded jointly by ``k_means``,
    with ``levels`` cells. A unit that takes at most ``levels`` distinct values keeps them as
    its own codes and is named in ``exact``. edges: reuse those of earlier codes on new data instead.
    Raises ValueError for levels outside 2 ... 256, no samples, a target that is not made of class labels, or
    edges that do not fit the layers.
    """
    if not 2 <= levels <= 256:
        raise ValueError(f"levels={levels}; expected 2 to 256")
    target = class_labels(acts.target)
    own = {name: _discrete_units(values, levels) for name, values in acts.layers.items()}
    if edges is None:
        fitted = {name: _fit(values, levels, how, own[name]) for name, values in acts.layers.items()}
    else:
        fitted = {name: _stored_edges(edges, name, values, levels) for name, values in acts.layers.items()}
    layers = {name: encode(values, fitted[name]) for name, values in acts.layers.items()}
    exact = {name: _one_to_one(acts.layers[name], codes, own[name]) for name, codes in layers.items()}
    return Codes(
        layers=layers,
        levels=levels,
        edges=fitted,
        target=target,
        classes=int(target.max()) + 1,
        quantizer=getattr(how, "__name__", repr(how)) if edges is None else "stored edges",
        exact=exact,
        **levels_in_use(layers, levels, exact),
        joint={
            name: f"{levels} cells of {values.shape[2]} dimensions"
            for name, values in acts.layers.items()
            if values.ndim == 3
        },
        skipped=acts.skipped,
        sample=acts.sample,
        predicted=acts.predicted,
    )


def _fit(values: Tensor, levels: int, how: Quantizer, own: list[int]) -> Tensor:
    if values.ndim == 3:
        return k_means(values, levels)
    edges = how(values, levels)
    if own:
        edges = edges.clone()
        edges[own] = own_values(values[:, own], levels).to(edges)
    return edges


def _stored_edges(edges: Mapping[str, Tensor], name: str, values: Tensor, levels: int) -> Tensor:
    """The edges of one layer, or ValueError when they are of another model or another number of levels."""
    vector = values.ndim == 3
    expected = (values.shape[1], levels, values.shape[2]) if vector else (values.shape[1], levels - 1)
    if name not in edges or edges[name].shape != expected:
        found = f"shape {tuple(edges[name].shape)}" if name in edges else "nothing"
        raise ValueError(
            f"edges hold {found} for layer {name!r}; expected shape {expected}: pass edges=codes.edges "
            "of the same layers and levels"
        )
    return edges[name]


def _discrete_units(values: Tensor, levels: int) -> list[int]:
    """Units that take 2 ... levels distinct values; none of the vector units."""
    if values.ndim == 3:
        return []
    ordered = values.sort(0).values
    distinct = (ordered[1:] != ordered[:-1]).sum(0) + 1
    return _where((distinct > 1) & (distinct <= levels))


def _one_to_one(values: Tensor, codes: Tensor, own: list[int]) -> list[int]:
    """Which of the discrete units have as many codes as values."""
    return [unit for unit in own if len(values[:, unit].unique()) == len(codes[:, unit].unique())]


def levels_in_use(
    layers: Mapping[str, Tensor], levels: int, exact: Mapping[str, list[int]]
) -> dict[str, dict[str, list[int]]]:
    """``constant`` and ``collapsed`` of some codes, by layer."""
    used = {name: _used_levels(codes, levels) for name, codes in layers.items()}
    few = {name: set(_where((count > 1) & (count < levels))) for name, count in used.items()}
    return {
        "constant": {name: _where(count == 1) for name, count in used.items()},
        "collapsed": {name: sorted(few[name] - set(exact.get(name, []))) for name in layers},
    }


def _used_levels(codes: Tensor, levels: int) -> Tensor:
    """Number of levels each unit uses, int (unit,)."""
    used = torch.zeros(levels, codes.shape[1], dtype=torch.bool)
    for chunk in codes.split(4096):  # the comparisons of all rows would take as much memory as the codes
        for level in range(levels):
            used[level] |= (chunk == level).any(0)
    return used.sum(0)


def _where(mask: Tensor) -> list[int]:
    return mask.nonzero().flatten().tolist()


def encode(values: Tensor, edges: Tensor) -> Tensor:
    """Number of edges strictly below each value, or a vector unit's nearest center; uint8 (sample, unit)."""
    if values.ndim == 3:
        return nearest_center(values, edges).to(torch.uint8).contiguous()
    return torch.searchsorted(edges.contiguous(), values.T.contiguous()).T.to(torch.uint8).contiguous()


def class_labels(target: Tensor) -> Tensor:
    """Labels as int64, or ValueError."""
    if target.ndim != 1 or target.is_floating_point() or target.is_complex():
        raise ValueError(
            f"the target has shape {tuple(target.shape)} and type {target.dtype}; "
            "discrete measures need integer class labels of shape (sample,)"
        )
    if not len(target):
        raise ValueError("the activations hold no samples; expected at least one")
    if target.min() < 0:
        raise ValueError(f"the target has the label {int(target.min())}; expected 0, 1, 2, ...")
    return target.to(torch.int64)
