"""Gaussian I_mmi: redundancy as the smaller of the two informations (Barrett 2015)."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import standardize
from pidnet.tables.covariances import PairCovariances


def i_mmi(covariances: PairCovariances) -> Atoms:
    """Decompose Gaussians by I_mmi: the smaller of the two informations is redundant.

    Parameters
    ----------
    covariances : PairCovariances
        Covariances ``cov`` of shape (pair, n, n) in the order source1, source2, target, and ``dims``.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. The gap is exact: 0, a closed form.

    Notes
    -----
    R = min( I(Y;X1), I(Y;X2) ).

    For a scalar target every redundancy that depends on the source-target covariances alone, I_broja and
    I_delta among them, is this one. For a vector target it is the largest of all and takes equal amounts for
    equal contents: two sources that see two different halves of the target are called redundant.

    Source: Barrett 2015, Phys. Rev. E 91, 052802 (arXiv:1411.2832).

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6], [0.5, 0.6, 1.0]])
    >>> round(float(pn.decompose_gaussian(cov, measure="i_mmi").redundancy[0]), 4)
    0.2075
    """
    system = standardize(covariances)
    information1, information2, _ = system.informations()
    return system.atoms(np.minimum(information1, information2))
