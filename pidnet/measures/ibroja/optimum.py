"""I_BROJA: redundancy from the table that shares all source-target margins (Bertschinger et al. 2014)."""

from __future__ import annotations

import warnings

import numpy as np

from pidnet.execution.compiling import kernel
from pidnet.execution.threads import share_pairs
from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.measures.derivatives import Derivative, log2_ratio
from pidnet.measures.ibroja._attempts import find_minima
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables, values_of_units

MOST_ROWS = 3000  # of the linear system of a step, and there are some 50 steps
NEGLIGIBLE = 1e-15  # smaller cells are left out, and what that may change is added to the gap


def i_broja(tables: PairTables, *, tolerance: float = 1e-6) -> Atoms:
    """Decompose by I_BROJA: the least unique information that the margins with the target allow.

    Parameters
    ----------
    tables : PairTables
        Joint tables ``p`` of shape (pair, level1, level2, class).
    tolerance : float
        Gap in bits at which a pair is finished.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits, non-negative by theorem. The gap is proven for each pair.

    Raises
    ------
    ValueError
        If ``tolerance`` is not positive, or the tables have so many levels and classes that a pair takes longer than
        some minutes: before the work.

    Warns
    -----
    RuntimeWarning
        If pairs stay above ``tolerance``: how many. They keep their larger gap.

    Notes
    -----
    U1 = min I_q(Y;X1|X2) over all q with q(x1,y) = p(x1,y) and q(x2,y) = p(x2,y);  R = I(Y;X1) - U1.

    U1 = 0 exactly when source 2 is Blackwell-superior to source 1 about the target: whatever can be decided with X1
    can be decided as well with X2.

    A pair costs some 50 steps, each a linear system of as many rows as there are cells (x1, x2) or levels of both sources
    in all classes, (levels1 + levels2) * classes, whichever is less. On one core (4, 4, 10) takes 10 us, (40, 40, 3)
    0.2 s, (32, 32, 10) 2 s and (24, 24, 20) 9 s.

    The proof: the minimum lies between the value of a table with exact margins and that of a feasible dual point,
    both widened by their roundoff. U1 takes the former, and R is moved into
    [ max(0, I1 + I2 - I12), min(I1, I2) ], where it must lie.

    Source: Bertschinger, Rauh, Olbrich, Jost & Ay 2014, Entropy 16, 2161 (arXiv:1311.2852).

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> p = np.zeros((2, 2, 2))  # y = x1 AND x2 of fair bits
    >>> p[[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]] = 0.25
    >>> atoms = pn.decompose(p, measure="i_broja")
    >>> [round(float(x[0]), 4) for x in (atoms.redundancy, atoms.unique1, atoms.synergy)]
    [0.3113, 0.0, 0.5]
    >>> bool(atoms.gap[0] <= 1e-6)
    True
    """
    return solved(tables, tolerance)[0]


def solved(tables: PairTables, tolerance: float) -> tuple[Atoms, tuple[np.ndarray, ...]]:
    """The atoms, and the point where they were found: exp(lam), (pair, level1, class), and exp(mu), (pair, level2,
    class), 0 where a level is not taken, and Q, (pair, level1, level2). The optimal table is q = Q exp(lam) exp(mu)."""
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; expected a positive number of bits, such as 1e-6")
    minimum, gap, lam_PAY, mu_PBY, Q_PAB = _minimum_bits(tables.p, tolerance)
    atoms = _atoms(tables, minimum, gap)
    _warn_of_wide_gaps(gap, tolerance)
    taken1, taken2 = values_of_units(tables, lambda p_UXY: p_UXY > 0)
    return atoms, (np.where(taken1, np.exp2(lam_PAY), 0.0), np.where(taken2, np.exp2(mu_PBY), 0.0), Q_PAB)


def _atoms(tables: PairTables, minimum: np.ndarray, gap: np.ndarray) -> Atoms:
    """The atoms that go with the minimum, bits."""
    information1, information2 = values_of_units(tables, shannon.mutual_information)
    target, joint = shannon.entropy_and_joint_information(tables.p)
    unknown2 = target - information2  # H(Y|X2)
    least = np.maximum(0.0, information1 + information2 - joint)
    most = np.minimum(information1, information2)
    redundancy = np.minimum(np.maximum(information1 - (unknown2 + minimum), least), most)
    return complete_lattice((information1, information2, joint), redundancy, gap, "proven")


