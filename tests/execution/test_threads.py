"""Sharing pairs among threads."""

import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from pidnet.execution import threads
from pidnet.execution.threads import share_blocks, share_pairs


@pytest.mark.parametrize("pairs", [0, 1, 15, 16, 17, 1000])
def test_every_pair_is_visited_once(pairs):
    visits = np.zeros(pairs, int)

    def visit(part):
        visits[part] += 1

    share_pairs(visit, pairs)
    assert (visits == 1).all()


def test_many_pairs_use_the_threads_of_numba():
    names = set()
    started = threading.Barrier(numba.get_num_threads(), timeout=100)

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
    subprocess.run([sys.executable, "-c", program], check=True, timeout=600)


def test_blocks_come_in_order_each_on_a_thread_of_its_own(monkeypatch):
    monkeypatch.setattr(threads, "numba_threads", lambda: 3)
    at_once, together = threading.Barrier(3, timeout=100), []

    def work(block):
        if block < 3:
            at_once.wait()
        together.append(numba.get_num_threads())
        return 2 * block

    assert list(share_blocks(work, iter(range(20)))) == [2 * block for block in range(20)]
    assert set(together) == {1}


def test_few_blocks_are_under_way(monkeypatch):
    monkeypatch.setattr(threads, "numba_threads", lambda: 2)
    taken = []
    results = share_blocks(lambda block: block, (taken.append(k) or k for k in range(10)))
    assert next(results) == 0
    assert taken == [0, 1, 2]
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_of_a_block_is_not_lost(monkeypatch, workers):
    monkeypatch.setattr(threads, "numba_threads", lambda: workers)
    with pytest.raises(ZeroDivisionError):
        list(share_blocks(lambda block: 1 // block, range(4)))
