"""Published estimators of I(Y;X1X2) from counts, for ``benchmarks.corrections``. Each takes counts (pair, x1, x2, y)
and gives bits, (pair,); each entropy takes counts (distribution, cell)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from scipy.special import digamma, gammaln, polygamma, xlogy
from scipy.stats import binom

from pidnet.tables import shannon

Estimator = Callable[[np.ndarray], np.ndarray]
LN2 = np.log(2)


def plug_in(n: np.ndarray) -> np.ndarray:
    return shannon.entropy(n / n.sum(1, keepdims=True), 1)


def miller_madow(n: np.ndarray) -> np.ndarray:
    return plug_in(n) + ((n > 0).sum(1) - 1) / (2 * n.sum(1) * LN2)


def grassberger(n: np.ndarray) -> np.ndarray:
    total, one = n.sum(1), np.maximum(n, 1)
    odd = (-1.0) ** n * (digamma((one + 1) / 2) - digamma(one / 2)) / 2
    return np.log2(total) - (n * (digamma(one) + odd)).sum(1) / total / LN2


def chao_shen(n: np.ndarray) -> np.ndarray:
    total = n.sum(1, keepdims=True)
    once = np.minimum((n == 1).sum(1, keepdims=True), total - 1)
    p = (1 - once / total) * n / total
    seen = np.where(n > 0, 1 - (1 - p) ** total, 1.0)
    return -(xlogy(p, p) / seen).sum(1) / LN2


def jackknife(n: np.ndarray) -> np.ndarray:
    total = n.sum(1, keepdims=True)
    nats = xlogy(n, n).sum(1, keepdims=True)
    left = np.log(total - 1) - (nats - xlogy(n, n) + xlogy(n - 1, np.maximum(n - 1, 1))) / (total - 1)
    mean = (n * left).sum(1) / total[:, 0]
    return total[:, 0] * plug_in(n) - (total[:, 0] - 1) * mean / LN2


def nsb(n: np.ndarray, grid: int = 60) -> np.ndarray:
    """Nemenman, Shafee & Bialek (2002): the posterior mean under a mixture of symmetric Dirichlet priors that is flat in
    the entropy expected before the data; the cells are all that the counts have."""
    cells, total = n.shape[1], n.sum(1)
    logs, means = [], []
    for beta in np.geomspace(1e-5, 1e3, grid):
        evidence = gammaln(cells * beta) - gammaln(cells * beta + total)
        evidence += (gammaln(n + beta) - gammaln(beta)).sum(1)
        prior = cells * polygamma(1, cells * beta + 1) - polygamma(1, beta + 1)
        logs.append(evidence + np.log(prior * beta))  # the grid is even in log beta
        shares = (n + beta) / (total + cells * beta)[:, None]
        means.append(digamma(total + cells * beta + 1) - (shares * digamma(n + beta + 1)).sum(1))
    weights = np.exp(logs - np.max(logs, 0))
    return (weights * means).sum(0) / weights.sum(0) / LN2


def best_upper_bound(n: np.ndarray) -> np.ndarray:
    """Paninski (2003): sum of coefficients of the counts, which minimize a bound on the worst squared error."""
    return _coefficients(int(n[0].sum()), n.shape[1])[n.astype(int)].sum(1)


@cache
def _coefficients(samples: int, cells: int, free: int = 12) -> np.ndarray:
    """Of the counts 0 to N: the first are fitted, the others are Miller and Madow's. The weight of the steps, which bound
    the variance, is the one of the least bound."""
    counts = np.arange(samples + 1)
    start = -xlogy(counts / samples, counts / samples) + (1 - counts / samples) / (2 * samples)
    p = np.concatenate([np.linspace(0, 40 / samples, 400), np.linspace(40 / samples, 1, 400)[1:]])
    chances, scale = binom.pmf(counts, samples, p[:, None]), np.minimum(cells, 1 / np.maximum(p, 1e-300))
    missing = -xlogy(p, p) - chances[:, free:] @ start[free:]
    steps = np.diff(np.eye(free + 1), axis=0)  # the last one to the first coefficient that stays
    tries = []
    for weight in np.geomspace(1e-4, 1e4, 30):
        rows = np.concatenate(
            [scale[:, None] * chances[:, :free] / len(p) ** 0.5, weight * samples**0.5 * steps[:, :free]]
        )
        aims = np.concatenate(
            [scale * missing / len(p) ** 0.5, -weight * samples**0.5 * steps[:, free] * start[free]]
        )
        fitted = np.concatenate([np.linalg.lstsq(rows, aims, rcond=None)[0], start[free:]])
        bias = np.abs(scale * (-xlogy(p, p) - chances @ fitted)).max()
        tries.append((bias**2 + samples * (np.diff(fitted) ** 2).max(), fitted))
    return min(tries, key=lambda found: found[0])[1] / LN2


def panzeri_treves(count: np.ndarray) -> np.ndarray:
    """Panzeri & Treves (1996): the first-order bias, with the cells that can occur counted by Bayes' rule in each class."""
    flat = count.reshape(len(count), -1, count.shape[3])
    relevant = np.array([[_relevant(row) for row in pair.T] + [_relevant(pair.sum(1))] for pair in flat])
    extra = np.maximum(relevant[:, :-1] - 1, 0).sum(1) - (relevant[:, -1] - 1)
    return of_entropies(count, plug_in) - extra / (2 * count[0].sum() * LN2)


def _relevant(n: np.ndarray) -> float:
    """As many cells as make the expected number of occupied ones, of a posterior over them, the number seen."""
    total, cells, seen = n.sum(), len(n), int((n > 0).sum())
    n = n[n > 0]
    if not total:
        return 0
    gap, before, unseen = seen - (1 - (1 - n / total) ** total).sum(), np.inf, 0
    while gap < before and seen + unseen < cells:
        unseen += 1
        mass = unseen * (1 - (total / (total + seen)) ** (1 / total))
        known, rest = (1 - mass) * (n + 1) / (total + seen), mass / unseen
        expected = (1 - (1 - known) ** total).sum() + unseen * (1 - (1 - rest) ** total)
        gap, before = abs(seen - expected), gap
    return seen + unseen - (gap >= before)


def of_entropies(count: np.ndarray, entropy: Estimator) -> np.ndarray:
    """H(Y) + H(X1, X2) - H(X1, X2, Y)."""
    flat = len(count), -1
    cells = (count.sum((1, 2)), count.sum(3).reshape(flat), count.reshape(flat))
    y, both, all_three = (entropy(n.astype(float)) for n in cells)
    return y + both - all_three


ENTROPIES: dict[str, Estimator] = {
    "plug-in": plug_in,
    "Miller-Madow": miller_madow,
    "Grassberger": grassberger,
    "Chao-Shen": chao_shen,
    "jackknife": jackknife,
    "NSB": nsb,
    "best upper bound": best_upper_bound,
}
ESTIMATORS: dict[str, Estimator] = {
    name: partial(of_entropies, entropy=entropy) for name, entropy in ENTROPIES.items()
} | {"Panzeri-Treves": panzeri_treves}