def i_broja_derivative(tables: PairTables, *, tolerance: float = 1e-6) -> Derivative:
    """The derivative of R = I1 - H(Y|X2) - min sum q log2(q/Q): the minimum changes with the margins as the dual
    point says (the envelope theorem), so that no table need be solved twice."""
    p_PAY, p_PBY = tables.p.sum(2), tables.p.sum(1)
    dual_PAY, dual_PBY = _minimum_bits(tables.p, tolerance)[2:4]
    p_PB = p_PBY.sum(2, keepdims=True)
    of_class = np.divide(p_PBY, p_PB, out=np.ones_like(p_PBY), where=p_PBY > 0)
    return Derivative(log2_ratio(p_PAY) - dual_PAY, np.log2(of_class) - dual_PBY)


def _minimum_bits(p_PABY: np.ndarray, tolerance: float) -> tuple[np.ndarray, ...]:
    """Upper end and width of the certified interval of min sum q log2(q/Q), each (pair,), the dual point, by
    which it changes with the margins, (pair, level1, class) and (pair, level2, class), and Q, (pair, level1, level2).
    """
    swapped = p_PABY.shape[2] > p_PABY.shape[1]
    if swapped:  # the kernels factor blocks of the size of source 2
        p_PABY = p_PABY.swapaxes(1, 2)
    pairs, levels1, levels2, classes = p_PABY.shape
    _check_size(levels1, levels2, classes)
    p1_PYA, p2_PYB = np.zeros((pairs, classes, levels1)), np.zeros((pairs, classes, levels2))
    left_out = np.zeros(pairs)
    share_pairs(lambda part: _add_cells(p_PABY[part], p1_PYA[part], p2_PYB[part], left_out[part]), pairs)
    upper, lower, *dual, Q = find_minima(p1_PYA, p2_PYB, tolerance * np.log(2))
    gap = (upper - lower) / np.log(2) + _change_by_mass(left_out, classes)
    first, second = (part.swapaxes(1, 2) / np.log(2) for part in (reversed(dual) if swapped else dual))
    Q_PAB = Q.reshape(pairs, levels1, levels2)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    return upper / np.log(2), gap, first, second, Q_PAB.swapaxes(1, 2) if swapped else Q_PAB


def _check_size(levels1: int, levels2: int, classes: int) -> None:
    rows = min(levels1 * levels2, (levels1 + levels2) * classes)
    if rows > MOST_ROWS:
        raise ValueError(
            f"i_broja of {levels1} x {levels2} levels and {classes} classes would solve systems of {rows:,} rows, at most "
            f"{MOST_ROWS:,} are taken; use fewer levels"
        )


@kernel("the margins of I_BROJA")
def _add_cells(p_PABY, p1_PYA, p2_PYB, left_out_P):
    """Add the cells to both margins, but for negligible ones, whose mass is left out."""
    pairs, levels1, levels2, classes = p_PABY.shape
    for pair in range(pairs):
        for a in range(levels1):
            for b in range(levels2):
                for y in range(classes):
                    p = p_PABY[pair, a, b, y]
                    if p < NEGLIGIBLE:
                        left_out_P[pair] += p
                    else:
                        p1_PYA[pair, y, a] += p
                        p2_PYB[pair, y, b] += p


def _change_by_mass(mass: np.ndarray, classes: int) -> np.ndarray:
    """How far a conditional entropy of the class can move with a probability mass, bits (twice the bound of
    Alhejji & Smith 2020, since both margins of the table move)."""
    return 2 * (mass * np.log2(classes) + shannon.entropy(np.stack([mass, 1 - mass], axis=-1)))


def _warn_of_wide_gaps(gap: np.ndarray, tolerance: float) -> None:
    wide = int(np.count_nonzero(~(gap <= tolerance)))
    if wide:
        warnings.warn(
            f"i_broja: {wide} of {len(gap)} pairs did not reach the tolerance of {tolerance:g} bits "
            f"(largest gap {gap.max():.3g}); select them by atoms.gap",
            RuntimeWarning,
            stacklevel=4,
        )
