"""Gaussian I_delta: unique information as the deficiency of one source against the other.

Axis letters as in ``standardized``. L is lower triangular with a positive diagonal, G a contraction.
"""

from __future__ import annotations

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import standardize
from pidnet.tables.covariances import PairCovariances

TOLERANCE = 1e-7  # bits
MAX_STEPS = 200
MAX_UNKNOWNS = 1024
ROUNDING = 1e-12  # of the barrier function, relative
EDGE = 1e-13  # closer than this to ||G|| = 1 the barrier is rounding noise


def i_delta(covariances: PairCovariances) -> Atoms:
    """Decompose by I_delta: what the better channel cannot imitate of the other source is unique.

    Parameters
    ----------
    covariances : PairCovariances
        Covariances ``cov`` of shape (pair, n, n) in the order source1, source2, target, and ``dims``.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. The gap is proven.

    Raises
    ------
    ValueError
        If G (see below) has more than 1024 entries: the Newton system would not fit in memory.

    Notes
    -----
    R = min( I(Y;X1) - delta1, I(Y;X2) - delta2 ), with the deficiency

        delta1 = min_T E_Y KL( P(X1|Y) || T o P(X2|Y) )

    over linear Gaussian channels T from X2 to a stand-in for X1. The published algorithm puts a least-squares
    problem in its place; here it is solved itself: with the precision L L' of the stand-in's noise and the
    gain L^-T G it is jointly convex (see ``_deficiency``).

    The gap: the deficiency is minimized over ||G|| <= 1 by Newton steps along a log barrier, and the linearization
    at any G bounds the minimum from below (the Frank-Wolfe gap).

    Source of the definition: Venkatesh & Schamberg 2022, arXiv:2105.00769.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6], [0.5, 0.6, 1.0]])
    >>> round(float(pn.decompose_gaussian(cov, measure="i_delta").redundancy[0]), 4)
    0.2075
    """
    system = standardize(covariances)
    information1, information2, _ = system.informations()
    channel1, channel2 = _channel(system.gain1), _channel(system.gain2)
    unknowns = channel1.shape[1] * channel2.shape[1]
    if unknowns > MAX_UNKNOWNS:
        raise ValueError(
            f"i_delta of sources and target {covariances.dims} has {unknowns} unknowns, more than "
            f"{MAX_UNKNOWNS}; take fewer target columns or i_broja"
        )
    delta1, gap1 = _deficiency(channel1, channel2)
    delta2, gap2 = _deficiency(channel2, channel1)
    redundancy = np.minimum(information1 - delta1, information2 - delta2)
    return system.atoms(redundancy, np.maximum(gap1, gap2), "proven")


def _channel(gain: np.ndarray) -> np.ndarray:
    """Gain H of a sufficient statistic of the source, H Y + white noise: H'H = Cov(Y|X)^-1 - I."""
    directions, correlation, _ = np.linalg.svd(gain, full_matrices=False)
    signal = correlation / np.sqrt(1 - correlation**2)
    return signal[:, :, None] * directions.mT


