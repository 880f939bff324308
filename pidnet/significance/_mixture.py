"""The kernel of ``mixture_bias``, one pair at a time; ``_twins.joint_bias`` is the same in NumPy: read it first.

The fit has nearly all of the cost. It runs in float32 over the cells that were seen, a row for each component, so that
eight cells stand in a vector register; that changes the bias by less than 1e-5 bits.

Axis letters: M component, C cell, A/B level of source 1/2, Y class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pidnet.execution.compiling import FAST
from pidnet.tables.expected_counts import (
    FITTED_PART,
    MOST,
    OBSERVED_PART,
    SEEN_ONCE,
    UNSEEN_PART,
    between,
    observed,
    place_of,
)

STEPS, SETTLED = 60, 1e-3  # steps at most; the largest change of a weight at which they end
TRUST_OBSERVED = 3.0  # by weight of the observed table: from a third of it on only the data count
DOUBT = 5.0  # the squared z of the cells seen once at which fit and data count alike
COMPONENTS = 8
SMALLEST = np.float32(1e-30)


class Parts(NamedTuple):
    """Tables of ``expected_counts``."""

    fitted: np.ndarray
    unseen: np.ndarray
    once: np.ndarray
    observed: np.ndarray


class Margins(NamedTuple):
    """Of the counts of a pair, each a table of its letters."""

    a: np.ndarray
    b: np.ndarray
    y: np.ndarray
    ab: np.ndarray
    ay: np.ndarray
    by: np.ndarray


PARTS = Parts(FITTED_PART, UNSEEN_PART, SEEN_ONCE, OBSERVED_PART)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_joint_bias(p_PABY, samples, parts, bias_P):
    """The bias of N I(Y;X1X2) of each pair, nats."""
    pairs, A, B, Y = p_PABY.shape
    count, fitted, fitted_ab = np.empty((A, B, Y)), np.empty((A, B, Y)), np.empty((A, B))
    component, seen = np.empty((COMPONENTS, A * B * Y), np.float32), np.empty(A * B * Y, np.float32)
    weight = np.empty(COMPONENTS, np.float32)
    margins = Margins(
        np.empty(A), np.empty(B), np.empty(Y), np.empty((A, B)), np.empty((A, Y)), np.empty((B, Y))
    )
    for pair in range(pairs):
        fill_counts(p_PABY[pair], samples, count, margins)
        fit_weights(component, seen, fill_left_out(count, margins, component, seen), weight)
        fill_fitted(count, margins, weight, fitted, fitted_ab)
        total = cells_bias(count.reshape(-1), fitted.reshape(-1), weight[0], parts)
        total -= cells_bias(margins.ab.reshape(-1), fitted_ab.reshape(-1), weight[0], parts)
        for y in range(Y):
            total -= observed(margins.y[y], parts.observed)
        bias_P[pair] = total + 0.5


@njit(cache=True, nogil=True, error_model="numpy")
def fill_counts(p, samples, count, margins):
    """The counts of a table, and their margins."""
    for margin in (margins.ay, margins.by):
        margin[:] = 0.0
    A, B, Y = p.shape
    for a in range(A):
        for b in range(B):
            both = 0.0
            for y in range(Y):
                n = np.rint(p[a, b, y] * samples)
                count[a, b, y] = n
                margins.ay[a, y] += n
                margins.by[b, y] += n
                both += n
            margins.ab[a, b] = both
    for a in range(A):
        margins.a[a] = margins.ay[a].sum()
    for b in range(B):
        margins.b[b] = margins.by[b].sum()
    for y in range(Y):
        margins.y[y] = margins.ay[:, y].sum()


@njit(cache=True, nogil=True, error_model="numpy")
def fill_left_out(count, margins, component, seen):
    """The components of the cells that were seen, without one sample of the cell, and their counts; how many there
    are. The components are the observed count and the seven products of margins in which something is independent."""
    A, B, Y = count.shape
    whole = 1.0 / max(margins.y.sum() - 1.0, 1.0)
    c = 0
    for a in range(A):
        of_a = margins.a[a] - 1.0
        per_a = 1.0 / max(of_a, 1.0)
        for b in range(B):
            of_b, of_ab = margins.b[b] - 1.0, margins.ab[a, b] - 1.0
            per_b = 1.0 / max(of_b, 1.0)
            if of_ab < 0.0:
                continue
            for y in range(Y):
                n = count[a, b, y]
                if n > 0.0:
                    ay, by, of_y = margins.ay[a, y] - 1.0, margins.by[b, y] - 1.0, margins.y[y] - 1.0
                    component[0, c] = n - 1.0
                    component[1, c] = ay * by / max(of_y, 1.0)
                    component[2, c] = of_ab * per_a * ay
                    component[3, c] = of_ab * per_b * by
                    component[4, c] = of_ab * whole * of_y
                    component[5, c] = of_a * whole * by
                    component[6, c] = of_b * whole * ay
                    component[7, c] = of_a * whole * of_b * whole * of_y
                    seen[c] = n
                    c += 1
    return c


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fit_weights(component_MC, count_C, cells, weight):
    """Weights of the largest likelihood of the counts, by expectation maximization. Each component has a name of its
    own: that is what puts the loop over cells into vector registers."""
    c0, c1, c2, c3 = component_MC[0], component_MC[1], component_MC[2], component_MC[3]
    c4, c5, c6, c7 = component_MC[4], component_MC[5], component_MC[6], component_MC[7]
    none = np.float32(0.0)
    weight[:] = np.float32(1.0 / COMPONENTS)
    for _ in range(STEPS):
        w0, w1, w2, w3 = weight[0], weight[1], weight[2], weight[3]
        w4, w5, w6, w7 = weight[4], weight[5], weight[6], weight[7]
        m0, m1, m2, m3, m4, m5, m6, m7 = none, none, none, none, none, none, none, none
        for c in range(cells):
            predicted = w0 * c0[c] + w1 * c1[c] + w2 * c2[c] + w3 * c3[c]
            predicted += w4 * c4[c] + w5 * c5[c] + w6 * c6[c] + w7 * c7[c]
            share = count_C[c] / (predicted + SMALLEST)
            m0 += c0[c] * share
            m1 += c1[c] * share
            m2 += c2[c] * share
            m3 += c3[c] * share
            m4 += c4[c] * share
            m5 += c5[c] * share
            m6 += c6[c] * share
            m7 += c7[c] * share
        if move(weight, (m0, m1, m2, m3, m4, m5, m6, m7)) < SETTLED:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def move(weight, growth):
    """Let each weight grow by its factor, in sum 1; the largest change."""
    total = SMALLEST
    for m in range(COMPONENTS):
        total += weight[m] * growth[m]
    largest = np.float32(0.0)
    for m in range(COMPONENTS):
        moved = weight[m] * growth[m] / total
        largest = max(largest, abs(moved - weight[m]))
        weight[m] = moved
    return largest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fill_fitted(count, margins, weight, fitted, fitted_ab):
    """The expected counts of the mixture, and their sums over the classes: a row of classes at a time, in which
    p(x1,y), p(x2,y), p(y) have one factor each."""
    A, B, Y = count.shape
    whole = 1.0 / max(margins.y.sum(), 1.0)
    for a in range(A):
        per_a = 1.0 / max(margins.a[a], 1.0)
        for b in range(B):
            ab, per_b = margins.ab[a, b], 1.0 / max(margins.b[b], 1.0)
            of_ay = weight[2] * ab * per_a + weight[6] * margins.b[b] * whole
            of_by = weight[3] * ab * per_b + weight[5] * margins.a[a] * whole
            of_y = weight[4] * ab * whole + weight[7] * margins.a[a] * margins.b[b] * whole * whole
            total = 0.0
            for y in range(Y):
                ay, by, n = margins.ay[a, y], margins.by[b, y], margins.y[y]
                mean = weight[0] * count[a, b, y] + weight[1] * ay * by / max(n, 1.0)
                mean += of_ay * ay + of_by * by + of_y * n
                fitted[a, b, y] = mean
                total += mean
            fitted_ab[a, b] = total


@njit(cache=True, nogil=True, error_model="numpy")
def cells_bias(count_C, fitted_C, observed_weight, parts):
    """Sum over cells of E[n ln n] - mu ln mu; see ``_twins.cells_bias``."""
    once, twice, of_fit, of_data, unseen = 0.0, 0.0, 0.0, 0.0, 0.0
    single, double, variance = 0.0, 0.0, 0.0
    for cell in range(len(count_C)):
        n, mean = count_C[cell], fitted_C[cell]
        once += n == 1.0
        twice += n == 2.0
        of_data += observed(n, parts.observed)
        if mean > MOST:
            of_fit += 0.5 + 1.0 / (12.0 * mean)
        elif mean > 0.0:
            left, along = place_of(mean)
            of_fit += between(parts.fitted, left, along)
            unseen += between(parts.unseen, left, along)
            p = between(parts.once, left, along)
            single += p
            double += mean * p / 2.0
            variance += p * (1.0 - p)
    more = unseen_share(twice, once) / unseen_share(double, single)
    unseen *= (once + 1.0) / (single + 1.0) * np.sqrt(min(max(more, 0.4), 2.5))
    score = (once - single) ** 2 / max(variance, 1e-9)
    trust = max(min(1.0, TRUST_OBSERVED * observed_weight), score**2 / (score**2 + DOUBT**2))
    return (1.0 - trust) * of_fit + trust * (of_data + unseen)


@njit(cache=True, nogil=True, error_model="numpy")
def unseen_share(twice, once):
    """exp(b) E1(b), b = 2 f2 / f1: what cells of one rate have unseen for each cell seen once.

    The fraction (b + 1 + ...) in a continued fraction, to 1e-6 for b from .001 on."""
    rate = min(max(2.0 * (twice + 1.0) / (once + 1.0), 1e-3), 500.0)
    if rate < 1.0:
        total, term = -np.euler_gamma - np.log(rate), 1.0
        for k in range(1, 20):
            term *= -rate / k
            total -= term / k
        return np.exp(rate) * total
    fraction = 0.0
    for k in range(40, 0, -1):
        fraction = k / (1.0 + k / (rate + fraction))
    return 1.0 / (rate + fraction)
