"""Every consumer of units as one linear map: a matrix of weights on rows of inputs.

A fully connected layer is one already. A convolution is one over unfolded patches, channel by channel, so
that input channel c owns ``taps`` neighboring columns; a transposed one is a convolution of its input with zeros
between. A row is a sample, or a sample at a position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.networks.kinds import CONVOLUTIONS, TRANSPOSED, Weighted

# Positions of a feature map from which least squares and covariances are estimated; neighbors are nearly alike.
POSITIONS = 64


def taps(layer: Weighted) -> int:
    """How many input features belong to one input channel: the size of a convolution's kernel, or 1."""
    return int(np.prod(layer.kernel_size)) if isinstance(layer, CONVOLUTIONS) else 1


def feature_count(layer: Weighted) -> int:
    """How many input features a layer has: input units, of a convolution times the size of its kernel."""
    return trained_matrix(layer).shape[1]


def features(layer: Weighted, channels: np.ndarray) -> np.ndarray:
    """Input features of some input channels, in the same order, int (channel * taps,)."""
    size = taps(layer)
    return (np.asarray(channels)[..., None] * size + np.arange(size)).reshape(*np.shape(channels)[:-1], -1)


def weight_matrix(layer: Weighted) -> Tensor:
    """The layer's weights as float64 (output, feature)."""
    return trained_matrix(layer).detach().double()


def trained_matrix(layer: Weighted) -> Tensor:
    """The same as they are, with their gradient."""
    return (_turned(layer.weight) if isinstance(layer, TRANSPOSED) else layer.weight).flatten(1)


@torch.no_grad()
def write_matrix(layer: Weighted, matrix: Tensor) -> None:
    """Give a layer the weights (output, feature), in place."""
    if isinstance(layer, TRANSPOSED):
        layer.weight.copy_(_turned(matrix.reshape(_turned(layer.weight).shape)))
    else:
        layer.weight.copy_(matrix.reshape(layer.weight.shape))


def _turned(weight: Tensor) -> Tensor:
    """The weights of a transposed convolution as those of a plain one, and the other way round."""
    return weight.transpose(0, 1).flip(tuple(range(2, weight.ndim)))


def input_rows(
    layer: Weighted, inputs: Tensor, most: int | None = None, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Inputs of the layer as rows (row, feature) of that type. Raises ValueError for grouped convolutions.

    most: of a convolution's positions only that many, drawn once and the same for every sample.
    """
    if not isinstance(layer, CONVOLUTIONS):
        return inputs.reshape(math.prod(inputs.shape[:-1]), inputs.shape[-1]).to(dtype)
    if layer.groups != 1:
        raise ValueError(f"{layer}: a convolution of several groups is not one linear map of its inputs")
    if isinstance(layer, TRANSPOSED):
        inputs, stride = _spread(layer, inputs), (1,) * len(layer.stride)
    else:
        mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        inputs = nn.functional.pad(inputs, layer._reversed_padding_repeated_twice, mode=mode)
        stride = layer.stride
    patches = _patches(inputs.shape[2:], layer.kernel_size, layer.dilation, stride)
    patches = patches[:, drawn(patches.shape[1], most)]
    return _rows(inputs.flatten(2)[:, :, patches.to(inputs.device)].flatten(1, 2), dtype)


def _spread(layer: Any, inputs: Tensor) -> Tensor:
    """The input of a transposed convolution with zeros between, and padded: what a plain one of stride 1 would read."""
    lengths = [(n - 1) * step + 1 for n, step in zip(inputs.shape[2:], layer.stride, strict=True)]
    spread = inputs.new_zeros(*inputs.shape[:2], *lengths)
    spread[(..., *(slice(None, None, step) for step in layer.stride))] = inputs
    padding: list[int] = []
    places = zip(layer.kernel_size, layer.dilation, layer.padding, layer.output_padding, strict=True)
    for size, dilation, pad, more in reversed(list(places)):
        padding += [dilation * (size - 1) - pad, dilation * (size - 1) - pad + more]
    return nn.functional.pad(spread, padding)


def _patches(lengths: Sequence[int], kernel: Any, dilation: Any, stride: Any) -> Tensor:
    """The place of each tap at each position, in a flattened feature map: int64 (tap, position)."""
    whole = torch.zeros(1, 1, dtype=torch.int64)
    for axis, length in enumerate(lengths):
        starts = torch.arange(0, length - dilation[axis] * (kernel[axis] - 1), stride[axis])
        places = torch.arange(kernel[axis])[:, None] * dilation[axis] + starts
        tap, position = whole.shape
        whole = (whole * length)[:, None, :, None] + places[None, :, None, :]
        whole = whole.reshape(tap * kernel[axis], position * len(starts))
    return whole


def output_rows(layer: Weighted, outputs: Tensor, most: int | None = None) -> Tensor:
    """Outputs of the layer as float64 rows (row, output), in the order of ``input_rows``."""
    if isinstance(layer, CONVOLUTIONS):
        outputs = outputs.flatten(2)
        return _rows(outputs[:, :, drawn(outputs.shape[2], most)], torch.float64)
    return outputs.reshape(math.prod(outputs.shape[:-1]), outputs.shape[-1]).double()


def squares(rows: Tensor) -> Tensor:
    """X^T X of rows X, (feature, feature): on a CPU by NumPy, which knows that it is symmetric and forms half of it."""
    if rows.device.type != "cpu":
        return rows.T @ rows
    values = rows.detach().numpy()
    return torch.from_numpy(values.T @ values)


def drawn(positions: int, most: int | None) -> slice | Tensor:
    """The positions to look at: all of them, or ``most``, always the same."""
    if most is None or positions <= most:
        return slice(None)
    return torch.randperm(positions, generator=torch.Generator().manual_seed(0))[:most].sort().values


def _rows(values: Tensor, dtype: torch.dtype) -> Tensor:
    """(sample, feature, position) as rows (sample * position, feature) of that type, in a single copy."""
    return values.transpose(1, 2).to(dtype, memory_format=torch.contiguous_format).flatten(0, 1)
