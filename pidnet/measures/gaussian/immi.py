"""Gaussian I_mmi: redundancy as the smaller of the two informations (Barrett 2015)."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import standardize
from pidnet.tables.covariances import PairCovariances


def i_mmi(covariances: PairCovariances) -> Atoms:
    """R = min( I(Y;X1), I(Y;X2) ). Closed form.

    For a scalar target every redundancy that depends on the source-target covariances alone, I_broja and
    I_delta among them, is this one. For a vector target it is the largest of all and takes equal amounts for
    equal contents: two sources that see two different halves of the target are called redundant.

    Source: Barrett 2015, Phys. Rev. E 91, 052802 (arXiv:1411.2832).
    """
    system = standardize(covariances)
    information1, information2, _ = system.informations()
    return system.atoms(np.minimum(information1, information2))
