"""Gaussian I_delta: unique information as the deficiency of one source against the other.

Axis letters as in ``standardized``. L is lower triangular with a positive diagonal, G a contraction.
"""

from __future__ import annotations

import numpy as np

from pidnet.covariances import PairCovariances
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian.standardized import Standardized, standardize

TOLERANCE = 1e-7  # bits
MAX_STEPS = 5000


def i_delta(covariances: PairCovariances) -> Atoms:
    """R = min( I(Y;X1) - delta1, I(Y;X2) - delta2 ), with the deficiency

        delta1 = min_T E_Y KL( P(X1|Y) || T o P(X2|Y) )

    over linear Gaussian channels T from X2 to a stand-in for X1. The published solver replaces this problem
    by a least-squares one; here it is solved itself. With the channel written as the precision L L' of the
    stand-in's noise and the gain L^-T G it is jointly convex (see ``_deficiency``).

    ``gap`` is a proven bound: the deficiency is minimized by accelerated projected gradients over
    ||G|| <= 1, and the linearization at any G bounds the minimum from below (the Frank-Wolfe gap).

    Source of the definition: Venkatesh & Schamberg 2022, arXiv:2105.00769.
    """
    system = standardize(covariances)
    information1, information2, _ = system.informations()
    delta1, gap1 = _deficiency(*_channels(system))
    delta2, gap2 = _deficiency(*_channels(system)[::-1])
    redundancy = np.minimum(information1 - delta1, information2 - delta2)
    return system.atoms(redundancy, np.maximum(gap1, gap2))


def _channels(system: Standardized) -> tuple[np.ndarray, np.ndarray]:
    """Square gains H with X|Y ~ N(H Y, I) for each source, (pair, y, y): H'H = Cov(Y|X)^-1 - I."""
    channels = []
    for gain in (system.gain1, system.gain2):
        directions, correlation, _ = np.linalg.svd(gain @ gain.mT, hermitian=True)
        signal = np.sqrt(correlation / (1 - correlation))
        channels.append(signal[:, :, None] * directions.mT)
    return channels[0], channels[1]


def _deficiency(wanted: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least E KL of imitating the channel ``wanted`` from the output of ``given``, and its gap, bits.

    With H = wanted, K = given and a stand-in of gain T K and noise covariance (L L')^-1, where
    G = L'T must satisfy ||G|| <= 1 because the stand-in is at least as noisy as T makes it,

        2 KL = -2 sum ln L_ii + ||L||^2 + ||L'H - G K||^2 - y.

    L is eliminated: with I + H H' = U U', U upper triangular, Z = U'L and E = U^-1 H K' G',
    the best Z is E below the diagonal and (e + sqrt(e^2 + 4)) / 2 on it.
    """
    noisy = np.eye(wanted.shape[1]) + wanted @ wanted.mT
    upper = np.linalg.cholesky(noisy[:, ::-1, ::-1])[:, ::-1, ::-1]
    cross, power = np.linalg.inv(upper) @ wanted @ given.mT, given @ given.mT
    value, gap = _minimize(cross, power)
    offset = 2 * np.log(np.diagonal(upper, axis1=1, axis2=2)).sum(1)
    return (offset + value) / (2 * np.log(2)), gap / (2 * np.log(2))


def _minimize(cross: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least 2 KL over contractions G, and its Frank-Wolfe gap, nats; each pair stops at its own gap."""
    value, gap = np.zeros(len(cross)), np.zeros(len(cross))
    ahead, last, inertia = np.zeros_like(cross), np.zeros_like(cross), np.ones(len(cross))
    step = 1 / np.maximum(2 * np.linalg.norm(power, 2, axis=(1, 2)), 1e-12)
    i = np.arange(len(cross))
    for _ in range(MAX_STEPS):
        _, slope = _value_and_slope(ahead[i], cross[i], power[i])
        moved = _project(ahead[i] - step[i, None, None] * slope)
        value[i], slope = _value_and_slope(moved, cross[i], power[i])
        gap[i] = (slope * moved).sum((1, 2)) + np.linalg.svd(slope, compute_uv=False).sum(1)
        # Adaptive restart: a pair that its momentum drives uphill loses it.
        uphill = ((ahead[i] - moved) * (moved - last[i])).sum((1, 2)) > 0
        before = np.where(uphill, 1.0, inertia[i])
        inertia[i] = (1 + np.sqrt(1 + 4 * before**2)) / 2
        drift = ((before - 1) / inertia[i])[:, None, None]
        ahead[i], last[i] = moved + drift * (moved - last[i]), moved
        i = i[gap[i] > TOLERANCE * 2 * np.log(2)]
        if not len(i):
            break
    return value, gap


def _value_and_slope(
    contraction: np.ndarray, cross: np.ndarray, power: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """2 KL (nats, without the log det of U) minimized over L, and its gradient in G; see ``_deficiency``."""
    turned = contraction.mT
    best = cross @ turned
    e = np.diagonal(best, axis1=1, axis2=2)
    z = (e + np.sqrt(e**2 + 4)) / 2
    lower = np.tril(best, -1)
    value = (-2 * np.log(z) + z**2 - 2 * z * e - 1).sum(1) - (lower**2).sum((1, 2))
    value += (contraction * (contraction @ power)).sum((1, 2))
    filled = lower + z[:, :, None] * np.eye(z.shape[1])
    return value, 2 * (contraction @ power - filled.mT @ cross)


def _project(matrix: np.ndarray) -> np.ndarray:
    """The nearest matrix with no singular value above 1."""
    left, singular, right = np.linalg.svd(matrix)
    return left @ (np.minimum(singular, 1)[:, :, None] * right)
