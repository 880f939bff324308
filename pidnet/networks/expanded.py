"""Recurrent and attention modules opened up into plain linear layers, so that one way of watching, cutting and
repairing serves them too, and closed again afterwards.

``rnn.l0`` is the first layer of a recurrent module, ``rnn.l0_reverse`` the same layer read backwards; each
has the linear layers ``input`` and ``hidden`` with all gates one under the other.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

GATES: dict[type, int] = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}


def opened(model: nn.Module) -> nn.Module:
    """A copy in eval mode with every nn.LSTM, GRU, RNN and MultiheadAttention opened."""
    model = copy.deepcopy(model).eval()
    for name, module in list(model.named_modules()):
        if type(module) in GATES and not module.proj_size:
            model = _replace(model, name, OpenRecurrent(module))
        elif type(module) is nn.MultiheadAttention and _plain(module):
            model = _replace(model, name, OpenAttention.of(module))
    return model.eval()


def closed(model: nn.Module) -> nn.Module:
    """The model with recurrent modules closed again, and attention too where it is as wide as it was."""
    for name, module in list(model.named_modules()):
        if isinstance(module, OpenRecurrent) or (isinstance(module, OpenAttention) and module.complete):
            model = _replace(model, name, module.close())
    return model.eval()


def _plain(module: nn.MultiheadAttention) -> bool:
    """Whether ``OpenAttention`` does the same as torch's module."""
    return module._qkv_same_embed_dim and module.bias_k is None and not module.add_zero_attn


def _replace(model: nn.Module, name: str, module: nn.Module) -> nn.Module:
    if not name:
        return module
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)
    return model


class OpenDirection(nn.Module):
    """One layer of a recurrent module in one direction, step by step."""

    def __init__(self, kind: type, inputs: int, units: int, bias: bool, tanh: bool = True) -> None:
        super().__init__()
        self.kind, self.act = kind, torch.tanh if tanh else torch.relu
        self.input = nn.Linear(inputs, GATES[kind] * units, bias=bias)
        self.hidden = nn.Linear(units, GATES[kind] * units, bias=bias)
        # What leaves a step passes through here, where its units can be watched.
        self.units = nn.Identity()

    def forward(self, x: Tensor, state: tuple[Tensor, ...], valid: Tensor, reverse: bool):
        """x: (sample, step, feature); valid: bool (sample, step). Returns (sample, step, unit), last state."""
        entering = self.input(x)
        steps = range(x.shape[1])[::-1] if reverse else range(x.shape[1])
        out: dict[int, Tensor] = {}
        for step in steps:
            new = tuple(self.units(part) for part in self._step(entering[:, step], state))
            here = valid[:, step, None]
            state = tuple(torch.where(here, a, b) for a, b in zip(new, state, strict=True))
            out[step] = state[0] * here
        return torch.stack([out[step] for step in range(x.shape[1])], 1), state

    def _step(self, entering: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """torch's equations of the three kinds (torch.nn.LSTM, GRU, RNN)."""
        recurrent = self.hidden(state[0])
        if self.kind is nn.RNN:
            return (self.act(entering + recurrent),)
        if self.kind is nn.GRU:
            (r, z, n), (hr, hz, hn) = entering.chunk(3, -1), recurrent.chunk(3, -1)
            keep = torch.sigmoid(z + hz)
            return ((1 - keep) * torch.tanh(n + torch.sigmoid(r + hr) * hn) + keep * state[0],)
        i, f, g, o = (entering + recurrent).chunk(4, -1)
        cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell


class OpenRecurrent(nn.Module):
    """nn.LSTM, GRU or RNN as linear layers, with the same call."""

    def __init__(self, module: nn.RNNBase) -> None:
        super().__init__()
        self.kind: type[nn.RNNBase] = type(module)
        self.layers = module.num_layers
        self.options: dict[str, Any] = {
            name: getattr(module, name)
            for name in ("input_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
        }
        if self.kind is nn.RNN:
            self.options["nonlinearity"] = module.nonlinearity
        # Models ask their recurrent module for these.
        vars(self).update(self.options)
        self.suffixes = ("", "_reverse") if module.bidirectional else ("",)
        for layer in range(self.layers):
            inputs = module.hidden_size * len(self.suffixes) if layer else module.input_size
            for suffix in self.suffixes:
                tanh = self.options.get("nonlinearity", "tanh") == "tanh"
                direction = OpenDirection(self.kind, inputs, module.hidden_size, module.bias, tanh)
                _copy(module, direction, f"l{layer}{suffix}", into_open=True)
                self.add_module(f"l{layer}{suffix}", direction)
        self.to(next(module.parameters())).requires_grad_(next(module.parameters()).requires_grad)

    @property
    def hidden_size(self) -> int:
        return self.direction("l0").hidden.in_features

    def direction(self, name: str) -> OpenDirection:
        """The layer and direction of that name, such as ``l1_reverse``."""
        module = self.get_submodule(name)
        if not isinstance(module, OpenDirection):
            raise TypeError(f"{name!r} is a {type(module).__name__}; expected one layer in one direction")
        return module

    def forward(self, x, state=None):
        packed = x if isinstance(x, PackedSequence) else None
        if packed is not None:
            x, lengths = pad_packed_sequence(packed, batch_first=True)
        elif x.ndim != 3:
            raise ValueError(f"a recurrent layer got shape {tuple(x.shape)}; expected a batch of sequences")
        else:
            x = x if self.options["batch_first"] else x.transpose(0, 1)
            lengths = torch.full((len(x),), x.shape[1])
        valid = torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]
        x, last = self._layers(x, valid, None if state is None else _as_tuple(state))
        if packed is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        elif not self.options["batch_first"]:
            x = x.transpose(0, 1)
        return x, last if self.kind is nn.LSTM else last[0]

    def _layers(self, x: Tensor, valid: Tensor, state: tuple[Tensor, ...] | None):
        """All layers in turn: outputs and last states, each (layer and direction, sample, unit)."""
        finals = []
        for layer in range(self.layers):
            outs = []
            for suffix in self.suffixes:
                direction = self.direction(f"l{layer}{suffix}")
                zeros = x.new_zeros(len(x), direction.hidden.in_features)
                parts = 2 if self.kind is nn.LSTM else 1
                start = (zeros,) * parts if state is None else tuple(s[len(finals)] for s in state)
                out, final = direction(x, start, valid, bool(suffix))
                outs.append(out)
                finals.append(final)
            x = torch.cat(outs, -1)
        return x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))

    def close(self) -> nn.RNNBase:
        """The torch module with these weights. All layers and directions have the same number of units."""
        first = self.direction("l0")
        options: dict[str, Any] = self.options | {"input_size": first.input.in_features}
        module = self.kind(hidden_size=first.hidden.in_features, **options)
        for layer in range(self.layers):
            for suffix in self.suffixes:
                name = f"l{layer}{suffix}"
                _copy(module, self.direction(name), name, into_open=False)
        return module.to(first.input.weight).requires_grad_(first.input.weight.requires_grad)


