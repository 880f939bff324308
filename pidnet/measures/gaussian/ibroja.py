"""Gaussian I_broja (~G): unique information over Gaussian couplings of the sources, in closed form."""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import standardize
from pidnet.tables.covariances import PairCovariances


def i_broja(covariances: PairCovariances) -> Atoms:
    """Decompose by the Gaussian I_BROJA (~G): the least unique information over Gaussian couplings of the sources.

    Parameters
    ----------
    covariances : PairCovariances
        Covariances ``cov`` of shape (pair, n, n) in the order source1, source2, target, and ``dims``.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. The minimum is found in closed form, so the gap is exact: 0. No atom is negative.

    Notes
    -----
    The union information is min_q I_q(Y;X1X2) over Gaussians q with the given Cov(X1,Y) and Cov(X2,Y):

        U1 = 1/2 sum_i max(0, log2 d_i),   U2 = 1/2 sum_i max(0, -log2 d_i),

    with d_i the generalized eigenvalues of Cov(Y|X2) relative to Cov(Y|X1).

    Why it is the minimum: under every q, M = Cov_q(Y|X1X2) satisfies M <= Cov(Y|X1) and M <= Cov(Y|X2) in the
    order of positive semidefinite matrices. Conversely no such M does better: a channel X
    with Cov(Y|X) = M can be degraded into X1 and into X2, because it is more informative than either, and that
    coupling has I(Y;X1X2) <= I(Y;X). So the union information is
    1/2 log2 det Cov(Y) - 1/2 max log2 det M over those M. In the basis that makes Cov(Y|X1) the identity and
    Cov(Y|X2) diagonal, Hadamard's inequality gives the maximum: M = diag(min(1, d_i)).

    Source of the definition: Venkatesh et al. 2023, arXiv:2307.10515, who minimize by projected gradients.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6], [0.5, 0.6, 1.0]])
    >>> round(float(pn.decompose_gaussian(cov, measure="i_broja").redundancy[0]), 4)
    0.2075
    """
    system = standardize(covariances)
    inverse = np.linalg.inv(np.linalg.cholesky(system.posterior1))
    ratio = np.linalg.eigvalsh(inverse @ system.posterior2 @ inverse.mT)
    unique2 = np.maximum(0, -np.log2(ratio)).sum(1) / 2
    return system.atoms_from_union(system.informations()[0] + unique2)
