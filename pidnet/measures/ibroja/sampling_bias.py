"""What finite samples add to the redundancy of I_BROJA."""

from __future__ import annotations

import numpy as np

from pidnet.execution.threads import share_pairs
from pidnet.measures.atoms import Atoms
from pidnet.measures.ibroja._curvature import fill_traces
from pidnet.measures.ibroja.optimum import solved
from pidnet.measures.sampling_bias import cells_that_count, unit_biases
from pidnet.tables.discrete import PairTables, values_of_units


def i_broja_bias(tables: PairTables, *, tolerance: float = 1e-6) -> np.ndarray:
    """What N samples add to R = I1 - H(Y|X2) - V on average, (pair,), bits, to second order:

        (K_1y - K_1 + K_2y - K_2 - K_y + 1 - tr(V'' Sigma)) / (2 N ln 2),

    with K the numbers of occupied cells and V = min sum q ln(q/Q), which bends as ``_curvature`` has it, scaled to the
    cells that can occur. R gains at least nothing and at most what the information of either source gains.
    """
    return i_broja_with_bias(tables, tolerance=tolerance)[1]


def i_broja_with_bias(tables: PairTables, *, tolerance: float = 1e-6) -> tuple[Atoms, np.ndarray]:
    """The atoms, and ``i_broja_bias`` where they were found: no pair is solved twice."""
    atoms, point = solved(tables, tolerance)
    trace = np.empty(len(tables))
    share_pairs(
        lambda part: fill_traces(tables.p[part], *(of[part] for of in point), trace[part]), len(tables)
    )
    cells = 1 - tables.p.any((1, 2)).sum(1)
    cells += sum(values_of_units(tables, lambda p: (p > 0).sum((1, 2)) - p.any(2).sum(1)))
    more = sum(
        values_of_units(tables, lambda p: cells_that_count(p, tables.samples).sum(1) - (p > 0).sum((1, 2)))
    )
    kept = 1 - np.divide(trace, cells, out=np.ones_like(trace), where=np.isfinite(trace) & (cells > 0))
    bias = kept * (cells + more) / (2 * tables.samples * np.log(2))
    return atoms, np.clip(bias, 0, np.minimum(*unit_biases(tables)).clip(0))
