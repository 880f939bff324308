"""How functions of numba are compiled: each piece once, and with a word for who waits.

A kernel is what Python calls; its machine code stays on disk for the next process. An inner function is what kernels
call. Numba would let LLVM optimize it by itself and then, with all that it calls, once more at every level of calls
above, and make it callable by itself; here LLVM sees it only within the kernel. Compilation takes a third of the time.
This overrides methods of numba that are not public: if they go, tests/execution says so.
"""

from __future__ import annotations

import ctypes
import gc
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


@ctypes.PYFUNCTYPE(ctypes.c_void_p, *[ctypes.c_void_p] * 3)
def _refuse(this: Any, args: Any, options: Any) -> Any:
    """What Python gets to call in place of an inner function; the error is printed."""
    raise TypeError("only kernels call this function; take its py_func in Python")


_REFUSED = ctypes.cast(_refuse, ctypes.c_void_p).value or 0


class _Called(JITCodeLibrary):
    """Code that LLVM neither links, nor optimizes, nor turns into instructions of the processor but where a kernel has
    it."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Only what linking needs."""
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Leave it as it is."""
        self._raise_if_finalized()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """What Python gets to call."""
        return _REFUSED

    @property
    def codegen(self) -> Any:
        """Where numba sets what a function needs when Python calls it: nothing."""
        return self

    def set_env(self, name: str, env: Any) -> None:
        """No environment."""

    def all_called(self) -> list[Any]:
        """These instructions, and those that they call."""
        return [self, *_all_called(self._linking_libraries)]


class _OfKernel(JITCodeLibrary):
    """Code that takes in all that it calls, at any depth."""

    def finalize(self) -> None:
        """Link, optimize and make instructions."""
        self._linking_libraries = _all_called(self._linking_libraries)
        super().finalize()


def _all_called(libraries: Any) -> list[Any]:
    """Libraries and those behind them, each once."""
    found: dict[Any, None] = {}
    for library in libraries:
        found.update(dict.fromkeys(library.all_called() if isinstance(library, _Called) else [library]))
    return list(found)


class _InnerCompiler(CompilerBase):
    """Numba's own steps, into such code."""

    library = _Called

    def define_pipelines(self) -> list[Any]:
        state = self.state
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return [DefaultPassBuilder.define_nopython_pipeline(state)]


class KernelCompiler(_InnerCompiler):
    """The same for kernels."""

    library = _OfKernel


def inner(function: Callable | None = None, *, fastmath: bool | set[str] = False) -> Any:
    """A function that kernels call; Python cannot, but for its ``py_func``."""
    make = njit(
        nogil=True,
        error_model="numpy",
        fastmath=fastmath,
        pipeline_class=_InnerCompiler,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )
    return make if function is None else make(function)


def kernel(name: str) -> Any:
    """A function that Python calls; who waits for its compilation reads its name."""

    def compiled(function: Callable) -> Any:
        _NAMES[function] = name
        return njit(
            cache=True, nogil=True, error_model="numpy", pipeline_class=KernelCompiler, no_cfunc_wrapper=True
        )(function)

    return compiled


class _Waiting(event.Listener):
    """A bar that counts the functions of a kernel while it is compiled; silent where the disk has it.

    Meanwhile garbage is not collected: a compiler makes millions of objects that stay, and looking through them again and
    again takes a quarter of the time."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.kernel: Any = None
        self.collecting = False

    def on_start(self, event: Any) -> None:
        """Open a bar where a kernel begins."""
        found = event.data["dispatcher"]
        if self.bar is None and found.py_func in _NAMES:
            self.kernel, self.collecting = found, gc.isenabled()
            gc.disable()
            self.bar = shown(doing=f"compiling {_NAMES[found.py_func]}, once", unit=" functions")

    def on_end(self, event: Any) -> None:
        """Count a function; close the bar where its kernel ends."""
        if self.bar is None:
            return
        self.bar.update()
        if event.data["dispatcher"] is self.kernel:
            self.bar.close()
            self.bar = self.kernel = None
            if self.collecting:
                gc.enable()


_NAMES: dict[Callable, str] = {}
event.register("numba:compile", _Waiting())
