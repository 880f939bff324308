"""Any network of the zoo with a stochastic code in the place of its head."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.distributions import Normal

from pidnet.arguments import check_arguments
from pidnet.layers import Bottleneck


class Bottlenecked(nn.Module):
    """A classifier through a code: decoder(z) with z drawn from bottleneck(features(x)), in eval mode too.

    Parameters
    ----------
    features : nn.Module
        Inputs -> (sample, unit).
    bottleneck : Bottleneck
        (sample, unit) -> code.
    decoder : nn.Module
        Code -> scores of the classes.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> code = pn.layers.Bottleneck(6, 2)
    >>> net = pn.zoo.Bottlenecked(pn.zoo.mlp(8, (16,), 6), code, torch.nn.Linear(2, 3))
    >>> net(torch.randn(5, 8)).shape
    torch.Size([5, 3])
    """

    def __init__(self, features: nn.Module, bottleneck: Bottleneck, decoder: nn.Module) -> None:
        super().__init__()
        self.features, self.bottleneck, self.decoder = features, bottleneck, decoder

    def encode(self, x: Tensor) -> Normal:
        """The distribution e(z|x) of the code.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        torch.distributions.Normal
            (sample, latent).
        """
        return self.bottleneck.encode(self.features(x))

    def forward(self, x: Tensor) -> Tensor:
        """Classify from one code drawn for each input.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Scores, (sample, class).
        """
        return self.decoder(self.bottleneck(self.features(x)))


def bottlenecked(model: nn.Module, latent: int = 32, *, decoder: Sequence[int] = (100,)) -> Bottlenecked:
    """Put a bottleneck and a small decoder in the place of a network's head.

    Parameters
    ----------
    model : nn.Module
        A network of the zoo, of any family and variant, or any whose last layer is named ``head``. It is used as it
        is, not copied, and its head is taken away.
    latent : int
        Units of the code.
    decoder : sequence of int
        Hidden units of the decoder, a ReLU network; () makes it linear.

    Returns
    -------
    Bottlenecked
        Untrained, with a backward encoder for as many classes as the head had.

    Raises
    ------
    ValueError
        For a network without a ``head`` that tells its inputs and outputs.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.bottlenecked(pn.zoo.lenet(), latent=8)
    >>> net(torch.zeros(2, 1, 28, 28)).shape, net.encode(torch.zeros(2, 1, 28, 28)).mean.shape
    (torch.Size([2, 10]), torch.Size([2, 8]))
    """
    check_arguments(bottlenecked, locals())
    head: Any = getattr(model, "head", None)
    inputs, classes = (getattr(head, name, None) for name in ("in_features", "out_features"))
    if inputs is None or classes is None:
        raise ValueError(
            f"{type(model).__name__} has no linear layer named head; build Bottlenecked(features, bottleneck, decoder)"
        )
    model.head = nn.Identity()
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for depth, (before, after) in enumerate(pairwise((latent, *decoder)), start=1):
        layers[f"fc{depth}"] = nn.Linear(before, after)
        layers[f"relu{depth}"] = nn.ReLU()
    layers["head"] = nn.Linear((latent, *decoder)[-1], classes)
    return Bottlenecked(model, Bottleneck(inputs, latent, classes), nn.Sequential(layers))
