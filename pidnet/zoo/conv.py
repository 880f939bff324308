"""Convolutional networks: a plain CNN in one or two dimensions, LeNet, ResNet-8/20 and a small DenseNet.

Each classifies images (sample, channel, height, width) or signals (sample, channel, length).
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.zoo.variants import Variant, as_variant

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
GLOBAL_POOL = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}


def conv(
    inputs: int,
    hidden: tuple[int, ...] = (32, 64, 64),
    outputs: int = 10,
    *,
    dims: int = 2,
    variant: Variant = "plain",
) -> nn.Module:
    """Convolutions of width 3, each with BatchNorm and ReLU, then average pooling and a linear head.

    Parameters
    ----------
    inputs : int
        Channels of the input.
    hidden : tuple of int
        Channels of each convolution.
    outputs : int
        Number of classes.
    dims : int
        1 for signals, 2 for images.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Notes
    -----
    Layers are named conv1, bn1, relu1, conv2, ... and head; from conv2 on the stride is 2.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.conv(1, (4, 8))(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    check_arguments(conv, locals())
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for depth, (before, after) in enumerate(pairwise((inputs, *hidden)), start=1):
        stride = 1 if depth == 1 else 2
        layers[f"conv{depth}"] = CONV[dims](before, after, 3, stride=stride, padding=1, bias=False)
        layers[f"bn{depth}"] = BATCH_NORM[dims](after)
        layers[f"relu{depth}"] = nn.ReLU()
    layers |= {"pool": GLOBAL_POOL[dims](1), "flatten": nn.Flatten(), "head": nn.Linear(hidden[-1], outputs)}
    return as_variant(nn.Sequential(layers), variant)


def lenet(
    inputs: tuple[int, int, int] = (1, 28, 28), outputs: int = 10, *, variant: Variant = "plain"
) -> nn.Module:
    """LeNet-5 with ReLU and max pooling: conv1 (6), conv2 (16), fc1 (120), fc2 (84), head.

    Parameters
    ----------
    inputs : tuple of int
        Channels, height and width of the images; at least 12 x 12.
    outputs : int
        Number of classes.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Raises
    ------
    ValueError
        For smaller images.

    Notes
    -----
    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.lenet()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    check_arguments(lenet, locals())
    channels, height, width = inputs
    if min(height, width) < 12:
        raise ValueError(f"lenet got images of {height} x {width}; expected at least 12 x 12")
    left = [((side // 2) - 4) // 2 for side in (height, width)]
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, 6, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(16 * left[0] * left[1], 120),
        relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84),
        relu4=nn.ReLU(),
        head=nn.Linear(84, outputs),
    )
    return as_variant(nn.Sequential(layers), variant)


class ResidualBlock(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); the shortcut is 1 x 1 where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(inner)) + self.shortcut(x))


def resnet(
    depth: int = 8, inputs: int = 1, outputs: int = 10, *, width: int = 16, variant: Variant = "plain"
) -> nn.Module:
    """A ResNet of 6 n + 2 layers for small images: three stages of n blocks at width, 2 width, 4 width.

    Parameters
    ----------
    depth : int
        8, 14, 20, ...
    inputs : int
        Channels of the images.
    outputs : int
        Number of classes.
    width : int
        Channels of the first stage.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Raises
    ------
    ValueError
        For a depth that is not 6 n + 2.

    Notes
    -----
    Layers: conv1, bn1, relu1, stage1.0.conv1, ..., stage3, pool, flatten, head.
    Source: He et al., Deep residual learning for image recognition, 2016 (the CIFAR-10 nets).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.resnet(8, width=4)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    check_arguments(resnet, locals())
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"depth={depth}; expected 8, 14, 20, ... (6 n + 2)")
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(inputs, width, 3, padding=1, bias=False), bn1=nn.BatchNorm2d(width), relu1=nn.ReLU()
    )
    before = width
    for stage in range(3):
        after = width * 2**stage
        strides = [1 if stage == 0 else 2] + [1] * (blocks - 1)
        befores = [before] + [after] * (blocks - 1)
        layers[f"stage{stage + 1}"] = nn.Sequential(
            *(ResidualBlock(b, after, stride) for b, stride in zip(befores, strides, strict=True))
        )
        before = after
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "head": nn.Linear(before, outputs)}
    return as_variant(nn.Sequential(layers), variant)


class DenseLayer(nn.Module):
    """x -> [x, relu(bn(conv(x)))] along the channels."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, growth, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(growth)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.relu(self.bn(self.conv(x)))], 1)


def densenet(
    inputs: int = 1,
    outputs: int = 10,
    *,
    growth: int = 12,
    blocks: tuple[int, ...] = (3, 3),
    variant: Variant = "plain",
) -> nn.Module:
    """A small DenseNet: dense blocks whose layers read all earlier ones, halved in size between blocks.

    Parameters
    ----------
    inputs : int
        Channels of the images.
    outputs : int
        Number of classes.
    growth : int
        Channels that each layer adds.
    blocks : tuple of int
        Layers of each dense block.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Notes
    -----
    Layers: conv1, bn1, relu1, dense1.0.conv, ..., narrow1 (1 x 1) with its bn and relu, dense2, ..., head.
    Source: Huang et al., Densely connected convolutional networks, 2017 (here convolution, BatchNorm, ReLU).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.densenet(growth=4, blocks=(2,))(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    check_arguments(densenet, locals())
    channels = 2 * growth
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(channels),
        relu1=nn.ReLU(),
    )
    for block, size in enumerate(blocks, start=1):
        layers[f"dense{block}"] = nn.Sequential(
            *(DenseLayer(channels + growth * index, growth) for index in range(size))
        )
        channels += growth * size
        if block < len(blocks):
            layers[f"narrow{block}"] = nn.Conv2d(channels, channels // 2, 1, bias=False)
            channels //= 2
            layers[f"narrow{block}_bn"] = nn.BatchNorm2d(channels)
            layers[f"narrow{block}_relu"] = nn.ReLU()
            layers[f"narrow{block}_pool"] = nn.AvgPool2d(2)
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "head": nn.Linear(channels, outputs)}
    return as_variant(nn.Sequential(layers), variant)
