"""What only kernels call, made callable for tests."""

from collections.abc import Callable

from numba import njit

from pidnet.execution.compiling import KernelCompiler


def compiled(function: Callable) -> Callable:
    """A function that may call inner ones, compiled and not kept."""
    return njit(nogil=True, error_model="numpy", pipeline_class=KernelCompiler)(function)


def alone(inner: Callable) -> Callable:
    """An inner function, for Python to call."""
    return compiled(lambda *args: inner(*args))
