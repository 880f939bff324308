"""How functions of numba are compiled: each piece once, and with a word for who waits.

A kernel is what Python calls; its machine code stays on disk for the next process. An inner function is what kernels
call. Numba would let LLVM optimize it by itself and then, with all that it calls, once more at every level of calls
above; here LLVM sees it only within the kernel, which halves the time of compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from tqdm import tqdm

from pidnet.progress import shown

# What the compiler may do to sums so that they use vector instructions; nan and inf keep their meaning.
FAST = {"nsz", "arcp", "contract", "reassoc"}


class _Called(JITCodeLibrary):
    """Code that LLVM optimizes where it is called."""

    def _optimize_final_module(self) -> None:
        pass


class _InnerCompiler(CompilerBase):
    """Numba's own steps, into such code."""

    def define_pipelines(self) -> list[Any]:
        state = self.state
        state.library = _Called(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return [DefaultPassBuilder.define_nopython_pipeline(state)]


def inner(function: Callable | None = None, *, fastmath: bool | set[str] = False) -> Any:
    """A function that kernels call. From Python it runs as well, slowly: nothing but tests should do that."""
    make = njit(nogil=True, error_model="numpy", fastmath=fastmath, pipeline_class=_InnerCompiler)
    return make if function is None else make(function)


def kernel(name: str) -> Any:
    """A function that Python calls; who waits for its compilation reads its name."""

    def compiled(function: Callable) -> Any:
        _NAMES[function] = name
        return njit(cache=True, nogil=True, error_model="numpy")(function)

    return compiled


class _Waiting(event.Listener):
    """A bar that counts the functions of a kernel while it is compiled; silent where the disk has it."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.kernel: Any = None

    def on_start(self, event: Any) -> None:
        """Open a bar where a kernel begins."""
        found = event.data["dispatcher"]
        if self.bar is None and found.py_func in _NAMES:
            self.kernel = found
            self.bar = shown(doing=f"compiling {_NAMES[found.py_func]}, once", unit=" functions")

    def on_end(self, event: Any) -> None:
        """Count a function; close the bar where its kernel ends."""
        if self.bar is None:
            return
        self.bar.update()
        if event.data["dispatcher"] is self.kernel:
            self.bar.close()
            self.bar = self.kernel = None


_NAMES: dict[Callable, str] = {}
event.register("numba:compile", _Waiting())
