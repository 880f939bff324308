"""Covariances -> whitened sources and target, the common ground of all Gaussian measures.

Every measure depends on the covariance only through the canonical correlations of the sources with the
target, so linear maps inside a source or inside the target change nothing. Whitening drops directions without
variance: a dead unit carries no information, a duplicated unit adds nothing.

Axis letters: P pair, A/B/C source 1, source 2, both, Y target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.tables.covariances import PairCovariances

# Eigenvalues of a correlation matrix below this are directions without variance. Float64 leaves noise of
# about 1e-15 there; information beyond 16 bits is called infinite by the same measure.
RANK_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Standardized:
    """Whitened sources and target of a batch of pairs.

    gain1, gain2, gain12: covariance of the whitened target with the whitened source, (pair, y, x).
    part1, part2: each whitened source as a linear function of the whitened joint one, (pair, x1, x1 + x2).
    y is at most x1 + x2: the target is turned so that the rest of it is independent of the sources.
    """

    gain1: np.ndarray
    gain2: np.ndarray
    gain12: np.ndarray
    part1: np.ndarray
    part2: np.ndarray

    @property
    def posterior1(self) -> np.ndarray:
        """Cov(Y | X1) of the whitened target, (pair, y, y)."""
        return _posterior(self.gain1)

    @property
    def posterior2(self) -> np.ndarray:
        """Cov(Y | X2) of the whitened target, (pair, y, y)."""
        return _posterior(self.gain2)

    @property
    def posterior12(self) -> np.ndarray:
        """Cov(Y | X1 X2) of the whitened target, (pair, y, y)."""
        return _posterior(self.gain12)

    def informations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """I(Y;X1), I(Y;X2), I(Y;X1X2) = -1/2 log2 det Cov(Y|.), each (pair,), bits."""
        posteriors = (self.posterior1, self.posterior2, self.posterior12)
        information1, information2, joint = (half_log2_det(-1, p) for p in posteriors)
        return information1, information2, joint

    def atoms(
        self, redundancy: np.ndarray, gap: np.ndarray | None = None, gap_kind: str = "estimated"
    ) -> Atoms:
        """Complete the lattice from a redundancy (pair,), bits."""
        return complete_lattice(self.informations(), redundancy, gap, gap_kind)

    def atoms_from_union(self, union: np.ndarray) -> Atoms:
        """Complete the lattice from the union information R + U1 + U2, (pair,), bits."""
        information1, information2, _ = self.informations()
        return self.atoms(information1 + information2 - union)


@dataclass(frozen=True, eq=False)
class _Part:
    """A source, both or the target: where its columns are, and what whitens them, (pair, n, n)."""

    columns: slice
    whitener: np.ndarray

    @classmethod
    def of(cls, cov: np.ndarray, columns: slice) -> _Part:
        """The part of a batch of covariances in some columns."""
        return cls(columns, _whitener(cov[:, columns, columns]))

    def across(self, other: _Part, cov: np.ndarray) -> np.ndarray:
        """Covariance of this part with another, both whitened, (pair, n, m)."""
        return self.whitener @ cov[:, self.columns, other.columns] @ other.whitener.mT


def standardize(covariances: PairCovariances) -> Standardized:
    """Whiten the sources and the target of each pair.

    Raises ValueError when a covariance is not positive semidefinite, or when the sources of a pair determine
    a combination of the target, so that their information is infinite.
    """
    first, second, _ = covariances.dims
    cov = _correlation(covariances.cov)
    _check_semidefinite(covariances, cov)
    source1, source2 = _Part.of(cov, slice(0, first)), _Part.of(cov, slice(first, first + second))
    both, target = _Part.of(cov, slice(0, first + second)), _Part.of(cov, slice(first + second, None))
    gain12 = target.across(both, cov)
    _check_finite_information(covariances, gain12)
    basis = _target_basis(gain12)
    return Standardized(
        gain1=basis @ target.across(source1, cov),
        gain2=basis @ target.across(source2, cov),
        gain12=basis @ gain12,
        part1=source1.across(both, cov),
        part2=source2.across(both, cov),
    )


def ranks(covariances: PairCovariances) -> np.ndarray:
    """Directions with variance of source 1, source 2, both sources and the target, int (pair, 4)."""
    first, second, _ = covariances.dims
    cov, both = _correlation(covariances.cov), first + second
    parts = (slice(0, first), slice(first, both), slice(0, both), slice(both, None))
    return np.stack([(np.linalg.eigvalsh(cov[:, i, i]) > RANK_TOLERANCE).sum(1) for i in parts], 1)


def half_log2_det(factor: float, matrix: np.ndarray) -> np.ndarray:
    """factor / 2 * log2 det of positive definite matrices (..., n, n)."""
    return factor / (2 * np.log(2)) * np.linalg.slogdet(matrix)[1]


def _posterior(gain: np.ndarray) -> np.ndarray:
    return np.eye(gain.shape[1]) - gain @ gain.mT


def _correlation(cov: np.ndarray) -> np.ndarray:
    """Covariances with unit variances; a column without variance becomes zeros."""
    scale = np.sqrt(np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    return cov * inverse[:, :, None] * inverse[:, None, :]


def _whitener(correlation: np.ndarray) -> np.ndarray:
    """W with W C W' = I on the directions that have variance, and rows of zeros for the others."""
    values, vectors = np.linalg.eigh(correlation)
    inverse = np.where(values > RANK_TOLERANCE, values, np.inf) ** -0.5
    return inverse[:, :, None] * vectors.mT


def _target_basis(gain12: np.ndarray) -> np.ndarray:
    """Orthonormal rows that span what the sources see of the target, (pair, min(y, x), y)."""
    return np.linalg.qr(gain12)[0].mT


def _check_semidefinite(covariances: PairCovariances, correlation: np.ndarray) -> None:
    lowest = np.linalg.eigvalsh(correlation)[:, 0]
    without_variance = np.diagonal(covariances.cov, axis1=1, axis2=2) <= 0
    crossed = (without_variance[:, :, None] & (covariances.cov != 0)).any((1, 2))
    wrong = crossed | (lowest < -1e-8)
    if wrong.any():
        raise ValueError(
            f"the covariance of {_name(covariances, int(wrong.argmax()))} is not positive semidefinite; "
            "estimate all its entries from the same samples"
        )


def _check_finite_information(covariances: PairCovariances, gain12: np.ndarray) -> None:
    left = 1 - np.linalg.norm(gain12, 2, axis=(1, 2)) ** 2
    if (left < RANK_TOLERANCE).any():
        pair = int(left.argmin())
        raise ValueError(
            f"the sources of {_name(covariances, pair)} determine a combination of the target, so their "
            "information is infinite; take another target, more samples or shrinkage"
        )


def _name(covariances: PairCovariances, pair: int) -> str:
    first, second = covariances.pairs[pair].tolist()
    return f"units {first} and {second}" if first >= 0 else f"cov[{pair}]"
