"""Stage 4, continuous: covariances -> atoms. ``GAUSSIAN_MEASURES`` names the measures.

They agree for a scalar target (I_dep and I_ccs excepted, which look at the dependency of the sources as well)
and differ widely for a vector target, so every statement must name its measure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.ibroja import i_broja
from pidnet.measures.gaussian.iccs import i_ccs
from pidnet.measures.gaussian.idelta import i_delta
from pidnet.measures.gaussian.idep import i_dep
from pidnet.measures.gaussian.immi import i_mmi
from pidnet.tables.covariances import PairCovariances

__all__ = [
    "GAUSSIAN_MEASURES",
    "decompose_gaussian",
]

GaussianMeasure = Callable[[PairCovariances], Atoms]

PREFIX = "gaussian_"

GAUSSIAN_MEASURES: dict[str, GaussianMeasure] = {
    "gaussian_i_mmi": i_mmi,
    "gaussian_i_broja": i_broja,
    "gaussian_i_delta": i_delta,
    "gaussian_i_dep": i_dep,
    "gaussian_i_ccs": i_ccs,
}


def find_gaussian_measure(measure: str | GaussianMeasure) -> GaussianMeasure:
    """The function behind a name, with or without the prefix ``gaussian_``; a function is returned as it is.

    Raises ValueError for an unknown name, with the known ones.
    """
    if not isinstance(measure, str):
        return measure
    name = PREFIX + measure.removeprefix(PREFIX)
    if name not in GAUSSIAN_MEASURES:
        known = ", ".join(sorted(name.removeprefix(PREFIX) for name in GAUSSIAN_MEASURES))
        raise ValueError(f"unknown Gaussian measure {measure!r}; the known ones are {known}")
    return GAUSSIAN_MEASURES[name]


def decompose_gaussian(
    cov: np.ndarray, dims: tuple[int, int, int] = (1, 1, 1), measure: str | GaussianMeasure = "i_mmi"
) -> Atoms:
    """Decompose what two jointly Gaussian sources say about a Gaussian target.

    cov: covariance (n, n), or a batch (..., n, n), in the order source1, source2, target. dims: their sizes.
    measure: a name in ``GAUSSIAN_MEASURES``, prefix optional, or a function from PairCovariances to Atoms.
    Returns Atoms with fields of shape (pair,), batch axes flattened, in bits. Directions without variance
    (dead or duplicated units) are dropped: they carry no information.
    Raises ValueError for an unknown measure; a covariance of another shape, not finite, not symmetric or not
    positive semidefinite; or sources that determine a combination of the target (infinite information).
    """
    function = find_gaussian_measure(measure)
    checked = check_covariances(cov, dims)
    return function(PairCovariances(np.full((len(checked), 2), -1), checked, tuple(dims)))


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
