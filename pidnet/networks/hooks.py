"""See what runs inside a model: hooks that are gone when the block ends, also when it raises."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from pidnet.networks.kinds import Weighted


@contextmanager
def record_calls(
    model: nn.Module, names: Iterable[str], see: Callable[[str, Weighted, Tensor, Tensor], None]
) -> Generator[None]:
    """Call ``see(name, layer, input, output)`` whenever one of the named layers has run."""
    with ExitStack() as stack:
        for name in names:
            hook = model.get_submodule(name).register_forward_hook(
                lambda layer, inputs, output, name=name: see(name, layer, inputs[0], output)
            )
            stack.callback(hook.remove)
        yield


@contextmanager
def surround_calls(
    model: nn.Module,
    enter: Callable[[str, nn.Module, tuple, dict], None],
    leave: Callable[[str, nn.Module, tuple, dict, Any], None],
) -> Generator[None]:
    """Call ``enter(name, module, arguments, keywords)`` before every module runs and ``leave(name, module,
    arguments, keywords, output)`` after it; the output of a module that raised is None."""
    with ExitStack() as stack:
        for name, module in model.named_modules():
            before = module.register_forward_pre_hook(partial(enter, name), with_kwargs=True)
            after = module.register_forward_hook(partial(leave, name), with_kwargs=True, always_call=True)
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield
