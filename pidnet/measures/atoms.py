"""Atoms of the two-source lattice, the common result of every measure.

Every measure names one redundancy R; the other three atoms follow from the mutual informations
I1 = I(Y;X1), I2 = I(Y;X2), I12 = I(Y;X1X2) (Williams & Beer 2010, arXiv:1004.2515):

    U1 = I1 - R,   U2 = I2 - R,   S = I12 - I1 - I2 + R.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from pidnet.tables import shannon


@dataclass(frozen=True, eq=False)
class Atoms:
    """Redundant, unique and synergistic information of two sources about a target, in bits.

    Every field has shape (pair,). ``gap`` bounds the error of each atom of that pair: 0 for closed
    forms, a certificate or a residual for iterative measures, inf where no answer was reached.
    """

    redundancy: np.ndarray
    unique1: np.ndarray
    unique2: np.ndarray
    synergy: np.ndarray
    gap: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """I(Y;X1X2) = R + U1 + U2 + S, bits, shape (pair,)."""
        return self.redundancy + self.unique1 + self.unique2 + self.synergy

    @property
    def information1(self) -> np.ndarray:
        """I(Y;X1) = R + U1, bits, shape (pair,)."""
        return self.redundancy + self.unique1

    @property
    def information2(self) -> np.ndarray:
        """I(Y;X2) = R + U2, bits, shape (pair,)."""
        return self.redundancy + self.unique2

    def __len__(self) -> int:
        return len(self.redundancy)

    def __getitem__(self, pairs) -> Atoms:
        """The atoms of some pairs: a slice, a mask or indices."""
        return replace(self, **{name: np.atleast_1d(value[pairs]) for name, value in self.items()})

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        """Pairs of field name and values, in the order redundancy, unique1, unique2, synergy, gap."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))

    @staticmethod
    def concatenate(blocks: list[Atoms]) -> Atoms:
        """One Atoms from consecutive blocks of pairs."""
        return Atoms(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Atoms)))


def atoms_from_redundancy(p: np.ndarray, redundancy: np.ndarray, gap: np.ndarray | None = None) -> Atoms:
    """Complete the lattice of tables from a redundancy.

    p: (pair, level1, level2, class); redundancy, gap: (pair,), bits. No gap means a closed form.
    """
    return complete_lattice(shannon.source_informations(p), redundancy, gap)


def complete_lattice(
    informations: tuple[np.ndarray, np.ndarray, np.ndarray],
    redundancy: np.ndarray,
    gap: np.ndarray | None = None,
) -> Atoms:
    """All four atoms from I(Y;X1), I(Y;X2), I(Y;X1X2) and a redundancy, each (pair,), bits."""
    information1, information2, joint = informations
    return Atoms(
        redundancy=redundancy,
        unique1=information1 - redundancy,
        unique2=information2 - redundancy,
        synergy=joint - information1 - information2 + redundancy,
        gap=np.zeros_like(redundancy) if gap is None else gap,
    )
