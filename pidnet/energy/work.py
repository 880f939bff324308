"""The multiply-accumulates of any code while it runs: training steps, plans, repairs, monitors."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from pidnet.printing import Printed


@dataclass(eq=False, repr=False)
class Work(Printed):
    """What code has taken.

    Attributes
    ----------
    macs : int
        Multiply-accumulates; 0 until the code has run.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.Work(1200)
    Work: 1,200 MACs
    """

    macs: int = 0

    def _lines(self) -> list[str]:
        return [f"Work: {self.macs:,} MACs"]


@contextmanager
def counted_work() -> Generator[Work]:
    """Count the multiply-accumulates of all that torch does inside, whoever calls it.

    ``count`` is for one forward pass, layer by layer; this is for everything else, backward passes included.

    Yields
    ------
    Work
        Its ``macs`` are there when the code has run.

    Notes
    -----
    Matrix products, convolutions and attention, forward and backward, by
    ``torch.utils.flop_counter`` (2 operations a MAC), and systems of n linear equations as n^3 / 3 + n^2 k. Fused recurrent
    kernels and what NumPy does are not seen.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> with pn.energy.counted_work() as work:
    ...     _ = torch.ones(2, 3) @ torch.ones(3, 4)
    >>> work
    Work: 24 MACs
    """
    work = Work()
    more = {torch.ops.aten._linalg_solve_ex: _solve_operations, torch.ops.aten.addmm_: _product_operations}
    with FlopCounterMode(display=False, custom_mapping=more) as counter:
        yield work
    work.macs = counter.get_total_flops() // 2


def _product_operations(_sum: tuple, left: tuple, right: tuple, *_args, out_shape=None, **_options) -> int:
    """A matrix product added in place."""
    return 2 * left[0] * left[1] * right[1]


def _solve_operations(matrix: tuple, right: tuple, *_args, out_shape=None, **_options) -> int:
    """LU and two triangular solves."""
    n, columns = matrix[-1], right[-1]
    return 2 * (n**3 // 3 + n**2 * columns)
