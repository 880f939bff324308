"""Mutual information of two vectors from samples alone. Estimates, not bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement
from typing import Any, cast

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.choices import find_choice, name_of
from pidnet.estimators._arrays import matrix
from pidnet.estimators._neighbors import gaussian, gaussian_like, ksg, normal_scores
from pidnet.estimators.information import Information, infinite

NAT = 1 / math.log(2)
FEWEST = 50
MOST_CUBIC = 8
DIRECTIONS = 3
RIDGE = 1e-3
# Neighbors cannot see more than about log n - digamma(k); three bits below log2 n they still can.
HEADROOM = 3


def mutual_information(
    x: Any,
    y: Any,
    how: str | Callable[[np.ndarray, np.ndarray], float] = "canonical",
    *,
    seed: int = 0,
) -> Information:
    """I(X;Y) of two continuous vectors, estimated from samples alone.

    Parameters
    ----------
    x, y : array or Tensor
        (sample, unit), or (sample,) for one unit.
    how : str or callable
        "canonical", "ksg", "gaussian", or a function from the two arrays to bits.
    seed : int
        Of the halves and of the Gaussian control.

    Returns
    -------
    Information
        An estimate about the population. Nothing is proven about it, so its bracket is [0, inf].

    Raises
    ------
    ValueError
        For samples that do not fit, are fewer than 50, are not finite, or are mostly tied; and an unknown name.

    Notes
    -----
    "gaussian": 1/2 log [det C_x det C_y / det C], C of the normal scores, with the bias of the determinants taken
    off; exact for Gaussian copulas. "ksg": Kraskov et al., 2004, 3 neighbors; too low from about 5 dimensions on.
    "canonical": normal scores; I_gauss of all units, plus what neighbors see beyond it, KSG(samples) - KSG(Gaussian
    samples of the same covariance). From 4 units on, that is read in the at most 3 pairs of directions with a
    significant correlation, which canonical correlation finds on the other half of the samples among the monomials up
    to degree 3 (2 above 8 units); both kinds of samples go through the same maps. Unbiased for Gaussian copulas. It
    does not see what no cubic sees.

    The state is "infinite" where y is a function of x, as in a network without noise, and "saturated" near the most
    that neighbors can see.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> x = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    >>> y = x + torch.randn(2000, generator=torch.Generator().manual_seed(1))
    >>> found = pn.mutual_information(x, y)
    >>> abs(found.value - 0.5) < 0.05, found.state
    (True, 'ok')
    """
    check_arguments(mutual_information, locals())
    estimate = cast(Any, find_choice("estimator", how, HOW))
    first, second = matrix(x, "x"), matrix(y, "y")
    if len(first) != len(second) or len(first) < FEWEST:
        raise ValueError(
            f"x has {len(first)} samples and y {len(second)}; expected equally many, at least {FEWEST}"
        )
    known: dict[str, Any] = {
        "about": "population",
        "estimator": name_of(how),
        "samples": len(first),
        "rows": len(first),
        "units": second.shape[1],
    }
    first, second = (_varying(values, name) for values, name in ((first, "x"), (second, "y")))
    if not (first.shape[1] and second.shape[1]):
        note = "a constant vector has no information"
        return Information("I(X;Y)", 0.0, 0.0, 0.0, notes=(note,), **known)
    if not isinstance(how, str):
        value, error = float(how(first, second)), math.nan
    else:
        if _determined(first, second) or _determined(second, first):
            return infinite(
                "I(X;Y)", "one vector is a function of the other: add noise, or ask for H of codes", **known
            )
        value, error = (NAT * part for part in estimate(first, second, np.random.default_rng(seed)))
    saturated = value > math.log2(len(first)) - HEADROOM
    notes = ("an estimate: nothing is proven about it", *_seen_too_much(saturated))
    state = "saturated" if saturated else "ok"
    return Information("I(X;Y)", value, 0.0, math.inf, error=error, state=state, notes=notes, **known)


def _seen_too_much(saturated: bool) -> tuple[str, ...]:
    return (
        ("near the most that neighbors can see: take it as a lower end, or more samples",)
        if saturated
        else ()
    )


def _varying(values: np.ndarray, name: str) -> np.ndarray:
    """Units that are not constant; ValueError for units with ties, which neighbors take for dependence."""
    kept = values[:, np.ptp(values, axis=0) > 0]
    for unit, column in enumerate(kept.T):
        distinct = len(np.unique(column))
        if 2 * distinct < len(column):
            raise ValueError(
                f"unit {unit} of {name} has {distinct} values in {len(column)} samples; estimates from neighbors need "
                "continuous values: use label_information for labels, code_information for codes"
            )
    return kept


def _determined(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether y is a linear function of x, or a monotone one of a single unit."""
    if x.shape[1] == y.shape[1] == 1:
        order = y[np.argsort(x[:, 0]), 0]
        return bool((np.diff(order) >= 0).all() or (np.diff(order) <= 0).all())
    if len(x) <= 2 * x.shape[1]:
        return False
    design = np.hstack([x - x.mean(0), np.ones((len(x), 1))])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return bool((np.abs(rest).max(0) < 1e-9 * np.abs(y).max(0)).any())


