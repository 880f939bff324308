"""Gaussian I_dep: unique information from dependency constraints (James et al. 2017, Kay & Ince 2018)."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import half_log2_det, standardize
from pidnet.tables.covariances import PairCovariances


def i_dep(covariances: PairCovariances) -> Atoms:
    """Decompose by I_dep: the least that a dependency with the target adds to models of some dependencies.

    Parameters
    ----------
    covariances : PairCovariances
        Covariances ``cov`` of shape (pair, n, n) in the order source1, source2, target, and ``dims``.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. The gap is exact: 0, a closed form. No atom is negative.

    Notes
    -----
    The union information is min( I(Y;X1X2), I_ci(Y;X1X2) ), I_ci with X1 and X2 independent given Y.

    U1 is the smallest increase of I(Y;X1X2) when the dependency X1-Y is added to a maximum-entropy model of
    some of the other dependencies: min( I(Y;X1), I_ci - I(Y;X2), I(Y;X1X2) - I(Y;X2) ). The first is never
    the smallest, because I_ci <= I(Y;X1) + I(Y;X2), which leaves the formula above. In it
    Cov_ci(Y|X1X2) = ( Cov(Y|X1)^-1 + Cov(Y|X2)^-1 - Cov(Y)^-1 )^-1.

    Source: Kay & Ince 2018, Entropy 20, 240.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6], [0.5, 0.6, 1.0]])
    >>> round(float(pn.decompose_gaussian(cov, measure="i_dep").redundancy[0]), 4)
    0.068
    """
    system = standardize(covariances)
    precision = np.linalg.inv(system.posterior1) + np.linalg.inv(system.posterior2)
    independent = half_log2_det(1, precision - np.eye(precision.shape[1]))
    return system.atoms_from_union(np.minimum(independent, system.informations()[2]))
