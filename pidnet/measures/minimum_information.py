"""I_mmi: redundancy as the smaller of the two informations (Barrett 2015)."""

from __future__ import annotations

import numpy as np

from pidnet import shannon
from pidnet.distributions import PairTables
from pidnet.measures.atoms import Atoms, complete_lattice


def i_mmi(tables: PairTables) -> Atoms:
    """R = min( I(Y;X1), I(Y;X2) ). Closed form, the largest redundancy that leaves no atom of a source
    negative; the cheap reference for the other measures.

    Source: Barrett 2015, Phys. Rev. E 91, 052802 (arXiv:1411.2832), Sec. III.
    """
    informations = shannon.source_informations(tables.p)
    return complete_lattice(informations, np.minimum(*informations[:2]))
