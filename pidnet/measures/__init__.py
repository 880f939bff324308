"""Stage 4: tables -> atoms. A measure is a function with what is known about it; ``MEASURES`` names them."""

from __future__ import annotations

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.measures import imin, immi
from pidnet.measures.atoms import Atoms
from pidnet.measures.axioms import Axiom, MeasureCheck, check_measure
from pidnet.measures.blackwell import dominates
from pidnet.measures.dit import LatticeAtoms, decompose_dit
from pidnet.measures.ibroja.optimum import i_broja, i_broja_derivative
from pidnet.measures.ibroja.sampling_bias import i_broja_bias, i_broja_with_bias
from pidnet.measures.iccs import i_ccs, i_ccs_derivative
from pidnet.measures.imin import i_min, i_min_bias, i_min_derivative
from pidnet.measures.immi import i_mmi, i_mmi_bias, i_mmi_derivative
from pidnet.measures.measure import Measure, MeasureLike, as_measure
from pidnet.measures.smaller_terms import SmallerTerms
from pidnet.printing import Registry
from pidnet.tables.discrete import PairTables

__all__ = [
    "MEASURES",
    "Atoms",
    "Axiom",
    "LatticeAtoms",
    "Measure",
    "MeasureCheck",
    "check_measure",
    "decompose",
    "decompose_dit",
    "dominates",
    "i_broja",
    "i_ccs",
    "i_min",
    "i_mmi",
]

MEASURES: dict[str, Measure] = Registry(
    "measures of tables",
    {
        measure.name: measure
        for measure in (
            Measure(
                "i_min",
                i_min,
                i_min_derivative,
                i_min_bias,
                margins_only=True,
                nonnegative=True,
                source="Williams & Beer 2010 (arXiv:1004.2515)",
                guarantee="expected minimum of specific information, closed form",
            ),
            Measure(
                "i_mmi",
                i_mmi,
                i_mmi_derivative,
                i_mmi_bias,
                margins_only=True,
                nonnegative=True,
                kinks="smaller information",
                source="Barrett 2015 (arXiv:1411.2832)",
                guarantee="R = min(I1, I2), closed form",
            ),
            Measure(
                "i_broja",
                i_broja,
                i_broja_derivative,
                i_broja_bias,
                i_broja_with_bias,
                margins_only=True,
                nonnegative=True,
                source="Bertschinger, Rauh, Olbrich, Jost & Ay 2014 (arXiv:1311.2852)",
                guarantee="least unique information, with a proven gap for each pair",
            ),
            Measure(
                "i_ccs",
                i_ccs,
                i_ccs_derivative,
                source="Ince 2017 (arXiv:1602.05063)",
                guarantee="common change in surprisal, with an estimated gap for each pair",
            ),
        )
    },
)

_OF_UNITS = ((i_min, imin.OF_UNITS), (i_mmi, immi.OF_UNITS))


def terms_of_units(measure: Measure) -> SmallerTerms | None:
    """How a measure follows from the tables of single units; None for measures that need those of pairs. Maps by the others
    hold no tables of pairs."""
    return next((of_units for function, of_units in _OF_UNITS if function is measure.function), None)


def find_measure(measure: MeasureLike) -> Measure:
    """The measure behind a name; a function is wrapped, and one of ours keeps what is known about it.

    Raises ValueError for an unknown name, with the known ones, and TypeError for something that is neither.
    """
    return as_measure(measure, MEASURES)


def decompose(p: np.ndarray, measure: MeasureLike = "i_broja") -> Atoms:
    """Decompose what two sources carry about a target.

    Parameters
    ----------
    p : ndarray
        Joint table (x1, x2, y), or a batch (pair, x1, x2, y); each table sums to 1.
    measure : str, Measure or callable
        A name in ``MEASURES`` or a function from PairTables to Atoms.

    Returns
    -------
    Atoms
        Fields of shape (pair,), in bits.

    Raises
    ------
    ValueError
        For an unknown measure, or tables of another shape, negative, not finite or not normalized.
    TypeError
        For a measure of one's own that returns something else.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> copies = np.zeros((2, 2, 2))
    >>> copies[0, 0, 0] = copies[1, 1, 1] = 1 / 2
    >>> pn.decompose(copies, measure="i_min").redundancy
    array([1.])
    """
    check_arguments(decompose, locals())
    found = find_measure(measure)
    p_PABY = check_tables(p)
    none = np.full((len(p_PABY), 2), -1)
    return found(PairTables(pairs=none, p=p_PABY))


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
