"""I_min: redundancy as the expected minimum of specific information (Williams & Beer 2010)."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from pidnet.measures.atoms import Atoms, atoms_from_redundancy
from pidnet.measures.derivatives import Derivative, log2_ratio
from pidnet.measures.sampling_bias import cells_that_count, difference_error
from pidnet.measures.smaller_terms import SmallerTerms, bias_of_smaller
from pidnet.tables.discrete import PairTables, values_of_units


def i_min(tables: PairTables) -> Atoms:
    """Decompose by I_min: the expected minimum of specific information.

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
    R = sum_y p(y) min_i I(Y=y; Xi), with I(Y=y; X) = sum_x p(x|y) log2( p(y|x) / p(y) ).

    I_min calls equal *amounts* of information redundant, whatever they are about: two independent bits that are
    copied to the target give R = 1 and S = 1.

    Source: Williams & Beer 2010, arXiv:1004.2515, Sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> p = np.zeros((2, 2, 4))  # the target is a copy of two independent bits
    >>> p[[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 2, 3]] = 0.25
    >>> atoms = pn.decompose(p, measure="i_min")
    >>> float(atoms.redundancy[0]), float(atoms.synergy[0])
    (1.0, 1.0)
    """
    first, second = values_of_units(tables, _specific_terms)
    return atoms_from_redundancy(tables.p, np.minimum(first, second).sum(-1))


def i_min_derivative(tables: PairTables) -> Derivative:
    """The derivative of R, with the source that has the minimum in each class held."""
    p_PAY, p_PBY = tables.p.sum(2), tables.p.sum(1)
    first_is_less = _specific_terms(p_PAY) <= _specific_terms(p_PBY)
    return Derivative(_derivative_of_terms(p_PAY, first_is_less), _derivative_of_terms(p_PBY, ~first_is_less))


def i_min_bias(tables: PairTables) -> np.ndarray:
    """What N samples add to R on average, (pair,), bits: the bias of the smaller terms, less what taking the smaller
    of two that scatter loses. R stays below both informations."""
    terms = values_of_units(tables, _specific_terms)
    biases = values_of_units(tables, lambda p_UXY: _bias_of_terms(p_UXY, tables.samples))
    return bias_of_smaller(terms, biases, difference_error(tables, by_class=True))


def _bias_of_terms(p_PXY: np.ndarray, samples: int) -> np.ndarray:
    """(K_x - 1 + p(y) - sum_x p(y|x)) / (2 N ln 2), the bias of each specific term to second order, (pair, class),
    with K_x the cells of the class that can occur. They add up to ``information_bias``."""
    p_PX, p_PY = p_PXY.sum(2, keepdims=True), p_PXY.sum(1)
    of_class = np.divide(p_PXY, p_PX, out=np.zeros_like(p_PXY), where=p_PX > 0).sum(1)
    cells = cells_that_count(p_PXY, samples) - 1 + p_PY - of_class
    return np.where(p_PY > 0, cells, 0) / (2 * samples * np.log(2))


def _derivative_of_terms(p_PXY: np.ndarray, chosen_PY: np.ndarray) -> np.ndarray:
    """Derivative of the sum of the specific terms of some classes: in each of them the log ratio, and everywhere
    minus the share of p(x) in them, since p(x) is part of the logarithm."""
    p_PX = p_PXY.sum(2, keepdims=True)
    chosen = chosen_PY[:, None]
    inside = (p_PXY * chosen).sum(2, keepdims=True)
    share = np.divide(inside, p_PX, out=np.zeros_like(p_PX), where=p_PX > 0)
    return chosen * log2_ratio(p_PXY) - share / np.log(2)


def _specific_terms(p_PXY: np.ndarray) -> np.ndarray:
    """p(y) I(Y=y; X) = sum_x p(x,y) log2( p(x,y) / (p(x) p(y)) ), shape (pair, class)."""
    p_PX, p_PY = p_PXY.sum(2), p_PXY.sum(1)
    nats = xlogy(p_PXY, p_PXY).sum(1) - xlogy(p_PXY, p_PX[:, :, None]).sum(1) - xlogy(p_PY, p_PY)
    return nats / np.log(2)


OF_UNITS = SmallerTerms(_specific_terms, _bias_of_terms, by_class=True)
