"""What shuffling would give on average, without a shuffle: exact means over all permutations within each class."""

from __future__ import annotations

import numpy as np
from numba import njit

from pidnet.execution.blocks import REMEMBERED_SAMPLES
from pidnet.execution.threads import share_pairs
from pidnet.tables.discrete import PairTables

NEGLIGIBLE = 1e-12  # of the largest weight: what further counts add to a mean
MANY = 64.0  # expected counts above this follow the expansion, to 1e-4 of a count


def shuffled_information(tables: PairTables) -> np.ndarray:
    """Mean of I(X1;X2|Y) when one source is permuted within each class, (pair,), bits: the bias that the plug-in
    has where the sources are independent given the class.

    A count of a shuffled cell is hypergeometric given the margins, so that

        I = 1/(N ln 2) sum_y ( sum_ab E[n ln n] - sum_a r ln r - sum_b c ln c + n_y ln n_y ).

    Source: Vinh, Epps & Bailey 2010, J. Mach. Learn. Res. 11, 2837, Theorem 1 (the expected mutual information).
    """
    rows, columns = (np.rint(tables.p.sum(axis) * tables.samples) for axis in (2, 1))
    found = np.empty(len(tables))
    sizes = rows[:1].sum(1).ravel()
    # The same counts come again and again in the pairs of a layer; threads that fill a cell write the same.
    known = np.full((len(sizes), *[min(REMEMBERED_SAMPLES, int(sizes.max(initial=0))) + 1] * 2), np.nan)
    share_pairs(lambda part: fill_means(rows[part], columns[part], sizes, known, found[part]), len(tables))
    return found / (tables.samples * np.log(2))


@njit(cache=True, nogil=True, error_model="numpy")
def fill_means(count_PAY, count_PBY, size_Y, known_YRC, mean_P):
    """N times the mean of I(X1;X2|Y) of each pair, nats. known: of row and column counts R, C in classes of
    these sizes the terms that are known, nan for the others; filled on the way."""
    for pair in range(len(count_PAY)):
        total = 0.0
        for y in range(count_PAY.shape[2]):
            row_A, column_B = count_PAY[pair, :, y], count_PBY[pair, :, y]
            samples = row_A.sum()
            remembered = samples == size_Y[y] and samples < known_YRC.shape[1]
            total += n_ln_n(samples)
            for a in range(len(row_A)):
                total -= n_ln_n(row_A[a])
            for b in range(len(column_B)):
                total -= n_ln_n(column_B[b])
                for a in range(len(row_A)):
                    row, column = int(row_A[a]), int(column_B[b])
                    if remembered and not np.isnan(known_YRC[y, row, column]):
                        total += known_YRC[y, row, column]
                        continue
                    term = mean_n_ln_n(row_A[a], column_B[b], samples)
                    if remembered:
                        known_YRC[y, row, column] = term
                    total += term
        mean_P[pair] = total


@njit(cache=True, nogil=True, error_model="numpy")
def mean_n_ln_n(row, column, samples):
    """E[n ln n] of the overlap n of two random sets of ``row`` and ``column`` out of ``samples``."""
    if row == 0.0 or column == 0.0:
        return 0.0
    expected = row * column / samples
    if expected > MANY:
        spread = expected * (1.0 - row / samples) * (1.0 - column / samples) * samples / (samples - 1.0)
        skew = spread * (1.0 - 2.0 * row / samples) * (1.0 - 2.0 * column / samples)
        return (
            n_ln_n(expected)
            + spread / (2.0 * expected)
            - skew / (6.0 * expected**2)
            + spread**2 / (4.0 * expected**3)
        )
    most_likely = np.floor((row + 1.0) * (column + 1.0) / (samples + 2.0))
    total, mass = n_ln_n(most_likely), 1.0
    for direction in (1.0, -1.0):
        n, weight = most_likely, 1.0
        while weight > NEGLIGIBLE:
            if direction > 0.0:
                weight *= (row - n) * (column - n) / ((n + 1.0) * (samples - row - column + n + 1.0))
            else:
                weight *= n * (samples - row - column + n) / ((row - n + 1.0) * (column - n + 1.0))
            n += direction
            total += weight * n_ln_n(n)
            mass += weight
    return total / mass


@njit(cache=True, nogil=True, error_model="numpy")
def n_ln_n(n):
    """n ln n, 0 at 0."""
    return n * np.log(n) if n > 0.0 else 0.0
