"""Exact multiply-accumulates, weights and bytes of every layer, for one sample."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from pidnet.energy.ledger import Ledger, Tally, watched
from pidnet.networks.batches import example_inputs
from pidnet.networks.inputs import first_sample
from pidnet.networks.running import restored, run_or_say
from pidnet.printing import Printed, listed, number, table

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


@dataclass(frozen=True, repr=False)
class LayerCount(Printed):
    """One layer, per sample.

    Attributes
    ----------
    kind : str
        "attention", "recurrent", "conv", "linear", "embedding", "norm" or "elementwise".
    macs : int
        Multiply-accumulates of weights and matrix products (norms, biases, elementwise work: none).
    weight_bytes : int
        The parameters this layer reads, each once, with biases.
    input_bytes, output_bytes : int
        Activations that enter and leave; for a block that calls other layers, those of its own products only.
    elementwise : int
        Values that norms, activations, softmax and pooling produce or reduce.
    dtype : str
        "fp64", "fp32", "fp16", "bf16", "int8" or "binary", of the weights (of the input where there are none).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> layer = pn.energy.count(torch.nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 5, 5)).layers[""]
    >>> layer.kind, layer.macs
    ('conv', 162)
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


@dataclass(frozen=True, repr=False)
class Counts(Printed):
    """What one sample costs.

    Attributes
    ----------
    layers : dict of str to LayerCount
        By name in ``model.named_modules()``, in the order of the run.
    parameters, weight_bytes : int
        All parameters of the model, a shared one once.
    unknown : dict of str to str
        Modules whose work is not counted in full, with the reason.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.energy.count(pn.zoo.mlp(8, (4,), 2), torch.zeros(1, 8))
    Counts: 40 MACs and 46 parameters per sample
    layer  kind    MACs  weight bytes
    fc1    linear    32           144
    head   linear     8            40
    """

    layers: dict[str, LayerCount]
    parameters: int
    weight_bytes: int
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers, per sample."""
        return sum(layer.macs for layer in self.layers.values())

    def _lines(self) -> list[str]:
        rows = [
            {
                "layer": name or "(model)",
                "kind": layer.kind,
                "MACs": layer.macs,
                "weight bytes": layer.weight_bytes,
            }
            for name, layer in self.layers.items()
            if layer.kind != "elementwise"
        ]
        unknown = [f"not counted in full: {listed(self.unknown)}"] if self.unknown else []
        head = f"Counts: {number(self.macs)} MACs and {number(self.parameters)} parameters per sample"
        return [head, *table(rows), *unknown]


def count(model: nn.Module, example_input) -> Counts:
    """Count the multiply-accumulates (MACs), weights and bytes of every layer, per sample.

    Parameters
    ----------
    model : torch.nn.Module
        It is as before afterwards (modes, hooks, buffers), also when its forward raises.
    example_input : Tensor, tuple or dict of Tensor, or data
        With a leading batch axis; a tuple is positional, a dict by name. Of data as ``capture`` takes them, it is the
        x of the first batch; two tensors are positional where the model's ``forward`` can be called with two, a pair
        (x, y) otherwise. Only the first sample is run, in eval mode. A bare recurrent or attention module with
        ``batch_first=False`` has its batch on axis 1, as torch has it.

    Returns
    -------
    Counts
        Layer by layer, and of the whole model.

    Raises
    ------
    TypeError
        For what is no module or tensor.
    ValueError
        For inputs without a sample or on which the model fails.

    Notes
    -----
    Linear: in * out per row; convolution: in/groups * out * kernel per output place; recurrent: all weight
    matrices per time step; attention: projections and both products; embedding, norms and elementwise work: no
    MACs.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.energy.count(pn.zoo.mlp(8, (16,), 2), torch.zeros(1, 8))
    Counts: 160 MACs and 178 parameters per sample
    layer  kind    MACs  weight bytes
    fc1    linear   128           576
    head   linear    32           136
    """
    check_model(model)
    sample = first_sample(example_inputs(model, example_input), batch_axis(model))
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
        if parameter.numel() and id(parameter) not in read:
            reason = "has parameters that this input does not use; they count in parameters, not in a layer"
            unknown.setdefault(name.rpartition(".")[0], reason)
    return Counts(
        layers={name: layer_of(tally) for name, tally in ledger.tallies.items() if tally.kinds - {"moving"}},
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weight_bytes=sum(parameter.nbytes for parameter in model.parameters()),
        unknown=unknown,
    )
