"""Who does what while a model runs: every torch operation, booked on the module that calls it.

The function mode sees the recurrent calls and, by being there, keeps nn.TransformerEncoder off its fused
path; the dispatch mode sees every other operation, whoever called it: a module, a functional call, ``@``,
einsum or a Hugging Face block. A call belongs to the innermost module that is running, so nothing is booked
twice.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pidnet.energy.operations import LEAVING, RECURRENT, kind_of, macs_of, recurrent_macs
from pidnet.networks.hooks import surround_calls
from pidnet.networks.inputs import tensors_in


@contextmanager
def watched(model: nn.Module, ledger: Ledger) -> Generator[None]:
    """Every operation inside is booked on the module that runs it."""
    with surround_calls(model, ledger.enter, ledger.leave), DispatchWatch(ledger), FunctionWatch(ledger):
        yield


class FunctionWatch(TorchFunctionMode):
    """Books recurrent calls, and hides their insides from the dispatch watch."""

    def __init__(self, ledger: Ledger):
        super().__init__()
        self.ledger = ledger

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in LEAVING:
            self.ledger.book(None, 0, args, (), operation=f"Tensor.{name}")
        if name not in RECURRENT:
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
        if self.ledger.hidden:
            return func(*args, **(kwargs or {}))
        kind = kind_of(func, args)
        if kind is None:
            with self:  # under inference_mode, composite operations arrive whole
                out = func.decompose(*args, **(kwargs or {}))
            if out is not NotImplemented:
                return out
        out = func(*args, **(kwargs or {}))
        self.ledger.book(kind, macs_of(kind, func, args, out), args, out, operation=str(func))
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
    norm: bool = False
    dtype: torch.dtype | None = None


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

    def enter(self, name: str, module: nn.Module, args: tuple, kwargs: dict) -> None:
        """Put a module on the stack."""
        for caller in self.running[-1:]:
            self.tallies[caller].calls_others = True
        self.running.append(name)
        tally = self.tallies.setdefault(name, Tally())
        tally.norm = "norm" in type(module).__name__.lower() and next(module.children(), None) is None
        tally.across[0] += nbytes((args, kwargs))
        tally.dtype = next((x.dtype for x in tensors_in((args, kwargs))), None)

    def leave(self, name: str, module: nn.Module, args: tuple, kwargs: dict, out: Any) -> None:
        """Take a module off the stack, also when it raised."""
        tally = self.tallies[name]
        tally.across[1] += nbytes(out)
        unchanged = {id(x) for x in tensors_in(out)} <= {id(x) for x in tensors_in((args, kwargs))}
        if not tally.kinds and not tally.calls_others and not unchanged:
            self.unknown[name] = f"{type(module).__name__} does no torch operation that could be counted"
        self.running.pop()

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


def storage(tensor: Tensor) -> int:
    """What a tensor and its views have in common."""
    return tensor.untyped_storage()._cdata


def nbytes(value) -> int:
    """Bytes of the distinct tensors inside a nested value."""
    return sum({id(x): x.nbytes for x in tensors_in(value)}.values())
