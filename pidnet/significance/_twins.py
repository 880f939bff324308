"""What the kernels of this room compute, in plain NumPy: slow and dense. The kernels must agree."""

from __future__ import annotations

import numpy as np
from scipy.special import exp1, psi, xlogy
from scipy.stats import hypergeom, poisson

from pidnet.significance._mixture import CYCLES, LEAST_LEFT, LONGEST, SETTLED, TRUST_OBSERVED
from pidnet.significance._mixture_cells import DOUBT
from pidnet.tables.expected_counts import MOST

COUNTS = np.arange(200)
ALL = (0, 1, 2)


def mean_n_ln_n(row: int, column: int, samples: int) -> float:
    """E[n ln n] of the overlap n of two random sets of ``row`` and ``column`` out of ``samples``."""
    n = np.arange(min(row, column) + 1)
    return float(hypergeom.pmf(n, samples, row, column) @ xlogy(n, n))


def covariance(p_ABY: np.ndarray, value_4ABY: np.ndarray) -> np.ndarray:
    """Covariances of four functions of the cell under the table p, (4, 4)."""
    centered = value_4ABY - (value_4ABY * p_ABY).sum((1, 2, 3), keepdims=True)
    return np.einsum("iaby,jaby,aby->ij", centered, centered, p_ABY)


def joint_bias(count_ABY: np.ndarray) -> float:
    """The bias of N I(Y;X1X2) of one pair, nats."""
    weight, fitted_ABY = fit(count_ABY)
    classes = observed_part(count_ABY.sum((0, 1))).sum()
    table = cells_bias(count_ABY.ravel(), fitted_ABY.ravel(), weight[0])
    return table - cells_bias(count_ABY.sum(2).ravel(), fitted_ABY.sum(2).ravel(), weight[0]) - classes + 0.5


def fit(count_ABY: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and expected counts of the mixture that nearly maximizes the likelihood of samples left out one at a time, by
    expectation maximization: two steps, the leap that they suggest, and a step from there, which is taken where it
    is no longer than the first one. Source: Varadhan & Roland 2008, Scand. J. Stat. 35, 335 (SQUAREM)."""
    left_out = components(count_ABY, 1.0)
    weight = np.full(len(left_out), 1 / len(left_out))
    for _ in range(CYCLES):
        one = climbed(count_ABY, left_out, weight)
        two = climbed(count_ABY, left_out, one)
        first, bend = one - weight, two - 2 * one + weight
        moved = np.linalg.norm(first)
        length = np.clip(moved / max(np.linalg.norm(bend), 1e-15), 1, LONGEST)
        far = np.maximum(weight + 2 * length * first + length**2 * bend, LEAST_LEFT * two)
        there = climbed(count_ABY, left_out, far / far.sum())
        weight = there if np.linalg.norm(there - far / far.sum()) <= moved else two
        if moved <= SETTLED:
            break
    return weight, np.tensordot(weight, components(count_ABY, 0.0), 1)


def climbed(count_ABY: np.ndarray, left_out: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weights after a step of expectation maximization."""
    predicted = np.maximum(np.tensordot(weight, left_out, 1), 1e-300)
    moved = weight * (left_out * (count_ABY / predicted)).sum((1, 2, 3))
    return moved / np.maximum(moved.sum(), 1e-300)


def components(count_ABY: np.ndarray, left_out: float) -> np.ndarray:
    """The observed counts and the seven products of margins in which something is independent, (M, A, B, Y)."""

    def margin(axes: tuple[int, ...]) -> np.ndarray:
        return np.maximum(count_ABY.sum(axes, keepdims=True) - left_out, 0)

    a, b, y = margin((1, 2)), margin((0, 2)), margin((0, 1))
    ab, ay, by, total = margin((2,)), margin((1,)), margin((0,)), np.maximum(margin(ALL), 1)
    of_a, of_b, of_y = (np.maximum(x, 1) for x in (a, b, y))
    products = (ay * by / of_y, ab * ay / of_a, ab * by / of_b, ab * y / total)
    products += (a * by / total, b * ay / total, a * b * y / total**2)
    return np.stack(np.broadcast_arrays(np.maximum(count_ABY - left_out, 0), *products))


def cells_bias(count_C: np.ndarray, fitted_C: np.ndarray, observed_weight: float) -> float:
    """Sum over cells of E[n ln n] - mu ln mu: by the fit, or by the data where the observed table has much of the
    weight or the cells seen once, f1, depart from the fit by more than chance. The cells still unseen follow from
    f1 as the fit has it, f1 to f2 between fit and data."""
    once, twice = (count_C == 1).sum(), (count_C == 2).sum()
    few = fitted_C[fitted_C <= MOST]
    single = few * np.exp(-few)
    double, expected = (few * single / 2).sum(), single.sum()
    unseen = (few[few > 0] * exp1(few[few > 0])).sum() * (once + 1) / (expected + 1)
    unseen *= np.sqrt((unseen_share(twice, once) / unseen_share(double, expected)).clip(0.4, 2.5))
    score = (once - expected) ** 2 / max((single * (1 - single)).sum(), 1e-9)
    trust = max(min(1.0, TRUST_OBSERVED * observed_weight), score**2 / (score**2 + DOUBT**2))
    return (1 - trust) * fitted_part(fitted_C).sum() + trust * (observed_part(count_C).sum() + unseen)


def unseen_share(twice: float, once: float) -> np.float64:
    """exp(b) E1(b), b = 2 f2 / f1: what cells of one rate have unseen for each cell seen once."""
    rate = np.clip(2 * (twice + 1) / (once + 1), 1e-3, 500)
    return np.exp(rate) * exp1(rate)


def observed_part(count: np.ndarray) -> np.ndarray:
    """n (ln n - psi(n))."""
    at_least_one = np.maximum(count, 1)
    return count * (np.log(at_least_one) - psi(at_least_one))


def fitted_part(mean: np.ndarray) -> np.ndarray:
    """E[n ln n] - mu ln mu of Poisson counts n."""
    few = np.minimum(mean, MOST)
    exact = poisson.pmf(COUNTS, few[..., None]) @ xlogy(COUNTS, COUNTS) - xlogy(few, few)
    return np.where(mean > MOST, 0.5 + 1 / (12 * np.maximum(mean, 1)), exact)


def homogeneity(count_ABY: np.ndarray) -> tuple[float, int]:
    """Whether both units have the same codes in each class: sum over cells of (n1 - n2)^2 / (n1 + n2 - 2 n12), scaled
    to the chi-square law, and its degrees of freedom."""
    difference = count_ABY.sum(1) - count_ABY.sum(0)
    spread = count_ABY.sum(1) + count_ABY.sum(0) - 2 * np.einsum("xxy->xy", count_ABY)
    square_Y = np.divide(difference**2, spread, out=np.zeros(spread.shape), where=spread > 0).sum(0)
    found_Y = (spread > 0).sum(0)
    several = found_Y > 1
    scaled = square_Y[several] * (found_Y[several] - 1) / found_Y[several]
    return float(scaled.sum()), int((found_Y[several] - 1).sum())
