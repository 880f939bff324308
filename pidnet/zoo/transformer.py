"""A pre-LN transformer encoder that classifies sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.layers import Attention
from pidnet.zoo.variants import Variant, as_variant


class Block(nn.Module):
    """x + attention(norm1(x)), then x + ffn2(relu(ffn1(norm2(x))))."""

    def __init__(self, width: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.ffn1, self.relu, self.ffn2 = nn.Linear(width, ffn), nn.ReLU(), nn.Linear(ffn, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attention(self.norm1(x), mask)
        return x + self.ffn2(self.relu(self.ffn1(self.norm2(x))))


class TransformerClassifier(nn.Module):
    """Classifies from the mean over the tokens that are not padding.

    Input: float (sample, token, feature), or int codes (sample, token) below the number of features, where
    0 is padding; codes are read one-hot. Positions are sines and cosines.
    Layers: embedding, blocks.0.attention.q, ..., blocks.0.ffn1, blocks.0.ffn2, ..., norm, head.
    """

    def __init__(self, embedding: nn.Linear, blocks: list[Block], outputs: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(embedding.out_features)
        self.head = nn.Linear(embedding.out_features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if not x.is_floating_point():
            mask = x != 0
            x = nn.functional.one_hot(x, self.embedding.in_features).float()
        hidden = self.embedding(x)
        hidden = hidden + _positions(*hidden.shape[1:]).to(hidden)
        for block in self.blocks:
            hidden = block(hidden, mask)
        weight = mask.unsqueeze(-1).to(hidden)
        return self.head((self.norm(hidden) * weight).sum(1) / weight.sum(1).clamp(min=1))


def _positions(tokens: int, width: int) -> Tensor:
    """Sines in the even and cosines in the odd dimensions, float32 (token, width).

    Source: Vaswani et al., Attention is all you need, 2017, section 3.5.
    """
    phase = torch.arange(tokens)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([phase.sin(), phase.cos()], -1).flatten(1)[:, :width]


def transformer(
    inputs: int,
    hidden: tuple[int, ...] = (64, 64),
    outputs: int = 10,
    *,
    width: int = 32,
    heads: int = 4,
    variant: Variant = "plain",
) -> nn.Module:
    """A pre-LN transformer encoder that classifies from the mean over the tokens.

    Parameters
    ----------
    inputs : int
        Features of a token, or number of codes.
    hidden : tuple of int
        FFN units of each block.
    outputs : int
        Number of classes.
    width : int
        Dimensions of the residual stream.
    heads : int
        Number of attention heads.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Raises
    ------
    ValueError
        When the heads do not divide the width.

    Notes
    -----
    Input: float (sample, token, feature), or int codes (sample, token) read one-hot, where 0 is padding.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.transformer(8, (12,), width=8, heads=2)(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 10])
    """
    check_arguments(transformer, locals())
    blocks = [Block(width, heads, ffn) for ffn in hidden]
    return as_variant(TransformerClassifier(nn.Linear(inputs, width), blocks, outputs), variant)
