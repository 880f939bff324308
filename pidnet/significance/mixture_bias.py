"""The bias of I(Y;X1X2) under a mixture of what the table may really be, from independence to identity.

Shuffled tables fill every cell; tables of copies fill few, and both are found in real layers. So the table is fitted
as a mixture of the observed one and of all its products of margins, weighted by how well each predicts a sample
that was left out. Copies keep their few cells and independent pairs get all of theirs.

Axis letters: M component, P pair, A/B level of source 1/2, Y class.
"""

from __future__ import annotations

import numpy as np
from scipy.special import exp1, psi, xlogy
from scipy.stats import poisson

STEPS = 60
DOUBT = 3.0  # the squared z of the singletons at which the fit and the data count alike
MOST, LARGEST_COUNT = 60.0, 200  # expected counts above MOST follow the expansion
GRID = np.linspace(0, MOST, 3001)
COUNTS = np.arange(LARGEST_COUNT)
MEAN_N_LN_N = poisson.pmf(COUNTS, GRID[:, None]) @ xlogy(COUNTS, COUNTS)
ALL = (1, 2, 3)


def joint_information_bias(count_PABY: np.ndarray) -> np.ndarray:
    """Bias of the plug-in I(Y;X1X2) = H(Y) + H(X1,X2) - H(X1,X2,Y), (pair,), bits."""
    fitted_PABY = fit_mixture(count_PABY)
    classes = _observed_part(count_PABY.sum((1, 2))).sum(1)
    table = sum_bias(count_PABY.reshape(len(count_PABY), -1), fitted_PABY.reshape(len(count_PABY), -1))
    both = sum_bias(*(x.sum(3).reshape(len(x), -1) for x in (count_PABY, fitted_PABY)))
    return (table - both - classes + 0.5) / (count_PABY[0].sum() * np.log(2))


def fit_mixture(count_PABY: np.ndarray) -> np.ndarray:
    """Expected counts of the mixture whose weights maximize the likelihood of samples left out one at a time."""
    left_out = _components(count_PABY, 1.0)
    weight = np.full((len(left_out), len(count_PABY), 1, 1, 1), 1 / len(left_out))
    for _ in range(STEPS):
        predicted = np.maximum((weight * left_out).sum(0), 1e-300)
        weight *= (left_out * (count_PABY / predicted)).sum((2, 3, 4), keepdims=True)
        weight /= np.maximum(weight.sum(0), 1e-300)
    return (weight * _components(count_PABY, 0.0)).sum(0)


def sum_bias(count_PC: np.ndarray, fitted_PC: np.ndarray) -> np.ndarray:
    """sum over cells of E[n ln n] - mu ln mu, (pair,).

    Under the fit it is a function of each mu. In general it is n (ln n - psi(n)) of the data plus mu E1(mu) of cells
    still unseen; these follow from the cells seen once, f1, as the fit has it, f1 to f2 between fit and data. The
    second counts where f1 of the data departs from that of the fit by more than chance.
    Source: Grassberger 2003, arXiv:physics/0307138 (the observed part); Chao, Wang & Jost 2013, Methods Ecol. Evol.
    4, 1091 (the unseen part as what the cells seen once foretell).
    """
    once, twice = (count_PC == 1).sum(1), (count_PC == 2).sum(1)
    single = fitted_PC * np.exp(-fitted_PC)
    double, expected = (fitted_PC * single / 2).sum(1), single.sum(1)
    seen_more = _unseen_share(twice, once) / _unseen_share(double, expected)
    unseen = np.where(fitted_PC > 0, fitted_PC * exp1(np.maximum(fitted_PC, 1e-300)), 0).sum(1)
    unseen *= (once + 1) / (expected + 1) * np.sqrt(seen_more.clip(0.4, 2.5))
    score = (once - expected) ** 2 / np.maximum((single * (1 - single)).sum(1), 1e-9)
    trust = score**2 / (score**2 + DOUBT**2)
    return (1 - trust) * _fitted_part(fitted_PC).sum(1) + trust * (_observed_part(count_PC).sum(1) + unseen)


def _unseen_share(twice: np.ndarray, once: np.ndarray) -> np.ndarray:
    """exp(b) E1(b), b = 2 f2 / f1: what cells of one rate have unseen for each cell seen once."""
    rate = (2 * (twice + 1) / (once + 1)).clip(1e-3, 500)
    return np.exp(rate) * exp1(rate)


def _observed_part(count: np.ndarray) -> np.ndarray:
    """n (ln n - psi(n))."""
    at_least_one = np.maximum(count, 1)
    return count * (np.log(at_least_one) - psi(at_least_one))


def _fitted_part(mean: np.ndarray) -> np.ndarray:
    """E[n ln n] - mu ln mu of Poisson counts n."""
    small = np.interp(np.minimum(mean, MOST), GRID, MEAN_N_LN_N) - xlogy(mean, mean)
    return np.where(mean > MOST, 0.5 + 1 / (12 * np.maximum(mean, 1)), small)


def _components(count_PABY: np.ndarray, left_out: float) -> np.ndarray:
    """The observed counts and the seven products of margins in which something is independent, (M, P, A, B, Y)."""

    def margin(axes: tuple[int, ...]) -> np.ndarray:
        return np.maximum(count_PABY.sum(axes, keepdims=True) - left_out, 0)

    a, b, y = margin((2, 3)), margin((1, 3)), margin((1, 2))
    ab, ay, by, total = margin((3,)), margin((2,)), margin((1,)), np.maximum(margin(ALL), 1)
    of_a, of_b, of_y = (np.maximum(x, 1) for x in (a, b, y))
    products = (ay * by / of_y, ab * ay / of_a, ab * by / of_b, ab * y / total)
    products += (a * by / total, b * ay / total, a * b * y / total**2)
    return np.stack(np.broadcast_arrays(np.maximum(count_PABY - left_out, 0), *products))
