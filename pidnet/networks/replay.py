"""Run a network again and again without computing anew what cannot have changed.

Whoever goes through a network from front to back, as repairs do, has what has run before the layer at hand settled. Its outputs
are remembered, and the modules that made them give them back instead of running, so that all layers together take
about one run of the network and not one each. No graph is needed: whatever stands between modules runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.networks.hooks import surround_calls
from pidnet.networks.inputs import Inputs, mapped, tensors_in
from pidnet.networks.running import run

MOST_BYTES = 192e6


class StopForward(Exception):
    """Everything that was asked for has been seen."""


class Replay:
    """A model and its batches, with what has been computed on the way to the layer reached so far.

    model: may change from that layer on, and only there. most: bytes that are remembered in all; what does not fit is
    computed anew each time.
    """

    def __init__(self, model: nn.Module, batches: Sequence[Inputs], most: float = MOST_BYTES) -> None:
        self.model, self.batches, self.most = model, batches, most
        self._made: list[dict[str, Any]] = [{} for _ in batches]
        self._bytes = 0

    @torch.no_grad()
    def reach(self, name: str) -> None:
        """Go on until the layer is about to run; every module that has finished by then is settled."""
        for number in range(len(self.batches)):
            self._reach(name, self._made[number], number)

    def run(self, number: int, model: nn.Module | None = None) -> Any:
        """The output for one batch. model: another one with the same modules up to the layer reached."""
        model = model or self.model
        with self._settled(model, number):
            return run(model, self.batches[number])

    def _reach(self, name: str, made: dict[str, Any], number: int) -> None:
        running: list[str] = []

        def enter(module: str, *_: Any) -> None:
            if module == name:
                raise StopForward
            running.append(module)

        def leave(module: str, layer: nn.Module, _arguments: tuple, _keywords: dict, output: Any) -> None:
            if running and running[-1] == module:
                running.pop()
                if module not in made and output is not None:
                    self._remember(made, module, output, running[-1] if running else "")

        with surround_calls(self.model, enter, leave), suppress(StopForward):
            self.run(number)

    def _remember(self, made: dict[str, Any], module: str, output: Any, caller: str) -> None:
        """Keep an output in place of those of the modules inside, and of the one before it in a Sequential."""
        inside = [name for name in made if name.startswith(f"{module}.") or (not module and name)]
        before = [name for name in self._before(module, caller) if name in made]
        more = _size(output) - sum(_size(made[name]) for name in inside + before)
        if not isinstance(output, Tensor | tuple) or self._bytes + more > self.most:
            return
        for name in inside:
            del made[name]
        made.update(dict.fromkeys(before))
        made[module] = _copied(output)
        self._bytes += more

    def _before(self, module: str, caller: str) -> list[str]:
        """The modules before one of a Sequential."""
        parent = self.model.get_submodule(caller)
        names = [f"{caller}.{key}".lstrip(".") for key in parent._modules]
        return names[: names.index(module)] if type(parent) is nn.Sequential and module in names else []

    @contextmanager
    def _settled(self, model: nn.Module, number: int) -> Generator[None]:
        """Settled modules give back what they made, each at its first call."""
        with ExitStack() as stack:
            for name, output in self._made[number].items():
                module = model.get_submodule(name)
                vars(module)["forward"] = _given(output, module.forward)
                stack.callback(vars(module).pop, "forward")
            yield


def _size(output: Any) -> int:
    """Bytes of all tensors in an output."""
    return sum(tensor.nbytes for tensor in tensors_in(output))


def _given(output: Any, forward: Callable) -> Callable:
    """A forward that gives the output back at its first call, and runs afterwards."""
    left = [output]

    def give(*arguments: Any, **keywords: Any) -> Any:
        return _copied(left.pop()) if left else forward(*arguments, **keywords)

    return give


def _copied(output: Any) -> Any:
    """A copy: whoever gets it may change it in place."""
    return mapped(lambda tensor: tensor.detach().clone(), output)
