"""Which tensor holds the units of a layer: hooks mark it, a torch-function mode follows the mark.

A layer's units stay the same units through functions that act on each unit by itself: activation functions,
BatchNorm, dropout, noise, arithmetic with scalars or with tensors of the same mark (``x * sigmoid(x)``).
They end where they mix with others: at the next layer, at the add of a residual branch, at a LayerNorm.
Pooling keeps the channels but not their positions: the units are read before it, unless a nonlinearity
comes after it. The model itself is not changed, and the mark dies with the tensor.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pidnet.activations._stacked_recurrent import recurrent_outputs
from pidnet.networks.expanded import REVERSE
from pidnet.networks.hooks import surround_calls
from pidnet.networks.kinds import ARITHMETIC, CARRYING, POINTWISE, WEIGHTED

UNITS, HEADS = "_pidnet_units", "_pidnet_heads"


class UnitFollower(TorchFunctionMode):
    """``units``: layer -> for each call, the last tensor that still holds its units one by one, and its
    version. ``heads``: attention module -> for each call, the outputs of its heads, (sample, head, token, d).
    ``there``: recurrent layer -> bool (sample, step), where a packed sequence has a step.
    """

    def __init__(self, weighted: Collection[str] = ()) -> None:
        super().__init__()
        self.weighted = weighted
        self.units: dict[str, list[tuple[Tensor, int]]] = {}
        self.heads: dict[str, list[Tensor]] = {}
        self.there: dict[str, Tensor | None] = {}
        self.running: list[str] = []

    def clear(self) -> None:
        self.units.clear()
        self.heads.clear()
        self.there.clear()
        self.running.clear()

    def begin(self, name: str, output: Tensor) -> None:
        """A layer has output its units: a new call."""
        calls = self.units.setdefault(name, [])
        calls.append((output, version(output)))
        setattr(output, UNITS, (name, len(calls) - 1))

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "multi_head_attention_forward":
            return self._multi_head(func, args, kwargs)
        source = None if self._inside_layer() else _source(name, args, kwargs)
        if source is None and args and _writes_in_place(name):
            self._rescue(args[0])
        output = func(*args, **kwargs)
        if source is not None and isinstance(output, Tensor):
            self._follow(source, output, read=name not in CARRYING)
        self._follow_attention(name, args, output)
        return output

    def _inside_layer(self) -> bool:
        """Whether a layer with weights is computing, as a Bayesian one does with the squares of its input."""
        return bool(self.running) and self.running[-1] in self.weighted

    def _follow(self, source: tuple[str, int], output: Tensor, *, read: bool) -> None:
        setattr(output, UNITS, source)
        layer, call = source
        if read and layer in self.units:
            self.units[layer][call] = (output, version(output))

    def _rescue(self, overwritten: Any) -> None:
        """Keep the units of a tensor that is about to be overwritten by something else."""
        source = getattr(overwritten, UNITS, None)
        if source is None:
            return
        delattr(overwritten, UNITS)
        layer, call = source
        if layer in self.units and self.units[layer][call][0] is overwritten:
            kept = overwritten.clone()
            self.units[layer][call] = (kept, version(kept))

    def _follow_attention(self, name: str, args: tuple, output: Any) -> None:
        """Attention written out is softmax, perhaps dropout, then a product with the values."""
        if not isinstance(output, Tensor) or output.ndim != 4:
            return
        weights = bool(args) and getattr(args[0], HEADS, False)
        if name == "softmax" or (weights and name in POINTWISE):
            setattr(output, HEADS, True)
        elif name == "scaled_dot_product_attention" or (weights and name == "matmul"):
            self._found_heads(output)

    def _found_heads(self, heads: Tensor) -> None:
        if self.running:
            self.heads.setdefault(self.running[-1], []).append(heads)

    def noisy_heads(self, clean: Any, noisy: Tensor) -> None:
        """A channel acted on heads: they are read behind it, as units are."""
        for calls in self.heads.values():
            if calls[-1] is clean:
                calls[-1] = noisy

    def _multi_head(self, func, args: tuple, kwargs: dict) -> Any:
        """torch's own attention hides its heads: run it up to the output projection, then project."""
        query, heads, weight, bias = args[0], args[4], args[11], args[12]
        identity = torch.eye(len(weight), dtype=weight.dtype, device=weight.device)
        mixed, attention = func(*args[:11], identity, None, *args[13:], **kwargs)
        batched = mixed if query.ndim == 3 else mixed.unsqueeze(1)
        self._found_heads(batched.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3))
        return nn.functional.linear(mixed, weight, bias), attention


