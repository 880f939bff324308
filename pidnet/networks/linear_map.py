"""Every consumer of units as one linear map: a matrix of weights on rows of inputs.

A fully connected layer is one already. A convolution is one over unfolded patches, channel by channel, so
that input channel c owns ``taps`` neighboring columns. A row is a sample, or a sample at a position.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.networks.kinds import CONVOLUTIONS, Weighted

# Positions of a feature map from which least squares and covariances are estimated; neighbors are nearly alike.
POSITIONS = 64


def taps(layer: Weighted) -> int:
    """How many input features belong to one input channel: the size of a convolution's kernel, or 1."""
    return int(np.prod(layer.kernel_size)) if isinstance(layer, CONVOLUTIONS) else 1


def features(layer: Weighted, channels: np.ndarray) -> np.ndarray:
    """Input features of some input channels, in the same order, int (channel * taps,)."""
    size = taps(layer)
    return (np.asarray(channels)[..., None] * size + np.arange(size)).reshape(*np.shape(channels)[:-1], -1)


def weight_matrix(layer: Weighted) -> Tensor:
    """The layer's weights as float64 (output, feature)."""
    return layer.weight.detach().double().flatten(1)


def input_rows(layer: Weighted, inputs: Tensor, most: int | None = None) -> Tensor:
    """Inputs of the layer as float64 rows (row, feature). Raises ValueError for grouped convolutions.

    most: of a convolution's positions only that many, drawn once and the same for every sample.
    """
    if not isinstance(layer, CONVOLUTIONS):
        return inputs.reshape(-1, inputs.shape[-1]).double()
    if layer.groups != 1:
        raise ValueError(f"{layer}: a convolution of several groups is not one linear map of its inputs")
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    inputs = nn.functional.pad(inputs, layer._reversed_padding_repeated_twice, mode=mode)
    sizes = {name: getattr(layer, name) for name in ("kernel_size", "dilation", "stride")}
    if isinstance(layer, nn.Conv1d):
        inputs = inputs.unsqueeze(2)
        sizes = {name: (1, *size) for name, size in sizes.items()}
    pixels = torch.arange(inputs[0, 0].numel(), dtype=torch.float64).view(1, 1, *inputs.shape[2:])
    patches = nn.functional.unfold(pixels, **sizes)[0].long()
    patches = patches[:, drawn(patches.shape[1], most)]
    return _doubled(inputs.flatten(2)[:, :, patches.to(inputs.device)].flatten(1, 2))


def output_rows(layer: Weighted, outputs: Tensor, most: int | None = None) -> Tensor:
    """Outputs of the layer as float64 rows (row, output), in the order of ``input_rows``."""
    if isinstance(layer, CONVOLUTIONS):
        outputs = outputs.flatten(2)
        return _doubled(outputs[:, :, drawn(outputs.shape[2], most)])
    return outputs.reshape(-1, outputs.shape[-1]).double()


def drawn(positions: int, most: int | None) -> slice | Tensor:
    """The positions to look at: all of them, or ``most``, always the same."""
    if most is None or positions <= most:
        return slice(None)
    return torch.randperm(positions, generator=torch.Generator().manual_seed(0))[:most].sort().values


def _doubled(values: Tensor) -> Tensor:
    """(sample, feature, position) as float64 rows (sample * position, feature), in a single copy."""
    rows = values.transpose(1, 2).to(torch.float64, memory_format=torch.contiguous_format)
    return rows.reshape(-1, values.shape[1])
