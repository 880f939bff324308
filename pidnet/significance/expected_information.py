"""What shuffling would give on average, without a shuffle: exact means over all permutations within each class."""

from __future__ import annotations

import numpy as np

from pidnet.execution.blocks import REMEMBERED_BYTES
from pidnet.execution.compiling import inner, kernel
from pidnet.execution.threads import share_pairs
from pidnet.tables.discrete import PairTables

NEGLIGIBLE = 1e-12  # of the largest weight: what further counts add to a mean
NOWHERE = -(2**62)
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
    memory = _memory_of_terms(sizes)
    share_pairs(lambda part: fill_means(rows[part], columns[part], sizes, memory, found[part]), len(tables))
    return found / (tables.samples * np.log(2))


def _memory_of_terms(size_Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the terms E[n ln n] of small counts are kept, and the terms, nan until they are found.

    The same counts come again and again in the pairs of a layer; threads that fill a cell write the same. Of classes
    of these sizes, the term of counts r <= c with r c <= MANY size, the ones that take a sum, stands at
    places[y, r] + c: about 32 size ln(size) numbers, where all counts would be size^2. Classes that exceed the
    memory have none.
    """
    places, total = np.full((len(size_Y), int(np.sqrt(MANY * size_Y.max(initial=0))) + 1), NOWHERE), 0
    for place_R, size in zip(places, size_Y.astype(np.int64), strict=True):
        r = np.arange(1, min(int(np.sqrt(MANY * size)), size) + 1)
        counts = np.minimum(int(MANY) * size // r, size) - r + 1
        if 8 * (total + counts.sum()) <= REMEMBERED_BYTES:
            place_R[1 : len(r) + 1] = total + np.cumsum(counts) - counts - r
            total += counts.sum()
    return places, np.full(total, np.nan)


@kernel("means over permutations")
def fill_means(count_PAY, count_PBY, size_Y, memory, mean_P):
    """N times the mean of I(X1;X2|Y) of each pair, nats. memory: of classes of these sizes the terms that are known,
    see ``_memory_of_terms``; filled on the way."""
    for pair in range(len(count_PAY)):
        total = 0.0
        for y in range(count_PAY.shape[2]):
            row_A, column_B = count_PAY[pair, :, y], count_PBY[pair, :, y]
            samples = row_A.sum()
            remembered = samples == size_Y[y]
            total += n_ln_n(samples)
            for a in range(len(row_A)):
                total -= n_ln_n(row_A[a])
            for b in range(len(column_B)):
                total -= n_ln_n(column_B[b])
                for a in range(len(row_A)):
                    if remembered and row_A[a] * column_B[b] <= MANY * samples:
                        total += remembered_term(row_A[a], column_B[b], samples, y, memory)
                    else:
                        total += mean_n_ln_n(row_A[a], column_B[b], samples)
        mean_P[pair] = total


@inner
def remembered_term(row, column, samples, y, memory):
    """E[n ln n] from the memory, put there where it is not yet."""
    places, terms = memory
    less, more = int(min(row, column)), int(max(row, column))
    place = places[y, less] + more
    if place < 0:
        return mean_n_ln_n(row, column, samples)
    if np.isnan(terms[place]):
        terms[place] = mean_n_ln_n(row, column, samples)
    return terms[place]


@inner
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


@inner
def n_ln_n(n):
    """n ln n, 0 at 0."""
    return n * np.log(n) if n > 0.0 else 0.0
