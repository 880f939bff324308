"""How the redundancy and the informations of a pair scatter over samples, to first order (the delta method)."""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import kernel
from pidnet.execution.threads import share_pairs
from pidnet.measures.derivatives import Derivative, log2_ratio
from pidnet.tables.discrete import PairTables


def covariances(tables: PairTables, derivative: Derivative) -> np.ndarray:
    """Covariances of the plug-in R, I1, I2 and I12 over samples, (pair, 4, 4), bits squared.

    Cov(f, g) = ( sum p f' g' - sum p f' sum p g' ) / N, with f', g' the derivatives by the cells of the table: the
    scatter that each sample adds. Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 22 (the
    nonparametric delta method).
    """
    p_PABY = np.ascontiguousarray(tables.p)
    both = np.zeros(p_PABY.shape[:3]) if derivative.both is None else derivative.both
    first, second = log2_ratio(p_PABY.sum(2)), log2_ratio(p_PABY.sum(1))
    inputs = (p_PABY, derivative.first, derivative.second, both, first, second)
    found = np.empty((len(p_PABY), 4, 4))
    share_pairs(lambda part: fill_covariances(*(one[part] for one in inputs), found[part]), len(p_PABY))
    return found / tables.samples


@kernel("covariances of atoms")
def fill_covariances(p_PABY, first_PAY, second_PBY, both_PAB, known1_PAY, known2_PBY, covariance_P44):
    """Covariances of one sample's share of R, I1, I2, I12."""
    pairs, levels1, levels2, classes = p_PABY.shape
    value, mean = np.empty(4), np.empty(4)
    for pair in range(pairs):
        covariance = covariance_P44[pair]
        covariance[:], mean[:] = 0.0, 0.0
        p_Y = p_PABY[pair].sum(0).sum(0)
        for a in range(levels1):
            for b in range(levels2):
                p_ab = p_PABY[pair, a, b].sum()
                for y in range(classes):
                    p = p_PABY[pair, a, b, y]
                    if p <= 0.0:
                        continue
                    value[0] = first_PAY[pair, a, y] + second_PBY[pair, b, y] + both_PAB[pair, a, b]
                    value[1], value[2] = known1_PAY[pair, a, y], known2_PBY[pair, b, y]
                    value[3] = np.log2(p / (p_ab * p_Y[y]))
                    for i in range(4):
                        mean[i] += p * value[i]
                        for j in range(i + 1):
                            covariance[i, j] += p * value[i] * value[j]
        for i in range(4):
            for j in range(i + 1):
                covariance[i, j] -= mean[i] * mean[j]
                covariance[j, i] = covariance[i, j]