def _writes_in_place(name: str) -> bool:
    if name.endswith("__"):
        return name in {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__"}
    return name.endswith("_")


def _source(name: str, args: tuple, kwargs: dict) -> tuple[str, int] | None:
    """The layer and call whose units the result of a function still holds, if any."""
    if not args:
        return None
    if name in POINTWISE or name in CARRYING:
        return getattr(args[0], UNITS, None)
    if name not in ARITHMETIC:
        return None
    tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.ndim > 0]
    sources = {getattr(tensor, UNITS, None) for tensor in tensors}
    return sources.pop() if len(sources) == 1 else None


@contextmanager
def following(model: nn.Module, watched: Collection[str]) -> Generator[UnitFollower]:
    """Hooks on the watched modules that mark what they output, and the mode that follows the marks.

    Hooks also keep count of which module is running, so that the heads of an attention get its name.
    torch's fused encoder layers, which skip their modules, do not run under a torch-function mode.
    """
    follower = UnitFollower({name for name, module in model.named_modules() if isinstance(module, WEIGHTED)})

    def enter(name: str, _module: nn.Module, _inputs: tuple, _keywords: dict) -> None:
        follower.running.append(name)

    def leave(name: str, module: nn.Module, inputs: tuple, keywords: dict, output: Any) -> None:
        follower.running.pop()
        if output is None:
            return
        if inputs and hasattr(module, "channel") and isinstance(output, Tensor):
            follower.noisy_heads(inputs[0], output)
        if name in watched:
            _put_out(follower, name, module, (*inputs, *keywords.values()), output)
        if isinstance(module, nn.MultiheadAttention) and (projection := _projection(name)) in watched:
            follower.begin(projection, output[0])  # torch's attention does not call it as a module

    with surround_calls(model, enter, leave), follower:
        yield follower


def _projection(attention: str) -> str:
    """The name of the layer that mixes the heads of torch's attention."""
    return f"{attention}.out_proj".removeprefix(".")


def _put_out(follower: UnitFollower, name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
    if isinstance(module, nn.RNNBase):
        for layer, values, there in recurrent_outputs(name, module, inputs, output[0]):
            follower.begin(layer, values)
            follower.there[layer] = there
        return
    tensor = first_tensor(output)
    if tensor is None:
        raise ValueError(
            f"layer {name!r} returned a {type(output).__name__} that does not begin with a tensor; "
            "name a module inside it"
        )
    follower.begin(name, tensor)


def tracked_name(name: str, owner: nn.Module) -> str:
    """The name under which the units of a layer are followed: both directions of a recurrent one together."""
    return name.removesuffix(REVERSE) if isinstance(owner, nn.RNNBase) else name


def version(tensor: Tensor) -> int:
    """How often a tensor was written in place; inference tensors do not count it."""
    return 0 if tensor.is_inference() else tensor._version


def first_tensor(output: Any) -> Tensor | None:
    """The tensor that a module outputs: itself, or the first of a tuple or mapping."""
    if isinstance(output, Tensor):
        return output
    values = list(output.values()) if hasattr(output, "values") else output
    if isinstance(values, list | tuple) and values and isinstance(values[0], Tensor):
        return values[0]
    return None
