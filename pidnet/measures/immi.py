"""I_mmi: redundancy as the smaller of the two informations (Barrett 2015)."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.measures.derivatives import Derivative, log2_ratio
from pidnet.measures.sampling_bias import difference_error, information_bias
from pidnet.measures.smaller_terms import SmallerTerms, bias_of_smaller
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables, values_of_units


def i_mmi(tables: PairTables) -> Atoms:
    """Decompose by I_mmi: the smaller of the two informations is redundant.

    Parameters
    ----------
    tables : PairTables
        Joint tables ``p`` of shape (pair, level1, level2, class).

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. The gap is exact: 0, a closed form.

    Notes
    -----
    R = min( I(Y;X1), I(Y;X2) ), the largest redundancy that leaves no atom of a source negative; the cheap
    reference for the other measures.

    Source: Barrett 2015, Phys. Rev. E 91, 052802 (arXiv:1411.2832), Sec. III.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> p = np.zeros((2, 2, 2))  # y = x1 AND x2 of fair bits
    >>> p[[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]] = 0.25
    >>> round(float(pn.decompose(p, measure="i_mmi").redundancy[0]), 4)
    0.3113
    """
    informations = shannon.source_informations(tables.p)
    return complete_lattice(informations, np.minimum(*informations[:2]))


def i_mmi_derivative(tables: PairTables) -> Derivative:
    """The derivative of R: that of the smaller information."""
    p_PAY, p_PBY = tables.p.sum(2), tables.p.sum(1)
    first_is_less = shannon.mutual_information(p_PAY) <= shannon.mutual_information(p_PBY)
    chosen = first_is_less[:, None, None]
    return Derivative(chosen * log2_ratio(p_PAY), ~chosen * log2_ratio(p_PBY))


def i_mmi_bias(tables: PairTables) -> np.ndarray:
    """What N samples add to R on average, (pair,), bits: the bias of the smaller information, less what taking the
    smaller of two that scatter loses."""
    terms = values_of_units(tables, _information)
    biases = values_of_units(tables, lambda p_UXY: _bias(p_UXY, tables.samples))
    return bias_of_smaller(terms, biases, difference_error(tables)[:, None])


def _information(p_UXY: np.ndarray) -> np.ndarray:
    return shannon.mutual_information(p_UXY)[:, None]


def _bias(p_UXY: np.ndarray, samples: int) -> np.ndarray:
    return information_bias(p_UXY, samples)[:, None]


OF_UNITS = SmallerTerms(_information, _bias, by_class=False)
