"""I_mmi: redundancy as the smaller of the two informations (Barrett 2015)."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.measures.derivatives import Derivative, log_ratio
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables


def i_mmi(tables: PairTables) -> Atoms:
    """R = min( I(Y;X1), I(Y;X2) ). Closed form, the largest redundancy that leaves no atom of a source
    negative; the cheap reference for the other measures.

    Source: Barrett 2015, Phys. Rev. E 91, 052802 (arXiv:1411.2832), Sec. III.
    """
    informations = shannon.source_informations(tables.p)
    return complete_lattice(informations, np.minimum(*informations[:2]))


def i_mmi_derivative(tables: PairTables) -> Derivative:
    """The derivative of R: that of the smaller information."""
    p_PAY, p_PBY = tables.p.sum(2), tables.p.sum(1)
    first_is_less = shannon.mutual_information(p_PAY) <= shannon.mutual_information(p_PBY)
    chosen = first_is_less[:, None, None]
    return Derivative(chosen * log_ratio(p_PAY), ~chosen * log_ratio(p_PBY))
