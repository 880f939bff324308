"""Redundancies that add up the smaller of two terms of the units: I_min class by class, I_mmi at once.

The tables of the single units are enough for them, and for what samples add to them.

Axis letters: P pair, U unit, X level, Y class, T term.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pidnet.execution.blocks import CLOSED_FORMS_AT_ONCE
from pidnet.measures.sampling_bias import shortfall


class SmallerTerms(NamedTuple):
    """How the terms of units are found from their tables (unit, level, class), and their biases from those and the number
    of samples, both (unit, term), bits; whether a term is a class."""

    terms: Callable[[np.ndarray], np.ndarray]
    biases: Callable[[np.ndarray, int], np.ndarray]
    by_class: bool

    def redundancy(self, p_UXY: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """R of pairs of units, from the tables of the units, (pair,), bits."""
        terms_UT = self.terms(p_UXY)
        blocks = np.array_split(pairs, -(-len(pairs) // CLOSED_FORMS_AT_ONCE))
        return np.concatenate([np.minimum(*terms_UT[block.T]).sum(1) for block in blocks])


def bias_of_smaller(
    terms_PT: tuple[np.ndarray, np.ndarray],
    biases_PT: tuple[np.ndarray, np.ndarray],
    error_PT: np.ndarray,
) -> np.ndarray:
    """What samples add to the sum of the smaller of two terms, (pair,), bits: the bias of the smaller one, less what taking
    the smaller of two that scatter loses, with the standard errors of their differences. Of several terms, what is left
    stays below the sum of either unit."""
    first, second = (terms - added for terms, added in zip(terms_PT, biases_PT, strict=True))
    found = over_terms(np.minimum(first, second) + shortfall(first - second, error_PT))
    if error_PT.shape[1] > 1:
        found = np.minimum(found, np.minimum(over_terms(first), over_terms(second)))
    return over_terms(np.minimum(*terms_PT)) - found


def over_terms(values_PT: np.ndarray) -> np.ndarray:
    """The sum over the terms of each pair, (pair,): of few columns einsum has it sooner than ``sum``."""
    return np.einsum("pt->p", values_PT)
