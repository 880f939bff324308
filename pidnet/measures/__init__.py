"""Stage 4: tables -> atoms. A measure is a plain function; ``MEASURES`` names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pidnet.choices import find_choice, name_of
from pidnet.measures.atoms import Atoms
from pidnet.measures.blackwell import dominates
from pidnet.measures.derivatives import Derivative
from pidnet.measures.dit import LatticeAtoms, decompose_dit
from pidnet.measures.ibroja.optimum import i_broja, i_broja_derivative
from pidnet.measures.iccs import i_ccs, i_ccs_derivative
from pidnet.measures.imin import i_min, i_min_derivative
from pidnet.measures.immi import i_mmi, i_mmi_derivative
from pidnet.tables.discrete import PairTables

__all__ = [
    "MEASURES",
    "Atoms",
    "LatticeAtoms",
    "decompose",
    "decompose_dit",
    "dominates",
    "i_broja",
    "i_ccs",
    "i_min",
    "i_mmi",
]

Measure = Callable[[PairTables], Atoms]

MEASURES: dict[str, Measure] = {
    "i_min": i_min,
    "i_mmi": i_mmi,
    "i_broja": i_broja,
    "i_ccs": i_ccs,
}

DERIVATIVES: dict[Measure, Callable[[PairTables], Derivative]] = {
    i_min: i_min_derivative,
    i_mmi: i_mmi_derivative,
    i_broja: i_broja_derivative,
    i_ccs: i_ccs_derivative,
}


def find_measure(measure: str | Measure) -> Measure:
    """The function behind a name; a function is returned as it is.

    Raises ValueError for an unknown name, with the known ones, and TypeError for something that is neither.
    """
    return find_choice("measure", measure, MEASURES)


def decompose(p: np.ndarray, measure: str | Measure = "i_broja") -> Atoms:
    """Decompose what two sources say about a target.

    p: joint table (x1, x2, y), or a batch (pair, x1, x2, y); each table sums to 1.
    measure: a name in ``MEASURES`` or a function from PairTables to Atoms.
    Returns Atoms with fields of shape (pair,), in bits.
    Raises ValueError for tables of another shape, negative, not finite or not normalized.
    """
    function = find_measure(measure)
    p_PABY = check_tables(p)
    none = np.full((len(p_PABY), 2), -1)
    return decompose_tables(PairTables(pairs=none, p=p_PABY), function)


def decompose_tables(tables: PairTables, measure: Measure) -> Atoms:
    """The atoms of some pairs. Raises TypeError where a measure of one's own returns something else."""
    atoms = measure(tables)
    if not isinstance(atoms, Atoms) or len(atoms) != len(tables):
        found = f"Atoms of {len(atoms)} pairs" if isinstance(atoms, Atoms) else f"a {type(atoms).__name__}"
        raise TypeError(
            f"the measure {name_of(measure)} returned {found}; expected Atoms of {len(tables)} pairs"
        )
    return atoms


def check_tables(p: np.ndarray) -> np.ndarray:
    """Tables as float64 (pair, x1, x2, y), or ValueError with what is wrong and where."""
    exact = np.asarray(p).dtype.itemsize > 2  # half precision sums to 1 within a percent at best
    p = np.asarray(p, dtype=np.float64)
    if p.ndim not in (3, 4) or 0 in p.shape[-3:]:
        raise ValueError(f"p has shape {p.shape}; expected (x1, x2, y) or (pair, x1, x2, y)")
    p = p.reshape(-1, *p.shape[-3:])
    totals = p.sum((1, 2, 3))
    for what, bad in (
        ("values that are not finite", ~np.isfinite(p).all((1, 2, 3))),
        ("negative values", (p < 0).any((1, 2, 3))),
        ("a sum other than 1", np.abs(totals - 1) > (1e-6 if exact else 1e-2)),
    ):
        if bad.any():
            first = int(bad.argmax())
            remedy = "divide counts by their sum" if "sum" in what else "expected probabilities, 0 to 1"
            raise ValueError(f"p[{first}] has {what} (its sum is {totals[first]:.6g}); {remedy}")
    return p / totals[:, None, None, None]
