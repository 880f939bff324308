"""Exact multiply-accumulates, weights and bytes of every layer, for one sample.

One sample is run through the model under two torch modes. The function mode sees the recurrent calls and, by
being there, keeps nn.TransformerEncoder off its fused path; the dispatch mode sees every other operation,
whoever called it: a module, a functional call, ``@``, einsum or a Hugging Face block. A call belongs to the
innermost module that is running, so nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pidnet.energy.operations import MULTIPLYING, RECURRENT, kind_of, recurrent_macs, tensors_in

DTYPES = {
    torch.float64: "fp64",
    torch.float32: "fp32",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.int8: "int8",
    torch.uint8: "int8",
    torch.bool: "binary",
}
PRECEDENCE = ("attention", "recurrent", "conv", "linear", "embedding", "norm", "elementwise")


@dataclass(frozen=True)
class LayerCount:
    """One layer, per sample.

    kind: attention, recurrent, conv, linear, embedding, norm or elementwise.
    macs: multiply-accumulates of weights and matrix products (norms, biases, elementwise work: none).
    weight_bytes: the parameters this layer reads, each once, with biases.
    input_bytes, output_bytes: activations that enter and leave; for a block that calls other layers,
    those of its own products only.
    elementwise: values that norms, activations, softmax and pooling produce or reduce.
    dtype: fp64, fp32, fp16, bf16, int8 or binary, of the weights (of the input where there are none).
    """

    kind: str
    macs: int
    weight_bytes: int
    input_bytes: int
    output_bytes: int
    elementwise: int = 0
    dtype: str = "fp32"

    @property
    def activation_bytes(self) -> int:
        """Bytes that enter and leave."""
        return self.input_bytes + self.output_bytes


@dataclass(frozen=True)
class Counts:
    """What one sample costs: ``layers`` by name in ``model.named_modules()``, in the order of the run.

    parameters, weight_bytes: all parameters of the model, a shared one once.
    unknown: modules whose work is not counted in full, with the reason.
    """

    layers: dict[str, LayerCount]
    parameters: int
    weight_bytes: int
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers, per sample."""
        return sum(layer.macs for layer in self.layers.values())


