"""Compilation: results as in Python, a word where a kernel is compiled, silence where it is there."""

import gc
import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.errors import TypingError

from pidnet.execution import compiling
from tests.kernels import alone, compiled

SCRIPT = """
import numpy as np
from pidnet import progress
progress.QUIET = 0
from pidnet.tables import shannon
print(shannon.source_informations(np.full((1, 2, 2, 2), 0.125))[2][0])
"""


def test_inner_functions_compute_what_python_computes():
    @compiling.inner(fastmath=compiling.FAST)
    def scaled(values, factor):
        total = 0.0
        for value in values:
            total += factor * value
        return total

    @compiling.inner
    def twice(values):
        return scaled(values, 2.0)

    values = np.arange(7.0)
    assert alone(twice)(values) == 42.0
    assert alone(scaled)(values, 2.0) == scaled.py_func(values, 2.0) == 42.0


def test_inner_functions_are_linked_only_in_their_kernel():
    @compiling.inner
    def one_more(x):
        return x + 1

    @compiling.inner
    def two_more(x):
        return one_more(one_more(x))

    assert alone(two_more)(1) == 3
    code = next(iter(two_more.overloads.values())).library.get_llvm_str()
    assert [line for line in code.splitlines() if line.startswith("declare") and "one_more" in line]


def test_python_cannot_call_an_inner_function():
    """In a process of its own: what is raised where numba calls back is printed, not passed on."""
    code = "from pidnet.significance.expected_information import n_ln_n; n_ln_n(1.0)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "only kernels call this function; take its py_func in Python" in found.stderr


def run_in(folder):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )


def test_the_first_process_reads_what_is_compiled_and_the_second_one_nothing(tmp_path):
    first, second = run_in(tmp_path), run_in(tmp_path)
    assert float(first.stdout) == float(second.stdout) == pytest.approx(0.0, abs=1e-12)
    assert "compiling informations, once" in first.stderr
    assert second.stderr == ""


@pytest.fixture
def bars(monkeypatch):
    """The bars that were opened, in place of those on the screen."""

    class Bar:
        def __init__(self, doing, **_):
            self.doing, self.count, self.open, self.collected = doing, 0, True, gc.isenabled()
            opened.append(self)

        def update(self):
            self.count += 1
            self.collected |= gc.isenabled()

        def close(self):
            self.open = False

    opened = []
    monkeypatch.setattr(compiling, "shown", Bar)
    return opened


def named(function, monkeypatch):
    """A kernel without a place on the disk, since the functions of a test have none."""
    monkeypatch.setitem(compiling._NAMES, function, "a kernel")
    return compiled(function)


@compiling.inner
def plus(x, y):
    return x + y


def test_a_bar_counts_functions_and_goes_with_its_kernel(bars, monkeypatch):
    kernel = named(lambda x: plus(x, x), monkeypatch)
    assert kernel(2) == kernel(3) - 2 == 4
    (bar,) = bars
    assert (bar.doing, bar.count >= 1, bar.open) == ("compiling a kernel, once", True, False)


def test_a_bar_goes_where_compilation_fails(bars, monkeypatch):
    kernel = named(lambda x: plus(x, x).no_such_field, monkeypatch)
    with pytest.raises(TypingError):
        kernel(2)
    assert [bar.open for bar in bars] == [False]


def test_garbage_waits_for_the_compiler(bars, monkeypatch):
    assert gc.isenabled()
    named(lambda x: plus(x, x), monkeypatch)(2)
    with pytest.raises(TypingError):
        named(lambda x: plus(x, x).no_such_field, monkeypatch)(2)
    assert [bar.collected for bar in bars] == [False, False]
    assert gc.isenabled()
