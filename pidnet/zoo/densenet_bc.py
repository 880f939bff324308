"""DenseNet-BC, from a network for small images to DenseNet-121."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.zoo.variants import Variant, as_variant


class DenseBottleneckLayer(nn.Module):
    """x -> [x, conv2(relu(bn2(conv1(relu(bn1(x))))))] along the channels; conv1 is 1 x 1, conv2 3 x 3."""

    def __init__(self, before: int, growth: int, squeeze: int) -> None:
        super().__init__()
        inner = squeeze * growth
        self.bn1, self.relu1 = nn.BatchNorm2d(before), nn.ReLU()
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(inner), nn.ReLU()
        self.conv2 = nn.Conv2d(inner, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(self.relu1(self.bn1(x)))
        return torch.cat([x, self.conv2(self.relu2(self.bn2(inner)))], 1)


def densenet_bc(
    inputs: int = 3,
    outputs: int = 1000,
    *,
    growth: int = 32,
    blocks: tuple[int, ...] = (6, 12, 24, 16),
    stem: int = 64,
    small: bool = False,
    variant: Variant = "plain",
) -> nn.Module:
    """A DenseNet with 1 x 1 convolutions inside its layers and between its blocks; DenseNet-121 by default.

    Parameters
    ----------
    inputs : int
        Channels of the images.
    outputs : int
        Number of classes.
    growth : int
        Channels that each layer adds.
    blocks : tuple of int
        Layers of each dense block; the number of channels is halved, as the size of the image, between blocks.
    stem : int
        Channels of the first convolution.
    small : bool
        For images of up to about 64 x 64: the first convolution is 3 x 3 without stride and pooling, in place of 7 x 7
        with stride 2 and pooling.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Notes
    -----
    DenseNet-121 has 7,978,856 parameters for 1,000 classes; it is for a GPU. ``growth=8, blocks=(3, 3), stem=16,
    small=True`` trains on a CPU. Layers: conv1, bn1, relu1, dense1.0.conv1, ..., narrow1.conv, ..., bn2, head.
    Source: Huang et al., Densely connected convolutional networks, 2017.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.densenet_bc(1, 10, growth=4, blocks=(2, 2), stem=8, small=True)
    >>> net(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    check_arguments(densenet_bc, locals())
    size, stride, padding = (3, 1, 1) if small else (7, 2, 3)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(inputs, stem, size, stride=stride, padding=padding, bias=False),
        bn1=nn.BatchNorm2d(stem),
        relu1=nn.ReLU(),
        pool1=nn.Identity() if small else nn.MaxPool2d(3, 2, 1),
    )
    channels = stem
    for block, count in enumerate(blocks, start=1):
        befores = [channels + growth * index for index in range(count)]
        layers[f"dense{block}"] = nn.Sequential(*(DenseBottleneckLayer(b, growth, 4) for b in befores))
        channels += growth * count
        if block < len(blocks):
            layers[f"narrow{block}"] = _narrow(channels)
            channels //= 2
    layers |= {"bn2": nn.BatchNorm2d(channels), "relu2": nn.ReLU(), "pool2": nn.AdaptiveAvgPool2d(1)}
    layers |= {"flatten": nn.Flatten(), "head": nn.Linear(channels, outputs)}
    return as_variant(nn.Sequential(layers), variant)


def _narrow(channels: int) -> nn.Sequential:
    """Half as many channels, half the size."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        bn=nn.BatchNorm2d(channels),
        relu=nn.ReLU(),
        conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
        pool=nn.AvgPool2d(2),
    )
    return nn.Sequential(layers)
