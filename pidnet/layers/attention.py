"""Self-attention whose heads pass through a channel."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.channels import Channel


class Attention(nn.Module):
    """Multi-head self-attention: out(noise(softmax(q k^T / sqrt d) v)), heads side by side in q, k and v.

    Parameters
    ----------
    width : int
        Features of a token.
    heads : int
        Number of heads; they divide the width.
    noise : nn.Module, optional
        What the heads pass through, such as ``GaussianNoise`` or ``Sign``; nothing by default.

    Raises
    ------
    ValueError
        When the heads do not divide the width.
    TypeError
        When ``noise`` is no module.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> layer = pn.layers.Attention(8, 2, pn.layers.GaussianNoise(0.3))
    >>> x = torch.randn(5, 4, 8)
    >>> layer(x).shape, layer.channel(x)
    (torch.Size([5, 4, 8]), Normal channel: 5 inputs, 32 units)
    """

    def __init__(self, width: int, heads: int, noise: nn.Module | None = None) -> None:
        super().__init__()
        if not isinstance(noise, nn.Module | None):
            raise TypeError(f"noise={noise!r}; expected a module such as GaussianNoise(0.1), or None")
        check_arguments(Attention.__init__, locals())
        if heads < 1 or width < 1 or width % heads:
            raise ValueError(f"width={width} is not a multiple of heads={heads}")
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.noise = noise

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let each token read the others.

        Parameters
        ----------
        x : Tensor
            (sample, token, width).
        mask : Tensor, optional
            bool (sample, token), true at tokens that may be read.

        Returns
        -------
        Tensor
            (sample, token, width).
        """
        mixed = self._mixed(x, mask)
        if self.noise is not None:
            mixed = self.noise(mixed)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def channel(self, h: Tensor, mask: Tensor | None = None) -> Channel:
        """What the heads put out given what the layer reads.

        Parameters
        ----------
        h : Tensor
            (sample, token, width), without noise.
        mask : Tensor, optional
            As for ``forward``.

        Returns
        -------
        Channel
            That of ``noise``, of each head at each token: (head, token, dimension) in a row.

        Raises
        ------
        ValueError
            Without noise, or for values that are not finite.
        """
        if self.noise is None:
            raise ValueError("this attention has no noise and no channel; make it with noise=")
        return cast(Any, self.noise).channel(self._mixed(h, mask))

    def _mixed(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(sample, head, token, dimension)."""
        if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[-1] != self.q.in_features:
            given = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
            raise ValueError(f"the tokens are {given}; expected (sample, token, {self.q.in_features})")
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for project in (self.q, self.k, self.v)
        )
        allowed = None if mask is None else mask[:, None, None, :]
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