def count(model: nn.Module, example_input) -> Counts:
    """Count the multiply-accumulates (MACs), weights and bytes of every layer, per sample.

    Linear: in * out per row; convolution: in/groups * out * kernel per output place; recurrent: all weight
    matrices per time step; attention: projections and both products; embedding, norms and elementwise
    work: no MACs.
    example_input: a tensor with a leading batch axis, a tuple of them (positional) or a dict of them (by
    name); only the first sample is run, in eval mode. A bare recurrent or attention module with
    ``batch_first=False`` has its batch on axis 1, as torch has it.
    The model is as before afterwards (modes, hooks, buffers), also when its forward raises.
    Raises TypeError for what is no module or tensor, ValueError for inputs without a sample or on which
    the model fails.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; expected a torch.nn.Module")
    sample = first_sample(example_input, axis=0 if getattr(model, "batch_first", True) else 1)
    ledger = Ledger(model)
    with as_it_was(model), torch.no_grad(), torch.random.fork_rng(), watched(model, ledger):
        run(model, sample)
    return ledger.counts()


def first_sample(example_input, axis: int = 0):
    """The first sample of a tensor, tuple or dict, its batch axis kept."""
    tensors = list(tensors_in(example_input))
    if not isinstance(example_input, Tensor | tuple | list | Mapping) or not tensors:
        raise TypeError(
            f"example_input is a {type(example_input).__name__} without tensors; expected a tensor with a "
            "leading batch axis, or a tuple or dict of them"
        )
    sizes = {x.shape[axis] if x.ndim > axis else None for x in tensors}
    if len(sizes) > 1 or sizes & {None, 0}:
        shapes = ", ".join(str(tuple(x.shape)) for x in tensors)
        raise ValueError(
            f"example_input has shapes {shapes}; expected one batch size on axis {axis}, at least 1"
        )
    return narrow(example_input, axis)


def narrow(value, axis: int):
    """The same nesting with every tensor cut to its first sample."""
    if isinstance(value, Tensor):
        return value.narrow(axis, 0, 1)
    if isinstance(value, Mapping):
        return {key: narrow(item, axis) for key, item in value.items()}
    return tuple(narrow(item, axis) for item in value) if isinstance(value, list | tuple) else value


def run(model: nn.Module, sample):
    """The model on one sample; what it raises becomes a ValueError that names the shapes."""
    try:
        if isinstance(sample, Mapping):
            return model(**sample)
        return model(*sample) if isinstance(sample, tuple) else model(sample)
    except Exception as error:
        shapes = ", ".join(str(tuple(x.shape)) for x in tensors_in(sample))
        raise ValueError(
            f"the model fails on one sample of example_input, of shape {shapes}: "
            f"{type(error).__name__}: {error}; pass an input that the model accepts"
        ) from error


@contextmanager
def as_it_was(model: nn.Module) -> Generator[None]:
    """Eval mode inside; training flags and buffers as before outside."""
    modes = {module: module.training for module in model.modules()}
    places = [(module, name, b) for module in model.modules() for name, b in module._buffers.items()]
    values = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        for module, name, buffer in places:
            module._buffers[name] = buffer
        with torch.no_grad():
            for buffer, before in values:
                buffer.copy_(before)


@contextmanager
def watched(model: nn.Module, ledger: Ledger) -> Generator[None]:
    """Every operation inside is booked on the module that runs it."""
    handles = []
    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(ledger.enter(name), with_kwargs=True))
            handles.append(
                module.register_forward_hook(ledger.leave(name), with_kwargs=True, always_call=True)
            )
        with DispatchWatch(ledger), FunctionWatch(ledger):
            yield
    finally:
        for handle in handles:
            handle.remove()


class FunctionWatch(TorchFunctionMode):
    """Books recurrent calls, and hides their insides from the dispatch watch."""

    def __init__(self, ledger: Ledger):
        super().__init__()
        self.ledger = ledger

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") not in RECURRENT:
            return func(*args, **(kwargs or {}))
        self.ledger.hidden = True
        try:
            out = func(*args, **(kwargs or {}))
        finally:
            self.ledger.hidden = False
        self.ledger.book("recurrent", recurrent_macs(args, out), args, out)
        return out


class DispatchWatch(TorchDispatchMode):
    """Books every operation that is not inside a recurrent call."""

    def __init__(self, ledger: Ledger):
        super().__init__()
        self.ledger = ledger

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if not self.ledger.hidden:
            name = func.overloadpacket.__name__
            kind = kind_of(func, args)
            macs = MULTIPLYING[name][1](args, out) if name in MULTIPLYING and kind else 0
            self.ledger.book(kind, macs, args, out, operation=str(func))
        return out


@dataclass
class Tally:
    """The running sums of one module."""

    kinds: set[str] = field(default_factory=set)
    macs: int = 0
    elementwise: int = 0
    weights: dict[int, Tensor] = field(default_factory=dict)
    across: list[int] = field(default_factory=lambda: [0, 0])
    inside: list[int] = field(default_factory=lambda: [0, 0])
    calls_others: bool = False
    dtype: torch.dtype | None = None

    def layer(self) -> LayerCount:
        """The finished row."""
        kind = next((kind for kind in PRECEDENCE if kind in self.kinds), "elementwise")
        entered, left = self.inside if self.calls_others else self.across
        floating = [weight.dtype for weight in self.weights.values()] or [self.dtype]
        return LayerCount(
            kind=kind,
            macs=self.macs,
            weight_bytes=sum(weight.nbytes for weight in self.weights.values()),
            input_bytes=entered,
            output_bytes=left,
            elementwise=self.elementwise,
            dtype=DTYPES.get(floating[0], str(floating[0])),
        )


class Ledger:
    """Who is running, and what each module has done so far."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.parameters: dict[int, list[Tensor]] = {}
        for parameter in model.parameters():
            self.parameters.setdefault(storage(parameter), []).append(parameter)
        self.tallies: dict[str, Tally] = {}
        self.running: list[str] = []
        self.unknown: dict[str, str] = {}
        self.hidden = False

    def enter(self, name: str):
        """A pre-hook that puts the module on the stack."""

        def hook(module, args, kwargs):
            for caller in self.running[-1:]:
                self.tallies[caller].calls_others = True
            self.running.append(name)
            tally = self.tallies.setdefault(name, Tally())
            tally.across[0] += nbytes((args, kwargs))
            tally.dtype = next((x.dtype for x in tensors_in((args, kwargs))), None)

        return hook

    def leave(self, name: str):
        """A hook that takes the module, and what raised inside it, off the stack."""

        def hook(module, args, kwargs, out):
            tally = self.tallies[name]
            tally.across[1] += nbytes(out)
            unchanged = {id(x) for x in tensors_in(out)} <= {id(x) for x in tensors_in((args, kwargs))}
            if not tally.kinds and not tally.calls_others and not unchanged:
                self.unknown[name] = f"{type(module).__name__} works outside torch"
            del self.running[self.running.index(name) :]

        return hook

    def book(self, kind: str | None, macs: int, args, out, operation: str = "") -> None:
        """Add one operation to the module that is running."""
        if not self.running:
            return
        name = self.running[-1]
        tally = self.tallies[name]
        weights = [w for x in tensors_in(args) for w in self.parameters.get(storage(x), [])]
        tally.weights |= {id(weight): weight for weight in weights}
        if kind is None:
            module = type(self.model.get_submodule(name)).__name__
            self.unknown[name] = f"{module} calls {operation}, whose work is not counted"
        if kind == "attention" and weights:
            kind = "linear"  # a batched product with a weight, as einsum makes it
        tally.kinds.add(kind or "elementwise")
        tally.macs += macs
        if kind in ("norm", "elementwise"):
            tally.elementwise += max(x.numel() for x in tensors_in((args, out)))
        elif kind not in ("moving", None):
            activations = [x for x in tensors_in(args) if storage(x) not in self.parameters]
            tally.inside[0] += nbytes(activations)
            tally.inside[1] += nbytes(out)

    def counts(self) -> Counts:
        """The finished counts; parameters that nothing has read are named in ``unknown``."""
        read = {key for tally in self.tallies.values() for key in tally.weights}
        unknown = dict(self.unknown)
        for name, parameter in self.model.named_parameters():
            if id(parameter) not in read:
                reason = "has parameters that this input never reads; they are in .parameters only"
                unknown.setdefault(name.rpartition(".")[0], reason)
        return Counts(
            layers={n: tally.layer() for n, tally in self.tallies.items() if tally.kinds - {"moving"}},
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            weight_bytes=sum(parameter.nbytes for parameter in self.model.parameters()),
            unknown=unknown,
        )


def storage(tensor: Tensor) -> int:
    """What a tensor and its views have in common."""
    return tensor.untyped_storage()._cdata


def nbytes(value) -> int:
    """Bytes of the distinct tensors inside a nested value."""
    return sum({id(x): x.nbytes for x in tensors_in(value)}.values())
