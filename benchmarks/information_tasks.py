"""Pairs of vectors whose mutual information has a closed form, in nats.

The first eight are those of Czyz et al., Beyond Normal, 2023 (github.com/cbg-ethz/bmi). The others were not looked at
while the estimators were chosen, but for the three Gaussian ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, gammaln, ndtr

Sampler = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
Task = tuple[float, Sampler]


def gaussian_information(cov: np.ndarray, dx: int) -> float:
    """1/2 log [det C_x det C_y / det C]."""
    parts = cov[:dx, :dx], cov[dx:, dx:], cov
    first, second, both = (np.linalg.slogdet(part)[1] for part in parts)
    return 0.5 * float(first + second - both)


def gaussian(cov: np.ndarray, dx: int, change: Callable = lambda x: x) -> Task:
    """Gaussian pairs, each through a one-to-one function."""

    def sample(n, rng):
        z = rng.multivariate_normal(np.zeros(len(cov)), cov, n, method="cholesky")
        return change(z[:, :dx]), change(z[:, dx:])

    return gaussian_information(cov, dx), sample


def paired(dims: int, pairs: int, correlation: float) -> np.ndarray:
    """Covariance of vectors with some correlated pairs."""
    cov = np.eye(2 * dims)
    for k in range(pairs):
        cov[k, dims + k] = cov[dims + k, k] = correlation
    return cov


def student(dx: int, dy: int, nu: float) -> Task:
    def term(a):
        return a * digamma(a)

    def half(k):
        return (nu + k) / 2

    truth = gammaln(nu / 2) + gammaln(half(dx + dy)) - gammaln(half(dx)) - gammaln(half(dy))
    truth += term(half(dx)) + term(half(dy)) - term(half(dx + dy)) - term(nu / 2)

    def sample(n, rng):
        z = rng.normal(size=(n, dx + dy)) * np.sqrt(nu / rng.chisquare(nu, (n, 1)))
        return z[:, :dx], z[:, dx:]

    return float(truth), sample


def additive(dims: int, width: float) -> Task:
    """x uniform on [0, 1], y = x + uniform on [-width, width], in each dimension (width <= 1/2)."""

    def sample(n, rng):
        x = rng.random((n, dims))
        return x, x + rng.uniform(-width, width, (n, dims))

    return dims * (width - np.log(2 * width)), sample


def gamma_exponential(dims: int, shape: float) -> Task:
    """x gamma, y exponential with rate x, in each dimension (Darbellay and Vajda, 2000)."""

    def sample(n, rng):
        x = rng.gamma(shape, size=(n, dims))
        return x, rng.exponential(size=(n, dims)) / x

    return dims * float(digamma(shape + 1) - np.log(shape)), sample


def swiss_roll() -> Task:
    cov = paired(1, 1, 0.75)

    def sample(n, rng):
        z = ndtr(rng.multivariate_normal(np.zeros(2), cov, n, method="cholesky"))
        angle = 1.5 * np.pi * (1 + 2 * z[:, :1])
        return np.hstack([angle * np.cos(angle), angle * np.sin(angle)]) / 21, z[:, 1:]

    return gaussian_information(cov, 1), sample


def spiral(cov: np.ndarray, dims: int, speed: float) -> Task:
    """x -> exp(speed |x|^2 A) x with A a rotation of two axes."""

    def turned(x, first, second):
        angle = speed * (x**2).sum(1)
        out = x.copy()
        out[:, first] = np.cos(angle) * x[:, first] - np.sin(angle) * x[:, second]
        out[:, second] = np.sin(angle) * x[:, first] + np.cos(angle) * x[:, second]
        return out

    def sample(n, rng):
        z = rng.multivariate_normal(np.zeros(len(cov)), cov, n, method="cholesky")
        return turned(z[:, :dims], 0, 1), turned(z[:, dims:], 1, 2)

    return gaussian_information(cov, dims), sample


SPARSE = paired(5, 2, 0.8)
EIGHT: dict[str, Task] = {
    "1v1 normal .75": gaussian(paired(1, 1, 0.75), 1),
    "1v1 additive .1": additive(1, 0.1),
    "sparse 5-5": gaussian(SPARSE, 5),
    "student 5-5 df 2": student(5, 5, 2),
    "half-cube 5-5": gaussian(SPARSE, 5, lambda x: x * np.sqrt(np.abs(x))),
    "swiss roll 2-1": swiss_roll(),
    "spiral 5-5": spiral(SPARSE, 5, 1 / 5),
    "dense 25-25": gaussian(0.5 * np.eye(50) + 0.5, 25),
}
OTHERS: dict[str, Task] = {
    "normal 5-5, one pair .9": gaussian(paired(5, 1, 0.9), 5),
    "normal 5-5, five pairs .5": gaussian(paired(5, 5, 0.5), 5),
    "normal 5-5, two pairs .95": gaussian(paired(5, 2, 0.95), 5),
    "additive 3-3 .25": additive(3, 0.25),
    "gamma-exponential 1-1": gamma_exponential(1, 0.5),
    "gamma-exponential 3-3": gamma_exponential(3, 0.5),
    "student 2-2 df 5": student(2, 2, 5),
    "student 10-10 df 3": student(10, 10, 3),
    "spiral 3-3, twice the speed": spiral(paired(3, 2, 0.8), 3, 2 / 3),
    "independent 5-5": gaussian(np.eye(10), 5),
}
