"""Exact multiply-accumulates, weights and bytes of every layer, for one sample."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from pidnet.energy.ledger import Ledger, Tally, watched
from pidnet.networks.inputs import first_sample
from pidnet.networks.running import restored, run_or_say

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
    check_model(model)
    sample = first_sample(example_input, batch_axis(model))
    ledger = Ledger(model)
    with restored(model), torch.no_grad(), watched(model, ledger):
        run_or_say(model, sample)
    return counts_of(model, ledger)


def check_model(model) -> None:
    """TypeError for what cannot be watched, ValueError for parameters that have no size yet."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; expected a torch.nn.Module")
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise TypeError(f"module {name!r} is scripted; count the torch.nn.Module it was made from")
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(f"parameter {name!r} has no size yet; run the model once on an example before")


def batch_axis(model: nn.Module) -> int:
    """Where a model has its batch: 1 for a bare torch module with ``batch_first=False``, else 0."""
    return 0 if getattr(model, "batch_first", True) else 1


def layer_of(tally: Tally) -> LayerCount:
    """The finished row of one module."""
    kind = next((kind for kind in PRECEDENCE if kind in tally.kinds), "elementwise")
    if kind == "elementwise" and tally.norm:
        kind = "norm"  # some norms are a handful of elementwise operations
    entered, left = tally.inside if tally.calls_others else tally.across
    dtype = next((weight.dtype for weight in tally.weights.values()), tally.dtype)
    return LayerCount(
        kind=kind,
        macs=tally.macs,
        weight_bytes=sum(weight.nbytes for weight in tally.weights.values()),
        input_bytes=entered,
        output_bytes=left,
        elementwise=tally.elementwise,
        dtype=DTYPES.get(dtype, str(dtype)),
    )


def counts_of(model: nn.Module, ledger: Ledger) -> Counts:
    """The finished counts; parameters that nothing has read are named in ``unknown``."""
    read = {key for tally in ledger.tallies.values() for key in tally.weights}
    unknown = dict(ledger.unknown)
    for name, parameter in model.named_parameters():
        if id(parameter) not in read:
            reason = "has parameters that this input never reads; they are in .parameters only"
            unknown.setdefault(name.rpartition(".")[0], reason)
    return Counts(
        layers={name: layer_of(tally) for name, tally in ledger.tallies.items() if tally.kinds - {"moving"}},
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weight_bytes=sum(parameter.nbytes for parameter in model.parameters()),
        unknown=unknown,
    )
