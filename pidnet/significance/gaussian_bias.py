"""What finite samples add to Gaussian informations, and atoms without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy.special import digamma

from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.measures.gaussian.whitening import ranks
from pidnet.tables.covariances import PairCovariances


def information_bias(first: int, second: int, samples: int) -> float:
    """How far I(X;Y) of a sample covariance lies above the truth on average, bits; exact for Gaussians.

    first, second: dimensions of X and Y. samples: how many the covariance was estimated from.
    With n = samples - 1: E ln det S = ln det Sigma + b(d), b(d) = sum_{k=1..d} psi((n+1-k)/2) - ln(n/2)
    and the bias is (b(first) + b(second) - b(first + second)) / 2. It does not depend on Sigma.
    Raises ValueError unless samples exceed first + second.

    Source: Cai, Liang & Zhou 2015, J. Multivar. Anal. 137 (log-determinant of a sample covariance).
    """
    if samples <= first + second:
        raise ValueError(
            f"{samples} samples are too few for {first} + {second} dimensions; the covariance is singular"
        )
    freedom = samples - 1
    terms = digamma((freedom + 1 - np.arange(1, first + second + 1)) / 2) - np.log(freedom / 2)
    total = terms[:first].sum() + terms[:second].sum() - terms.sum()
    return float(total / (2 * np.log(2)))


def corrected_atoms(
    covariances: PairCovariances,
    measure: Callable[[PairCovariances], Atoms],
    *,
    draws: int = 32,
    seed: int = 0,
) -> Atoms:
    """Atoms of a Gaussian measure less their sampling bias; they may be negative and are left so.

    The three mutual informations are corrected exactly (``information_bias``). The redundancy, and with
    it the union information R + U1 + U2, has no such formula: its bias is the mean excess over ``draws``
    covariances from the Wishart law around the estimate (parametric bootstrap). The lattice identities hold
    for the result. ``gap`` grows by three standard errors of that mean. Not for shrunk covariances: their
    bias is another one.
    Raises ValueError for covariances that were given rather than estimated, or from too few samples.
    """
    if not covariances.samples:
        raise ValueError("covariances that were given, not estimated (samples=0), have no bias to correct")
    plain = measure(covariances)
    excess = np.stack([measure(c).redundancy for c in _redraw(covariances, draws, seed)]) - plain.redundancy
    bias1, bias2, bias12 = _biases(covariances)
    return complete_lattice(
        (plain.information1 - bias1, plain.information2 - bias2, plain.total - bias12),
        plain.redundancy - excess.mean(0),
        plain.gap + 3 * excess.std(0, ddof=1) / np.sqrt(draws),
    )


def _biases(covariances: PairCovariances) -> np.ndarray:
    """Bias of I(Y;X1), I(Y;X2) and I(Y;X1X2), (3, pair), bits; directions without variance do not count."""
    rank = ranks(covariances)
    kinds, which = np.unique(rank, axis=0, return_inverse=True)
    bias = [
        [information_bias(source, y, covariances.samples) for source in row] for *row, y in kinds.tolist()
    ]
    return np.array(bias)[which].T


def _redraw(covariances: PairCovariances, draws: int, seed: int) -> Iterator[PairCovariances]:
    """Sample covariances as if the estimate were the truth: F W F' / n with F F' = cov, W ~ Wishart(n, I)."""
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(covariances.cov)
    factor = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    freedom, size = covariances.samples - 1, factor.shape[1]
    for _ in range(draws):
        # Bartlett: a Wishart matrix is T T', T lower triangular, normal below chi-distributed diagonals.
        triangle = np.tril(rng.standard_normal(factor.shape), -1)
        diagonal = np.sqrt(rng.chisquare(freedom - np.arange(size), (len(factor), size)))
        root = factor @ (triangle + diagonal[:, :, None] * np.eye(size))
        yield replace(covariances, cov=root @ root.mT / freedom)
