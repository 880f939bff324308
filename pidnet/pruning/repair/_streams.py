"""What a layer outputs, and the stream that it feeds: the sum that its output, normed or not, is added to."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs
from pidnet.networks.kinds import BATCHNORMS, Weighted
from pidnet.networks.replay import Replay, StopForward
from pidnet.networks.running import run

SUMS = {"add", "add_", "__add__", "__iadd__", "__radd__"}
RECTIFIERS = {"relu", "relu_"}


@dataclass(eq=False)
class Call:
    """One call of a layer: what entered, what came out, and what became of that.

    norm: the BatchNorm right behind the layer, or empty. total: the sum that its output or that of its norm is a part
    of, None where it is added to nothing. rectified: whether a ReLU follows the sum.
    """

    layer: str
    entering: Tensor
    output: Tensor
    norm: str = ""
    total: Tensor | None = None
    rectified: bool = False


class Watch(TorchFunctionMode):
    """Follows what some layers output, by the identity of tensors; ``calls`` in the order in which they run."""

    def __init__(self, expected: Sequence[Call] = ()) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._expected = expected
        # Tensors are held, so that no other one takes their identity.
        self._at: dict[int, tuple[Tensor, list[Call]]] = {}

    def see(self, name: str, _layer: Weighted, entering: Tensor, output: Tensor) -> None:
        """A layer that is followed has run."""
        # What comes later may change its output in place.
        call = Call(name, entering, output.clone() if output.requires_grad else output.detach().clone())
        self.calls.append(call)
        self._at[id(output)] = (output, [call])
        self._stop()

    def normed(self, name: str, _norm: nn.Module, arguments: tuple, output: Tensor) -> None:
        """A BatchNorm has run: what it outputs is followed too."""
        for call in self._followed(arguments[0]) if arguments else ():
            call.norm = call.norm or name
            self._at.setdefault(id(output), (output, []))[1].append(call)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Follow sums and ReLUs."""
        name = getattr(func, "__name__", "")
        terms = [call for term in args[:2] for call in self._followed(term)] if name in SUMS else []
        before = self._followed(args[0]) if name in RECTIFIERS and args else []
        result = func(*args, **(kwargs or {}))
        for call in terms:
            if call.total is None and result.shape == call.output.shape and not (kwargs or {}).get("alpha"):
                call.total = result.clone()
                self._at.setdefault(id(result), (result, []))[1].append(call)
        for call in before:
            call.rectified = call.rectified or call.total is not None
        if terms:
            self._stop()
        return result

    def _followed(self, value: Any) -> list[Call]:
        found = self._at.get(id(value))
        return list(found[1]) if found and found[0] is value else []

    def _stop(self) -> None:
        """Stop the run where all that is expected has been seen."""
        if self._expected and len(self.calls) == len(self._expected):
            pairs = zip(self.calls, self._expected, strict=True)
            if all(wanted.total is None or call.total is not None for call, wanted in pairs):
                raise StopForward


@contextmanager
def _following(model: nn.Module, names: Iterable[str], watch: Watch) -> Generator[None]:
    with record_calls(model, names, watch.see), ExitStack() as stack:
        for name, module in model.named_modules():
            if isinstance(module, BATCHNORMS):
                stack.callback(module.register_forward_hook(partial(watch.normed, name)).remove)
        stack.enter_context(watch)
        yield


@torch.no_grad()
def survey(model: nn.Module, names: Iterable[str], x: Inputs) -> list[Call]:
    """Every call of these layers in one run on x, in order."""
    watch = Watch()
    with _following(model, names, watch):
        run(model, x)
    return watch.calls


def watched(replay: Replay, number: int, expected: Sequence[Call]) -> list[Call]:
    """The same calls in the run of one batch, which stops after the last of them."""
    watch = Watch(expected)
    with _following(replay.model, {call.layer for call in expected}, watch), suppress(StopForward):
        replay.run(number)
    return watch.calls
