"""Families of joint tables p(x1, x2, y) with known atoms, from independent units to copies and pure synergy.

``FAMILIES`` is a table name -> function of (rng, levels, classes); families that draw nothing give one table. CHOSEN
are the families on which the default correction was made, the others were only reported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch

import pidnet as pn

DRAWS = 200_000  # of a family that has no closed table
TEACHER_NOISE, TEACHER_COPIES = 0.3, 10

Family = Callable[[np.random.Generator, int, int], np.ndarray]


def channel(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    """p(x|y), (class, level)."""
    return rng.dirichlet(np.full(levels, 1.5), classes)


def given_class(p_YA: np.ndarray, p_YB: np.ndarray) -> np.ndarray:
    """Two units that are independent given the class."""
    return np.einsum("ya,yb->aby", p_YA, p_YB) / len(p_YA)


def noise(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return np.full((levels, levels, classes), 1 / (levels**2 * classes))


def informed(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return given_class(channel(rng, levels, classes), channel(rng, levels, classes))


def one_informed(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return given_class(channel(rng, levels, classes), np.full((classes, levels), 1 / levels))


def copies(lost: float) -> Family:
    """The second unit is a copy of the first, but for a share of samples in which it is noise."""

    def table(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
        copy = (1 - lost) * np.eye(levels) + lost / levels
        return np.einsum("ya,ab->aby", channel(rng, levels, classes), copy) / classes

    return table


def copies_of_noise(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return np.repeat(np.eye(levels)[:, :, None], classes, 2) / (levels * classes)


def uniform_where(allowed: np.ndarray) -> np.ndarray:
    """Uniform sources, and of the classes that they allow any."""
    p = allowed.astype(float)
    p /= np.maximum(p.sum(2, keepdims=True), 1e-300)
    return p / p.sum()


def grid(levels: int, classes: int) -> tuple[np.ndarray, ...]:
    return tuple(np.ogrid[:levels, :levels, :classes])


def xor(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    a, b, y = grid(levels, classes)
    return uniform_where(((a >= levels // 2) ^ (b >= levels // 2)) == y % 2)


def sum_modulo(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    a, b, y = grid(levels, classes)
    return uniform_where((a + b) % classes == y)


def noisy_sum(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return (sum_modulo(rng, levels, classes) + noise(rng, levels, classes)) / 2


def both_high(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    a, b, y = grid(levels, classes)
    return uniform_where(((a >= levels // 2) & (b >= levels // 2)) == (y >= classes // 2))


def noisy_minimum(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    a, b, y = grid(levels, classes)
    return 0.8 * uniform_where(np.minimum(a, b) * classes // levels == y) + 0.2 * noise(rng, levels, classes)


def dirichlet(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return rng.dirichlet(np.ones(levels**2 * classes)).reshape(levels, levels, classes)


def sparse_dirichlet(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    return rng.dirichlet(np.full(levels**2 * classes, 0.2)).reshape(levels, levels, classes)


def dependent(concentration: float) -> Family:
    """Any joint table of the units in each class."""

    def table(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
        p = rng.dirichlet(np.full(levels**2, concentration), classes) / classes
        return np.moveaxis(p.reshape(classes, levels, levels), 0, 2)

    return table


def counted(code1: np.ndarray, code2: np.ndarray, y: np.ndarray, levels: int, classes: int) -> np.ndarray:
    count = np.zeros((levels, levels, classes))
    np.add.at(count, (code1, code2, y), 1.0)
    return count / len(y)


def gaussian_units(rng: np.random.Generator, classes: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Two correlated normal units with means by class, (sample, 2), and the classes."""
    y = rng.integers(classes, size=DRAWS)
    shared = rng.uniform(-0.3, 0.9)
    values = rng.multivariate_normal([0, 0], [[1, shared], [shared, 1]], size=DRAWS)
    return values + spread * rng.normal(size=(classes, 2))[y], y


def gaussian(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    values, y = gaussian_units(rng, classes, 0.8)
    shares = np.arange(1, levels) / levels
    first, second = (np.searchsorted(np.quantile(v, shares), v) for v in values.T)
    return counted(first, second, y, levels, classes)


def relu(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    """A level for exact zeros and equal masses above."""
    values, y = gaussian_units(rng, classes, 1.0)
    codes = []
    for above in (values - rng.uniform(-0.5, 1.2, 2)).T:
        edges = np.quantile(above[above > 0], np.arange(1, levels - 1) / (levels - 1))
        codes.append(np.where(above > 0, 1 + np.searchsorted(edges, above), 0))
    return counted(*codes, y, levels, classes)


def real_layer(rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    """Two units of the hidden layers of an MLP on mnist1d, counted on 50,000 noisy inputs; 10 classes."""
    tables = layer_tables(levels)
    return tables[rng.integers(len(tables))]


@cache
def layer_tables(levels: int) -> np.ndarray:
    samples = pn.datasets.load("mnist1d")
    torch.manual_seed(0)
    net = pn.training.train(pn.zoo.mlp(40, (32, 32), 10), samples.x_train, samples.y_train, epochs=30)
    x, y = torch.cat([samples.x_train, samples.x_test]), torch.cat([samples.y_train, samples.y_test])
    generator = torch.Generator().manual_seed(1)
    blurred = [x + TEACHER_NOISE * torch.randn(x.shape, generator=generator) for _ in range(TEACHER_COPIES)]
    codes = pn.quantize(
        pn.capture(net, (torch.cat(blurred), y.repeat(TEACHER_COPIES)), ["fc1", "fc2"]), levels, "zero_level"
    )
    return np.concatenate([pn.pair_tables(codes, layer).p for layer in codes.layers])


FAMILIES: dict[str, Family] = {
    "noise": noise,
    "informed": informed,
    "one informed": one_informed,
    "copies": copies(0),
    "copies, 10 % lost": copies(0.1),
    "copies, 30 % lost": copies(0.3),
    "copies, 50 % lost": copies(0.5),
    "copies of noise": copies_of_noise,
    "xor": xor,
    "sum modulo classes": sum_modulo,
    "the same, half noise": noisy_sum,
    "both high (and)": both_high,
    "minimum, .2 noise": noisy_minimum,
    "dirichlet": dirichlet,
    "sparse dirichlet": sparse_dirichlet,
    "dependent given class": dependent(1.0),
    "the same, sparse": dependent(0.3),
    "gaussian": gaussian,
    "relu": relu,
    "real layer": real_layer,
}
