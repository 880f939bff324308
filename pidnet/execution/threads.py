"""Sharing the pairs of a batch among threads; the compiled kernels release the interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numba
import torch

from pidnet.execution.blocks import FEWEST_PAIRS, PARTS_PER_WORKER

Block = TypeVar("Block")
Result = TypeVar("Result")


def share_pairs(work: Callable[[slice], None], pairs: int) -> None:
    """Call ``work`` on slices that cover range(pairs), on as many threads as numba is set to use.

    An exception in one part is raised here once the others have ended.
    """
    workers = numba_threads()
    size = max(FEWEST_PAIRS, -(-pairs // (workers * PARTS_PER_WORKER)))
    parts = [slice(first, min(first + size, pairs)) for first in range(0, pairs, size)]
    if workers == 1 or len(parts) <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, parts))


def share_blocks(work: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """What ``work`` makes of each block, in order, on as many threads as numba is set to use, each with a block of its own:
    for work of which only a part is in kernels. One block more than threads is under way.
    """
    workers = numba_threads()
    if workers == 1:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(workers, initializer=numba.set_num_threads, initargs=(1,)) as pool:
        running: deque[Future[Result]] = deque()
        for block in blocks:
            running.append(pool.submit(work, block))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def numba_threads() -> int:
    """How many threads numba is set to use. Asking for the first time starts its team, and where torch shares the
    OpenMP library torch would use as many from then on, so that sums of a running training come out otherwise."""
    of_torch, found = torch.get_num_threads(), numba.get_num_threads()
    if torch.get_num_threads() != of_torch:
        torch.set_num_threads(of_torch)
    return found