def _deficiency(wanted: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least E KL of imitating the channel ``wanted`` from the output of ``given``, and its gap, bits.

    With H = wanted (x, y), K = given and a stand-in of gain T K and noise covariance (L L')^-1, where
    G = L'T must satisfy ||G|| <= 1 because the stand-in is at least as noisy as T makes it,

        2 KL = -2 sum ln L_ii + ||L||^2 + ||L'H - G K||^2 - x.

    L is eliminated: with I + H H' = U U', U upper triangular, Z = U'L and E = U^-1 H K' G',
    the best Z is E below the diagonal and (e + sqrt(e^2 + 4)) / 2 on it.
    """
    noisy = np.eye(wanted.shape[1]) + wanted @ wanted.mT
    upper = np.linalg.cholesky(noisy[:, ::-1, ::-1])[:, ::-1, ::-1]
    cross, power = np.linalg.inv(upper) @ wanted @ given.mT, given @ given.mT
    contraction = _minimize(cross, power)
    gap = _frank_wolfe_gap(contraction, _slope(contraction, cross, power))
    offset = 2 * np.log(np.diagonal(upper, axis1=1, axis2=2)).sum(1)
    return (offset + _cost(contraction, cross, power)) / (2 * np.log(2)), gap / (2 * np.log(2))


def _minimize(cross: np.ndarray, power: np.ndarray) -> np.ndarray:
    """The contractions G that imitate best; each pair has its own barrier weight tau and stops at its gap."""
    contraction, tau = np.zeros_like(cross), np.ones(len(cross))
    i = np.arange(len(cross))
    for _ in range(MAX_STEPS):
        slope = _slope(contraction[i], cross[i], power[i])
        unfinished = _frank_wolfe_gap(contraction[i], slope) > TOLERANCE * 2 * np.log(2)
        if not unfinished.any():
            break
        i, slope = i[unfinished], slope[unfinished]
        curvature = _curvature(contraction[i], cross[i], power[i])
        step, decrement = _newton_step(contraction[i], slope, curvature, tau[i])
        length = _line_search(contraction[i], step, cross[i], power[i], tau[i])
        contraction[i] += length[:, None, None] * step
        tau[i] = np.where((decrement < 0.5) | (length == 0), tau[i] / 10, tau[i])
    return contraction


def _frank_wolfe_gap(contraction: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """<slope, G> + nuclear norm of the slope: a convex cost is no further above its least over ||G|| <= 1."""
    return (slope * contraction).sum((1, 2)) + np.linalg.svd(slope, compute_uv=False).sum(1)


def _noise(contraction: np.ndarray, cross: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best Z for a G: its part below the diagonal, its diagonal z, and dz / de."""
    best = cross @ contraction.mT
    e = np.diagonal(best, axis1=1, axis2=2)
    root = np.sqrt(e**2 + 4)
    z = (e + root) / 2
    return np.tril(best, -1), z, z / root


def _cost(contraction: np.ndarray, cross: np.ndarray, power: np.ndarray) -> np.ndarray:
    """2 KL minimized over L, nats, without the log det of U; with e = z - 1/z."""
    lower, z, _ = _noise(contraction, cross)
    value = (1 - 2 * np.log(z) - z**2).sum(1) - (lower**2).sum((1, 2))
    return value + (contraction * (contraction @ power)).sum((1, 2))


def _slope(contraction: np.ndarray, cross: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Gradient of the cost in G."""
    lower, z, _ = _noise(contraction, cross)
    return 2 * (contraction @ power - (lower + z[:, :, None] * np.eye(z.shape[1])).mT @ cross)


def _curvature(contraction: np.ndarray, cross: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Hessian of the cost in G, which does not couple its rows: (pair, row, column, column)."""
    lower, _, rate = _noise(contraction, cross)
    weight = np.tril(np.ones_like(lower), -1) + rate[:, :, None] * np.eye(lower.shape[1])
    weighted = weight.mT[:, :, None, :] * cross.mT[:, None]
    return 2 * (power[:, None] - weighted @ cross[:, None])


def _newton_step(
    contraction: np.ndarray, slope: np.ndarray, curvature: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton step of 2 KL / tau - ln det(I - G G') and its squared decrement."""
    pairs, rows, columns = contraction.shape
    left = np.linalg.inv(np.eye(rows) - contraction @ contraction.mT)
    right = np.linalg.inv(np.eye(columns) - contraction.mT @ contraction)
    turned = left @ contraction
    gradient = slope / tau[:, None, None] + 2 * turned
    hessian = left[:, :, None, :, None] * right[:, None, :, None, :]
    hessian += turned[:, :, None, None, :] * turned.mT[:, None, :, :, None]
    hessian *= 2
    row = np.arange(rows)
    hessian[:, row, :, row, :] += curvature.swapaxes(0, 1) / tau[:, None, None]
    flat = gradient.reshape(pairs, -1, 1)
    step = -np.linalg.solve(hessian.reshape(pairs, rows * columns, -1), flat)
    return step.reshape(contraction.shape), -(step * flat).sum((1, 2))


def _line_search(contraction, step, cross, power, tau) -> np.ndarray:
    """The largest of 1, 1/2, 1/4, ... that stays inside and goes down, (pair,); 0 where none does."""

    def barrier(g):
        inside = 1 - np.linalg.norm(g, 2, axis=(1, 2)) ** 2
        volume = np.linalg.slogdet(np.eye(g.shape[1]) - g @ g.mT)[1]
        return np.where(inside > EDGE, _cost(g, cross, power) / tau - volume, np.inf)

    start, length = barrier(contraction), np.ones(len(step))
    for _ in range(30):
        uphill = barrier(contraction + length[:, None, None] * step) > start + ROUNDING * np.abs(start)
        if not uphill.any():
            return length
        length[uphill] /= 2
    length[uphill] = 0
    return length