Estimate = tuple[float, float]  # value and standard error, in nats
Map = Callable[[np.ndarray], np.ndarray]


def _by_neighbors(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Estimate:
    return _mean(ksg(normal_scores(x), normal_scores(y)))


def _by_gaussian(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The error is that of ten parts."""
    x, y = normal_scores(x), normal_scores(y)
    parts = (
        [gaussian(x[part], y[part]) for part in np.array_split(rng.permutation(len(x)), 10)]
        if _enough(x, y)
        else []
    )
    return gaussian(x, y), float(np.std(parts, ddof=1) / math.sqrt(10)) if parts else math.nan


def _enough(x: np.ndarray, y: np.ndarray) -> bool:
    return len(x) > 20 * (x.shape[1] + y.shape[1])


def _by_canonical(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The Gaussian part of all units, and what neighbors see beyond it in a few directions."""
    x, y = normal_scores(x), normal_scores(y)
    linear = gaussian(x, y)
    if x.shape[1] + y.shape[1] <= DIRECTIONS:
        return _mean(linear + ksg(x, y) - ksg(*gaussian_like(x, y, rng)).mean())
    halves = np.array_split(rng.permutation(len(x)), 2)
    found = [_beyond(x, y, fit, read, rng) for fit, read in (halves, halves[::-1])]
    value = linear + float(np.mean([part for part, _ in found]))
    return value, math.hypot(*(error for _, error in found)) / 2


def _beyond(
    x: np.ndarray, y: np.ndarray, fit: np.ndarray, read: np.ndarray, rng: np.random.Generator
) -> Estimate:
    """Directions from one half; on the other, neighbors between them, less those of Gaussian samples."""
    maps = _directions(x, y, fit)
    samples = [to(values[read]) for to, values in zip(maps, (x, y), strict=True)]
    columns = zip(samples[0].T, samples[1].T, strict=False)
    kept = [k for k, (a, b) in enumerate(columns) if np.corrcoef(a, b)[0, 1] > 4 / math.sqrt(len(read))]
    if not kept:
        return 0.0, 1 / math.sqrt(len(read))
    like = [to(values) for to, values in zip(maps, gaussian_like(x[read], y[read], rng), strict=True)]
    seen, control = (ksg(*(normal_scores(part[:, kept]) for part in parts)) for parts in (samples, like))
    return _mean(seen - control.mean())


def _directions(x: np.ndarray, y: np.ndarray, fit: np.ndarray) -> tuple[Map, Map]:
    """The functions, up to cubic, of x and of y that correlate most with one another on some samples."""
    a, b = (_monomials(values, len(fit))[fit] for values in (x, y))
    a, b = a - a.mean(0), b - b.mean(0)
    to_a, to_b = _whitening(a), _whitening(b)
    left, _, right = np.linalg.svd(to_a.T @ (a.T @ b / len(fit)) @ to_b)
    loads = to_a @ left[:, :DIRECTIONS], to_b @ right.T[:, :DIRECTIONS]
    first, second = (partial(_mapped, loads=load, samples=len(fit)) for load in loads)
    return first, second


def _mapped(values: np.ndarray, loads: np.ndarray, samples: int) -> np.ndarray:
    return _monomials(values, samples) @ loads


def _monomials(x: np.ndarray, samples: int) -> np.ndarray:
    """All products of up to 3 units, of 2 above 8 units, or the units alone where that is too many."""
    degree = 3 if x.shape[1] <= MOST_CUBIC else 2
    while degree > 1 and math.comb(x.shape[1] + degree, degree) > samples / 10:
        degree -= 1
    sets = [s for d in range(1, degree + 1) for s in combinations_with_replacement(range(x.shape[1]), d)]
    return np.stack([x[:, list(s)].prod(1) for s in sets], 1)


def _whitening(x: np.ndarray) -> np.ndarray:
    """(feature, direction) that makes columns uncorrelated, with a ridge."""
    cov = x.T @ x / len(x)
    values, vectors = np.linalg.eigh(cov / np.sqrt(np.outer(cov.diagonal(), cov.diagonal())))
    return vectors / np.sqrt(values.clip(min=0) + RIDGE) / np.sqrt(cov.diagonal())[:, None]


def _mean(terms: np.ndarray) -> Estimate:
    return float(terms.mean()), float(terms.std(ddof=1) / math.sqrt(len(terms)))


HOW: dict[str, Any] = {"canonical": _by_canonical, "ksg": _by_neighbors, "gaussian": _by_gaussian}
