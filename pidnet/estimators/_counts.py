"""Entropy from how often each code was seen, in bits. counts: one whole number above 0 for each code that was seen."""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad
from scipy.special import digamma


def plug_in(counts: np.ndarray) -> float:
    """Entropy of the shares."""
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def coverage(counts: np.ndarray) -> float:
    """Good and Turing: the probability of the codes that were seen."""
    return 1 - (counts == 1).sum() / counts.sum()


def chao_shen(counts: np.ndarray) -> float:
    """Entropy of the shares times the coverage, each divided by the probability of being seen."""
    n = counts.sum()
    p = max(coverage(counts), 1 / n) * counts / n
    return float(-(p * np.log2(p) / -np.expm1(n * np.log1p(-p.clip(max=1 - 1e-15)))).sum())


def chao_wang_jost(counts: np.ndarray) -> float:
    """What the codes seen give without bias, and what the codes seen once and twice foretell of the others.

    The first part lacks sum_p sum_(k >= n) p (1 - p)^k / k, where 1 - p is put equal for all codes seen once.
    """
    n, once, twice = int(counts.sum()), int((counts == 1).sum()), int((counts == 2).sum())
    seen = float((counts / n * (digamma(n) - digamma(counts))).sum())
    if not once:
        return seen / math.log(2)
    p = 2 * twice / ((n - 1) * once + 2 * twice) if twice else 2 / ((n - 1) * (once - 1) + 2)
    q = 1 - p
    # sum_(k >= n) q^(k - n) / k; all of the integral is near 1
    tail = quad(lambda x: x ** (n - 1) / (1 - q * x), max(0.0, 1 - 50 / n), 1)[0] if q else 0.0
    return (seen + once / n * q * tail) / math.log(2)
