"""Gaussian I_ccs: redundancy as the common change in surprisal (Ince 2017)."""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc, gammaln
from scipy.stats import qmc

from pidnet.execution.blocks import PAIRS_AT_ONCE
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.whitening import Standardized, standardize
from pidnet.tables.covariances import PairCovariances

REPLICATES = 8


def i_ccs(covariances: PairCovariances, *, points: int = 1024, seed: int = 0) -> Atoms:
    """Decompose Gaussians by I_ccs: the common change in surprisal is redundant.

    Parameters
    ----------
    covariances : PairCovariances
        Covariances ``cov`` of shape (pair, n, n) in the order source1, source2, target, and ``dims``.
    points : int
        Directions a rule, a power of two.
    seed : int
        Of the scrambling, for sources and targets of more than three dimensions.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. Atoms may be negative. The gap is estimated, not proven.

    Notes
    -----
    R = E[ c ] over the states where c, i(x1;y), i(x2;y) and i(x1x2;y) have the same sign, with c = i(x1;y) + i(x2;y) - i(x1x2;y) the local co-information.

    The expectation is over the full Gaussian, the definition of the author's own Gaussian code: among
    distributions with these three pairwise marginals the Gaussian itself has the largest entropy.

    Every local information is a constant plus a quadratic form, so that along a ray from the center the
    integral over the radius is an incomplete gamma function. What remains is an average over directions: a
    product rule for three scalars, scrambled Sobol points for more dimensions. The gap is
    the change against a rule of half the resolution, or three standard errors over 8 scramblings.

    Source: Ince 2017, Entropy 19, 318.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> cov = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.6], [0.5, 0.6, 1.0]])
    >>> round(float(pn.decompose_gaussian(cov, measure="i_ccs").redundancy[0]), 4)
    0.0414
    """
    system = standardize(covariances)
    dimension = system.gain12.shape[1] + system.gain12.shape[2]
    rules = _sphere_rules(points) if dimension == 3 else _sobol_rules(dimension, points, seed)
    values = np.stack([_average(system, direction, weight) for direction, weight in rules])
    if dimension == 3:
        return system.atoms(values[0], np.abs(values[0] - values[1]))
    return system.atoms(values.mean(0), 3 * values.std(0, ddof=1) / np.sqrt(REPLICATES))


def _sphere_rules(points: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gauss-Legendre in the height times equal steps in the angle on a half sphere: fine, then coarse."""
    rules = []
    for scale in (1.0, 0.5):
        heights = max(4, int(scale * np.sqrt(2 * points)))
        node, weight = np.polynomial.legendre.leggauss(heights)
        height, angle = np.meshgrid((node + 1) / 2, (np.arange(2 * heights) + 0.5) * np.pi / heights)
        across = np.sqrt(1 - height**2)
        direction = np.stack([across * np.cos(angle), across * np.sin(angle), height], -1)
        spread = np.broadcast_to(weight / 2 / (2 * heights), height.shape)
        rules.append((direction.reshape(-1, 3), spread.ravel()))
    return rules


def _sobol_rules(dimension: int, points: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Independent scramblings of evenly spread directions in any dimension."""
    rules = []
    for stream in np.random.default_rng(seed).spawn(REPLICATES):
        normal = qmc.MultivariateNormalQMC(np.zeros(dimension), rng=stream).random(points)
        rules.append((normal / np.linalg.norm(normal, axis=1, keepdims=True), np.full(points, 1 / points)))
    return rules


def _average(system: Standardized, direction: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The redundancy of each pair under one rule, bits; blocks of pairs bound the memory."""
    constants = np.log(2) * np.stack(system.informations(), 1)
    blocks = []
    for start in range(0, len(constants), PAIRS_AT_ONCE):
        chosen = slice(start, start + PAIRS_AT_ONCE)
        slopes = _slopes(system, direction, chosen)
        blocks.append(_radial(constants[chosen], slopes, direction.shape[1]) @ weight)
    return np.concatenate(blocks) / np.log(2)


def _slopes(system: Standardized, direction: np.ndarray, chosen: slice) -> np.ndarray:
    """What the local informations i1, i2, i12 gain a unit of squared radius, nats, (pair, 3, direction).

    i = I + 1/2 ( y'y - (y - E[y|x])' Cov(Y|X)^-1 (y - E[y|x]) ) in whitened coordinates, where a direction
    holds the whitened sources first and then the whitened residual of the target.
    """
    sources = system.gain12.shape[2]
    x, noise = direction[:, :sources].T, direction[:, sources:].T
    residual = np.linalg.cholesky(system.posterior12[chosen]) @ noise
    y = system.gain12[chosen] @ x + residual
    slopes = []
    for gain, part, posterior in (
        (system.gain1[chosen], system.part1[chosen], system.posterior1[chosen]),
        (system.gain2[chosen], system.part2[chosen], system.posterior2[chosen]),
    ):
        left = y - gain @ part @ x
        slopes.append((y * y - left * np.linalg.solve(posterior, left)).sum(1) / 2)
    slopes.append(((y * y).sum(1) - (noise * noise).sum(0)) / 2)
    return np.stack(slopes, 1)


def _radial(constants: np.ndarray, slopes: np.ndarray, dimension: int) -> np.ndarray:
    """Integral over the radius of c where c, i1, i2 and i12 agree in sign, nats, (pair, direction)."""
    constant = np.concatenate([constants, constants @ [[1], [1], [-1]]], 1)[:, :, None]
    slope = np.concatenate([slopes, slopes[:, :1] + slopes[:, 1:2] - slopes[:, 2:]], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.nan_to_num(-constant / slope, nan=np.inf)
    integral = np.zeros((len(slopes), slopes.shape[2]))
    for sign in (1, -1):
        # A rising line is positive above its crossing, a falling one below.
        rising = sign * slope > 0
        flat = (slope == 0) & (sign * constant <= 0)
        low = np.where(rising, crossing, 0).max(1).clip(0)
        high = np.where(rising, np.inf, crossing).min(1)
        high = np.where(flat.any(1), low, np.maximum(high, low))
        (mass_low, moment_low), (mass_high, moment_high) = (_chi2(s, dimension) for s in (low, high))
        integral += constant[:, 3] * (mass_high - mass_low) + slope[:, 3] * (moment_high - moment_low)
    return integral


def _chi2(s: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """P(R2 < s) and E[R2; R2 < s] of a chi-squared variable with ``dimension`` degrees of freedom."""
    half = dimension / 2
    mass = gammainc(half, s / 2)
    finite = np.minimum(s, 1e4)
    with np.errstate(divide="ignore"):
        edge = np.exp(half * np.log(finite / 2) - finite / 2 - gammaln(half + 1))
    return mass, dimension * (mass - edge)
