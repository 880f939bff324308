"""Sharing pairs among threads."""

import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from pidnet.execution.threads import share_pairs


@pytest.mark.parametrize("pairs", [0, 1, 15, 16, 17, 1000])
def test_every_pair_is_visited_once(pairs):
    visits = np.zeros(pairs, int)

    def visit(part):
        visits[part] += 1

    share_pairs(visit, pairs)
    assert (visits == 1).all()


def test_many_pairs_use_the_threads_of_numba():
    names = set()
    started = threading.Barrier(numba.get_num_threads(), timeout=10)

    def visit(part):
        if threading.current_thread().name not in names:
            names.add(threading.current_thread().name)
            started.wait()

    share_pairs(visit, 1000)
    assert len(names) == numba.get_num_threads()


def test_a_failure_is_not_lost():
    def fail(part):
        raise ArithmeticError("part failed")

    with pytest.raises(ArithmeticError, match="part failed"):
        share_pairs(fail, 1000)


def test_torch_keeps_its_number_of_threads():
    """A training that is watched must go on as it would alone; numba starts its team once a process."""
    program = (
        "import torch; from pidnet.execution.threads import share_pairs; torch.set_num_threads(1);"
        "share_pairs(lambda part: None, 100); assert torch.get_num_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