def _as_tuple(state) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@torch.no_grad()
def _copy(module: nn.RNNBase, direction: OpenDirection, name: str, *, into_open: bool) -> None:
    """Copy the weights of one layer and direction between torch's module and the open one."""
    for part, linear in (("ih", direction.input), ("hh", direction.hidden)):
        pairs = [(getattr(module, f"weight_{part}_{name}"), linear.weight)]
        if linear.bias is not None:
            pairs.append((getattr(module, f"bias_{part}_{name}"), linear.bias))
        for torchs, ours in pairs:
            (ours if into_open else torchs).copy_(torchs if into_open else ours)


class OpenAttention(nn.Module):
    """nn.MultiheadAttention with separate projections, and so with any number of heads.

    Stays in a network that has lost heads: torch's module cannot have fewer heads at the same width.
    """

    # nn.TransformerEncoderLayer asks for these to choose its fused path, which would read packed weights.
    _qkv_same_embed_dim = False
    in_proj_bias = None

    def __init__(
        self, width: int, heads: int, head_size: int, *, bias: bool, batch_first: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.width, self.heads, self.head_size = width, heads, head_size
        self.batch_first, self.dropout = batch_first, dropout
        self.q, self.k, self.v = (nn.Linear(width, heads * head_size, bias=bias) for _ in range(3))
        self.out = nn.Linear(heads * head_size, width, bias=bias)

    @property
    def num_heads(self) -> int:
        return self.heads

    @property
    def complete(self) -> bool:
        """Whether torch's module could hold these weights: no head, input or output has gone."""
        sizes = (self.heads * self.head_size, self.q.in_features, self.out.out_features)
        return set(sizes) == {self.width}

    @staticmethod
    @torch.no_grad()
    def of(module: nn.MultiheadAttention) -> OpenAttention:
        """The open form of torch's module."""
        biased = module.in_proj_bias is not None
        new = OpenAttention(
            *(module.embed_dim, module.num_heads, module.head_dim),
            bias=biased,
            batch_first=module.batch_first,
            dropout=module.dropout,
        ).to(module.in_proj_weight)
        for linear, rows in zip((new.q, new.k, new.v), module.in_proj_weight.chunk(3), strict=True):
            linear.weight.copy_(rows)
        if biased:
            for linear, rows in zip((new.q, new.k, new.v), module.in_proj_bias.chunk(3), strict=True):
                linear.bias.copy_(rows)
        new.out.load_state_dict(module.out_proj.state_dict())
        return new.requires_grad_(module.in_proj_weight.requires_grad)

    @torch.no_grad()
    def close(self) -> nn.MultiheadAttention:
        """torch's module with these weights."""
        biased = self.q.bias is not None
        module = nn.MultiheadAttention(
            self.width, self.heads, self.dropout, bias=biased, batch_first=self.batch_first
        )
        module.in_proj_weight.copy_(torch.cat([self.q.weight, self.k.weight, self.v.weight]))
        if biased:
            module.in_proj_bias.copy_(torch.cat([self.q.bias, self.k.bias, self.v.bias]))
        module.out_proj.load_state_dict(self.out.state_dict())
        return module.to(self.q.weight).requires_grad_(self.q.weight.requires_grad)

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
        scores = q @ k.transpose(-1, -2) / self.head_size**0.5
        if attn_mask is not None:
            mask = attn_mask.unflatten(0, (len(q), -1)) if attn_mask.ndim == 3 else attn_mask
            scores = scores + _additive(mask, scores)
        if key_padding_mask is not None:
            scores = scores + _additive(key_padding_mask, scores)[:, None, None]
        weights = nn.functional.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = self.out((weights @ v).transpose(1, 2).flatten(2))
        mixed = mixed if self.batch_first else mixed.transpose(0, 1)
        if not need_weights:
            return mixed, None
        return mixed, weights.mean(1) if average_attn_weights else weights


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask to add to scores."""
    return like.new_zeros(mask.shape).masked_fill(mask, float("-inf")) if mask.dtype == torch.bool else mask
