"""Stage 4, continuous: covariances -> atoms. ``GAUSSIAN_MEASURES`` names the measures.

They agree for a scalar target (I_dep and I_ccs excepted, which look at the dependency of the sources as well)
and differ widely for a vector target, so every statement must name its measure.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.ibroja import i_broja
from pidnet.measures.gaussian.iccs import i_ccs
from pidnet.measures.gaussian.idelta import i_delta
from pidnet.measures.gaussian.idep import i_dep
from pidnet.measures.gaussian.immi import i_mmi
from pidnet.measures.measure import Measure, MeasureLike, as_measure
from pidnet.printing import Registry
from pidnet.tables.covariances import PairCovariances

__all__ = [
    "GAUSSIAN_MEASURES",
    "decompose_gaussian",
]

PREFIX = "gaussian_"

GAUSSIAN_MEASURES: dict[str, Measure] = Registry(
    "measures of covariances",
    {
        PREFIX + name: Measure(
            PREFIX + name, function, nonnegative=nonnegative, source=source, guarantee=guarantee
        )
        for name, function, nonnegative, source, guarantee in (
            ("i_mmi", i_mmi, True, "Barrett 2015 (arXiv:1411.2832)", "R = min(I1, I2), closed form"),
            (
                "i_broja",
                i_broja,
                True,
                "Venkatesh et al. 2023 (arXiv:2307.10515)",
                "least unique information over Gaussian couplings, closed form",
            ),
            (
                "i_delta",
                i_delta,
                True,
                "Venkatesh & Schamberg 2022 (arXiv:2105.00769)",
                "deficiency of channels, with a proven gap for each pair",
            ),
            ("i_dep", i_dep, True, "Kay & Ince 2018, Entropy 20, 240", "dependency constraints, closed form"),
            (
                "i_ccs",
                i_ccs,
                False,
                "Ince 2017 (arXiv:1602.05063)",
                "common change in surprisal, with an estimated gap",
            ),
        )
    },
)


def find_gaussian_measure(measure: MeasureLike) -> Measure:
    """The measure behind a name, with or without the prefix ``gaussian_``; a function is wrapped.

    Raises ValueError for an unknown name, with the known ones.
    """
    if isinstance(measure, str) and PREFIX + measure in GAUSSIAN_MEASURES:
        measure = PREFIX + measure
    found = as_measure(measure, GAUSSIAN_MEASURES, "Gaussian measure")
    return found if found.name.startswith(PREFIX) else replace(found, name=PREFIX + found.name)


def decompose_gaussian(
    cov: np.ndarray, dims: tuple[int, int, int] = (1, 1, 1), measure: MeasureLike = "i_mmi"
) -> Atoms:
    """Decompose what two jointly Gaussian sources carry about a Gaussian target.

    Parameters
    ----------
    cov : ndarray
        Covariance (n, n), or a batch (..., n, n), in the order source1, source2, target.
    dims : tuple of int
        The sizes of source1, source2 and target.
    measure : str, Measure or callable
        A name in ``GAUSSIAN_MEASURES``, prefix optional, or a function from PairCovariances to Atoms.

    Returns
    -------
    Atoms
        Fields of shape (pair,), batch axes flattened, in bits. Gaps are exact for i_mmi, i_broja and
        i_dep, proven for i_delta and estimated for i_ccs.

    Raises
    ------
    ValueError
        For an unknown measure; a covariance of another shape, not finite, not symmetric or not positive
        semidefinite; or sources that determine a combination of the target (infinite information).

    Notes
    -----
    Information is I(Y;X) = 1/2 log2( det Cov(Y) / det Cov(Y|X) ). Directions without variance (dead or duplicated
    units) are dropped: they carry no information.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.6], [0.6, 0.6, 1.0]])
    >>> pn.decompose_gaussian(cov, measure="i_mmi").redundancy.round(4)
    array([0.3219])
    """
    check_arguments(decompose_gaussian, locals())
    found = find_gaussian_measure(measure)
    checked = check_covariances(cov, dims)
    return found(PairCovariances(np.full((len(checked), 2), -1), checked, tuple(dims)))


def check_covariances(cov: np.ndarray, dims: tuple[int, int, int]) -> np.ndarray:
    """Covariances as float64 (pair, n, n), or ValueError with what is wrong and where."""
    cov = np.asarray(cov, dtype=np.float64)
    if len(dims) != 3 or min(dims) < 1:
        raise ValueError(f"dims is {dims}; expected three sizes above 0: source1, source2, target")
    if cov.ndim < 2 or cov.shape[-2:] != (sum(dims), sum(dims)):
        raise ValueError(
            f"cov has shape {cov.shape}; dims {tuple(dims)} ask for (..., {sum(dims)}, {sum(dims)})"
        )
    cov = cov.reshape(-1, *cov.shape[-2:])
    finite = np.isfinite(cov).all((1, 2))
    if not finite.all():
        raise ValueError(f"cov[{int(finite.argmin())}] has values that are not finite")
    skew = np.abs(cov - cov.mT).max((1, 2), initial=0)
    if (skew > 1e-8 * np.abs(cov).max((1, 2), initial=0)).any():
        raise ValueError(
            f"cov[{int(skew.argmax())}] is not symmetric (by {skew.max():.3g}); pass (cov + cov.T) / 2"
        )
    return (cov + cov.mT) / 2
