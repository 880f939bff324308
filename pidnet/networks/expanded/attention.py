"""nn.MultiheadAttention as four linear layers: query, key, value and output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.networks.expanded._unset import unset


class ExpandedAttention(nn.Module):
    """nn.MultiheadAttention with separate projections, and so with any number of heads.

    Stays in a network that has lost heads: torch's module cannot have fewer heads at the same width.
    """

    # nn.TransformerEncoderLayer asks for these to choose its fused path, which would read packed weights.
    _qkv_same_embed_dim = False
    in_proj_bias = None

    def __init__(self, module: nn.MultiheadAttention) -> None:
        super().__init__()
        self.width, self.heads, self.head_size = module.embed_dim, module.num_heads, module.head_dim
        self.batch_first, self.dropout = module.batch_first, module.dropout
        weight, biased = module.in_proj_weight, module.in_proj_bias is not None
        self.q, self.k, self.v, self.out_proj = (
            unset(nn.Linear, weight, self.width, self.width, bias=biased) for _ in range(4)
        )

    @property
    def num_heads(self) -> int:
        return self.heads

    @property
    def complete(self) -> bool:
        """Whether torch's module could hold these weights: no head, input or output was removed."""
        sizes = (self.heads * self.head_size, self.q.in_features, self.out_proj.out_features)
        return set(sizes) == {self.width}

    @staticmethod
    @torch.no_grad()
    def of(module: nn.MultiheadAttention) -> ExpandedAttention:
        """The expanded form of torch's module."""
        new = ExpandedAttention(module)
        for linear, rows in zip((new.q, new.k, new.v), module.in_proj_weight.chunk(3), strict=True):
            linear.weight.copy_(rows)
        if module.in_proj_bias is not None:
            for linear, rows in zip((new.q, new.k, new.v), module.in_proj_bias.chunk(3), strict=True):
                linear.bias.copy_(rows)
        new.out_proj.load_state_dict(module.out_proj.state_dict())
        return new.requires_grad_(module.in_proj_weight.requires_grad)

    @torch.no_grad()
    def collapsed(self) -> nn.MultiheadAttention:
        """torch's module with these weights."""
        biased = self.q.bias is not None
        options = {"dropout": self.dropout, "bias": biased, "batch_first": self.batch_first}
        module = unset(nn.MultiheadAttention, self.q.weight, self.width, self.heads, **options)
        module.in_proj_weight.copy_(torch.cat([self.q.weight, self.k.weight, self.v.weight]))
        if biased:
            module.in_proj_bias.copy_(torch.cat([self.q.bias, self.k.bias, self.v.bias]))
        module.out_proj.load_state_dict(self.out_proj.state_dict())
        return module.requires_grad_(self.q.weight.requires_grad)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As nn.MultiheadAttention on batches; the masks are True, or -inf, where attention is forbidden."""
        if not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q, k, v = (
            project(x).unflatten(-1, (self.heads, self.head_size)).transpose(1, 2)
            for project, x in ((self.q, query), (self.k, key), (self.v, value))
        )
        logits = q @ k.transpose(-1, -2) / self.head_size**0.5
        if attn_mask is not None:
            mask = attn_mask.unflatten(0, (len(q), -1)) if attn_mask.ndim == 3 else attn_mask
            logits = logits + _additive(mask, logits)
        if key_padding_mask is not None:
            logits = logits + _additive(key_padding_mask, logits)[:, None, None]
        weights = nn.functional.dropout(logits.softmax(-1), self.dropout, self.training)
        mixed = self.out_proj((weights @ v).transpose(1, 2).flatten(2))
        mixed = mixed if self.batch_first else mixed.transpose(0, 1)
        if not need_weights:
            return mixed, None
        return mixed, weights.mean(1) if average_attn_weights else weights


def can_expand(module: nn.MultiheadAttention) -> bool:
    """Whether ``ExpandedAttention`` does the same as torch's module."""
    return module._qkv_same_embed_dim and module.bias_k is None and not module.add_zero_attn


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask to add to the logits."""
    return like.new_zeros(mask.shape).masked_fill(mask, float("-inf")) if mask.dtype == torch.bool else mask
