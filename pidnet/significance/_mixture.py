"""The kernel of ``mixture_bias``, one pair at a time; ``_twins.joint_bias`` is the same in NumPy: read it first.

Axis letters: M component, C cell, A/B level of source 1/2, Y class.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidnet.tables.expected_counts import (
    FITTED_PART,
    MOST,
    OBSERVED_PART,
    UNSEEN_PART,
    interpolate,
    observed,
)

STEPS, SETTLED = 60, 1e-3  # steps at most; the largest change of a weight at which they end
TRUST_OBSERVED = 3.0  # by weight of the observed table: from a third of it on only the data count
DOUBT = 5.0  # the squared z of the cells seen once at which fit and data count alike
COMPONENTS = 8
FAST = {
    "nsz",
    "arcp",
    "contract",
    "reassoc",
}  # sums may use vector instructions; nan and inf keep their meaning
TABLES = (FITTED_PART, UNSEEN_PART, OBSERVED_PART)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_joint_bias(count_PABY, fitted_part, unseen_part, observed_part, bias_P):
    """The bias of N I(Y;X1X2) of each pair, nats."""
    pairs, levels1, levels2, classes = count_PABY.shape
    fitted = np.empty((levels1, levels2, classes))
    components = np.empty((levels1 * levels2 * classes, COMPONENTS))
    tables = (fitted_part, unseen_part, observed_part)
    for pair in range(pairs):
        count = count_PABY[pair]
        weight = fill_fit(count, components, fitted)
        total = cells_bias(count.reshape(-1), fitted.reshape(-1), weight[0], tables)
        both, fitted_both = count.sum(2), fitted.sum(2)
        total -= cells_bias(both.reshape(-1), fitted_both.reshape(-1), weight[0], tables)
        for n in count.sum(0).sum(0):
            total -= observed(n, observed_part)
        bias_P[pair] = total + 0.5


@njit(cache=True, nogil=True, error_model="numpy")
def fill_fit(count, components, fitted):
    """Fill the expected counts of the mixture and return its weights."""
    margins = margins_of(count)
    levels1, levels2, classes = count.shape
    occupied, seen = 0, np.empty(count.size)
    for a in range(levels1):
        for b in range(levels2):
            for y in range(classes):
                if count[a, b, y] > 0.0:
                    fill_components(count, margins, (a, b, y), 1.0, components[occupied])
                    seen[occupied] = count[a, b, y]
                    occupied += 1
    weight = fit_weights(components[:occupied], seen[:occupied])
    one = np.empty(COMPONENTS)
    for a in range(levels1):
        for b in range(levels2):
            for y in range(classes):
                fill_components(count, margins, (a, b, y), 0.0, one)
                fitted[a, b, y] = (weight * one).sum()
    return weight


@njit(cache=True, nogil=True, error_model="numpy")
def margins_of(count):
    """The tables of (a), (b), (y), (a, b), (a, y) and (b, y)."""
    both, first, second = count.sum(2), count.sum(1), count.sum(0)
    return both.sum(1), both.sum(0), first.sum(0), both, first, second


@njit(cache=True, nogil=True, error_model="numpy")
def fill_components(count, margins, cell, left_out, found_M):
    """The observed count of a cell and the seven products of margins in which something is independent, each
    without ``left_out`` samples of this cell."""
    a, b, y = cell
    of_a, of_b, of_y, of_ab, of_ay, of_by = margins
    ab, ay = max(of_ab[a, b] - left_out, 0.0), max(of_ay[a, y] - left_out, 0.0)
    by = max(of_by[b, y] - left_out, 0.0)
    just_a, just_b = max(of_a[a] - left_out, 0.0), max(of_b[b] - left_out, 0.0)
    just_y = max(of_y[y] - left_out, 0.0)
    total = max(of_y.sum() - left_out, 1.0)
    found_M[0] = max(count[a, b, y] - left_out, 0.0)
    found_M[1] = ay * by / max(just_y, 1.0)
    found_M[2] = ab * ay / max(just_a, 1.0)
    found_M[3] = ab * by / max(just_b, 1.0)
    found_M[4] = ab * just_y / total
    found_M[5] = just_a * by / total
    found_M[6] = just_b * ay / total
    found_M[7] = just_a * just_b * just_y / total**2


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fit_weights(component_CM, count_C):
    """Weights of the largest likelihood of the counts, by expectation maximization."""
    weight, moved = np.full(COMPONENTS, 1.0 / COMPONENTS), np.empty(COMPONENTS)
    for _ in range(STEPS):
        moved[:] = 0.0
        for cell in range(len(count_C)):
            predicted = 0.0
            for m in range(COMPONENTS):
                predicted += weight[m] * component_CM[cell, m]
            share = count_C[cell] / max(predicted, 1e-300)
            for m in range(COMPONENTS):
                moved[m] += component_CM[cell, m] * share
        moved *= weight
        moved /= max(moved.sum(), 1e-300)
        change = np.abs(moved - weight).max()
        weight[:] = moved
        if change < SETTLED:
            break
    return weight


@njit(cache=True, nogil=True, error_model="numpy")
def cells_bias(count_C, fitted_C, observed_weight, tables):
    """Sum over cells of E[n ln n] - mu ln mu; see ``_twins.cells_bias``."""
    fitted_part, unseen_part, observed_part = tables
    once, twice, of_fit, of_data, unseen = 0.0, 0.0, 0.0, 0.0, 0.0
    single, double, variance = 0.0, 0.0, 0.0
    for cell in range(len(count_C)):
        n, mean = count_C[cell], fitted_C[cell]
        once += n == 1.0
        twice += n == 2.0
        of_data += observed(n, observed_part)
        if mean > MOST:
            of_fit += 0.5 + 1.0 / (12.0 * mean)
        elif mean > 0.0:
            of_fit += interpolate(mean, fitted_part)
            unseen += interpolate(mean, unseen_part)
            p = mean * np.exp(-mean)
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
