"""The bias of I(Y;X1X2) under a mixture of what the table may really be, from independence to identity.

Shuffled tables fill every cell; tables of copies fill few, and both are found in real layers. So the table is fitted
as a mixture of the observed one and of all its products of margins, weighted by how well each predicts a sample
that was left out. Copies keep their few cells and independent pairs get all of theirs.
"""

from __future__ import annotations

import numpy as np

from pidnet.significance.evidence import evidence_of_tables
from pidnet.tables.discrete import PairTables


def joint_information_bias(tables: PairTables) -> np.ndarray:
    """Bias of the plug-in I(Y;X1X2) = H(Y) + H(X1,X2) - H(X1,X2,Y), (pair,), bits.

    The bias of an entropy is a sum of E[n ln n] - mu ln mu over its cells. Where products of margins explain the
    table, it follows from the mu of the fit; where they do not, it is n (ln n - psi(n)) of the data plus mu E1(mu)
    of cells still unseen, which the cells seen once foretell.

    Source: Grassberger 2003, arXiv:physics/0307138 (the observed part); Chao, Wang & Jost 2013, Methods Ecol. Evol.
    4, 1091 (the unseen part).
    """
    return evidence_of_tables(tables).joint_bias
