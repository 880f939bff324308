"""Where the levels of a unit begin and end: the quantizers, by name in ``QUANTIZERS``.

A quantizer is a plain function (values (sample, unit), levels) -> edges (unit, levels - 1), ascending. The
code of a value is the number of edges strictly below it, so a value that equals an edge falls to the lower
level: the exact zeros of a ReLU unit never share a level with its positive values at an edge of 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pidnet.choices import find_choice
from pidnet.codes._k_means import k_means
from pidnet.codes._lloyd import lloyd
from pidnet.printing import Registry

__all__ = [
    "QUANTIZERS",
    "Quantizer",
    "binary",
    "deviation_steps",
    "equal_mass",
    "equal_width",
    "k_means",
    "lloyd",
    "own_values",
    "zero_level",
]

Quantizer = Callable[[Tensor, int], Tensor]


def equal_mass(values: Tensor, levels: int) -> Tensor:
    """Levels that hold equal shares of the samples; the default.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        How many levels each unit gets.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1): the k/levels quantiles of each unit, ascending. An edge at the maximum, of a unit
        that is saturated at its top, moves to the largest value below, so that the top has a level of its own.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.equal_mass(torch.tensor([[1.0], [2.0], [3.0], [40.0]]), 2)
    tensor([[2.]])
    """
    ordered = values.sort(0).values
    cuts = torch.arange(1, levels, device=values.device) * len(values) // levels
    edges = ordered[(cuts - 1).clamp(min=0)].T.contiguous()
    top = ordered[-1, :, None]
    for unit in (edges >= top).any(1).nonzero().flatten().tolist():
        below = ordered[ordered[:, unit] < top[unit], unit]
        if len(below):  # not a constant unit
            edges[unit] = edges[unit].clamp(max=below[-1])
    return edges


def equal_width(values: Tensor, levels: int) -> Tensor:
    """Levels of equal width within the range of each unit.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        How many levels each unit gets.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1), evenly spaced.

    Notes
    -----
    The range grows with the number of samples, and the codes drift with it.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.equal_width(torch.tensor([[0.0], [1.0], [4.0]]), 4)
    tensor([[1., 2., 3.]])
    """
    low, high = values.min(0).values, values.max(0).values
    steps = torch.arange(1, levels, device=values.device) / levels
    return low[:, None] + (high - low)[:, None] * steps


def zero_level(values: Tensor, levels: int) -> Tensor:
    """Exact zeros in the lowest level, equal mass above it: for ReLU units and those that saturate at their top.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        How many levels each unit gets.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1); the first is 0. A unit that stands at its maximum in more than 1/levels of the
        samples is cut as its mirror image would be. Any other unit without exact zeros, or with negative values,
        gets the edges of `equal_mass`.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.zero_level(torch.tensor([[0.0], [0.0], [0.0], [1.0], [2.0]]), 3)
    tensor([[0., 1.]])
    """
    edges = equal_mass(values, levels)
    rectified = (values.min(0).values == 0).nonzero().flatten()
    for unit in rectified.tolist():
        positive = values[values[:, unit] > 0, unit]
        upper = equal_mass(positive[:, None], levels - 1)[0] if len(positive) else edges.new_zeros(levels - 2)
        edges[unit] = torch.cat([edges.new_zeros(1), upper])
    high = values.max(0).values
    saturated = ((values == high).double().mean(0) > 1 / levels) & (values.min(0).values != 0)
    for unit in saturated.nonzero().flatten().tolist():
        edges[unit] = _mirrored(values[:, unit], levels)
    return edges


def _mirrored(values: Tensor, levels: int) -> Tensor:
    """The edges of a unit whose mirror image, maximum - values, has exact zeros, (levels - 1,): the same parts."""
    descending = values[values < values.max()].sort(descending=True).values
    cuts = torch.arange(1, levels - 1, device=values.device) * len(descending) // (levels - 1)
    starts = [values.max(), *descending[(cuts - 1).clamp(min=0)]] if len(descending) else [values.max()]
    edges = [values[values < start] for start in starts]  # what is strictly below the part that begins there
    found = [part.max() if len(part) else values.new_tensor(-torch.inf) for part in edges]
    return torch.stack(found + [values.new_tensor(-torch.inf)] * (levels - 1 - len(found))).sort().values


def deviation_steps(values: Tensor, levels: int) -> Tensor:
    """Levels one standard deviation wide, symmetric about the mean.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        How many levels each unit gets.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1): mean + (k - levels/2) standard deviations, k = 1 ... levels - 1.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.deviation_steps(torch.tensor([[-1.0], [1.0]]), 4)
    tensor([[-1.,  0.,  1.]])
    """
    steps = torch.arange(1, levels, device=values.device) - levels / 2
    return values.mean(0)[:, None] + values.std(0, correction=0)[:, None] * steps


def binary(values: Tensor, levels: int = 2) -> Tensor:
    """On where a unit is above 0, off elsewhere.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        Always 2.

    Returns
    -------
    Tensor
        Edges (unit, 1), all 0.

    Raises
    ------
    ValueError
        For another number of levels.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.binary(torch.tensor([[-0.5, 2.0]]), 2)
    tensor([[0.],
            [0.]])
    """
    if levels != 2:
        raise ValueError(f"levels={levels}; the binary quantizer has exactly 2")
    return values.new_zeros(values.shape[1], 1)


def own_values(values: Tensor, levels: int) -> Tensor:
    """A level for each distinct value of a unit that is discrete already.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        At least as many as any unit has distinct values.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1), halfway between the distinct values of each unit; inf where it has fewer.

    Raises
    ------
    ValueError
        For a unit with more distinct values than levels.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.own_values(torch.tensor([[-1.0], [1.0], [1.0]]), 3)
    tensor([[0., inf]])
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


QUANTIZERS: dict[str, Quantizer] = Registry(
    "quantizers",
    {
        "equal_mass": equal_mass,
        "equal_width": equal_width,
        "zero_level": zero_level,
        "deviation_steps": deviation_steps,
        "lloyd": lloyd,
        "binary": binary,
        "own_values": own_values,
    },
)


def find_quantizer(how: str | Quantizer) -> Quantizer:
    """The quantizer behind a name; a function is returned as it is.

    Raises ValueError for an unknown name, with the known ones.
    """
    return find_choice("quantizer", how, QUANTIZERS)
