"""Atoms of the two-source lattice, the common result of every measure.

Every measure names one redundancy R; the other three atoms follow from the mutual informations
I1 = I(Y;X1), I2 = I(Y;X2), I12 = I(Y;X1X2) (Williams & Beer 2010, arXiv:1004.2515):

    U1 = I1 - R,   U2 = I2 - R,   S = I12 - I1 - I2 + R.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.optional import optional_module
from pidnet.printing import Printed, counted, table
from pidnet.tables import shannon

if TYPE_CHECKING:
    import pandas

NAMES = ("redundancy", "unique1", "unique2", "synergy")
GAP_KINDS = ("exact", "proven", "estimated", "unknown")  # from the strongest claim to the weakest
SHOWN_PAIRS = 6


@dataclass(frozen=True, eq=False, repr=False)
class Atoms(Printed):
    """Redundant, unique and synergistic information of two sources about a target, in bits.

    Attributes
    ----------
    redundancy, unique1, unique2, synergy : ndarray
        The four atoms R, U1, U2, S, each (pair,), bits.
    gap : ndarray
        How far each atom of a pair may be from its definition, (pair,), bits: 0 for closed forms, inf where no
        answer was reached, nan where nothing is known. It bounds the computation, not the sampling error.
    gap_kind : str
        What the gap claims: "exact" (closed form), "proven" (a certificate), "estimated" or "unknown".

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> xor = np.array([[[0.25, 0], [0, 0.25]], [[0, 0.25], [0.25, 0]]])
    >>> pn.decompose(xor, measure="i_min")
    Atoms of 1 pair, bits (gap exact)
    redundancy  unique1  unique2  synergy   total     gap
        0.0000   0.0000   0.0000   1.0000  1.0000  0.0000
    """

    redundancy: np.ndarray
    unique1: np.ndarray
    unique2: np.ndarray
    synergy: np.ndarray
    gap: np.ndarray
    gap_kind: str = "unknown"

    def __post_init__(self) -> None:
        if self.gap_kind not in GAP_KINDS:
            raise ValueError(f"gap_kind={self.gap_kind!r}; expected one of {', '.join(GAP_KINDS)}")

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

    def __getitem__(self, pairs: Any) -> Atoms:
        """The atoms of some pairs: a slice, a mask or indices."""
        chosen = {name: np.atleast_1d(values[pairs]) for name, values in self.items()}
        return Atoms(**chosen, gap=np.atleast_1d(self.gap[pairs]), gap_kind=self.gap_kind)

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and values of the four atoms: redundancy, unique1, unique2, synergy."""
        return ((name, getattr(self, name)) for name in NAMES)

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table with one row for each pair: the four atoms, their total and the gap."""
        columns = {**dict(self.items()), "total": self.total, "gap": self.gap}
        return optional_module("pandas").DataFrame(columns)

    @staticmethod
    def concatenate(blocks: Sequence[Atoms]) -> Atoms:
        """Put consecutive blocks of pairs together.

        Parameters
        ----------
        blocks : sequence of Atoms
            At least one block.

        Returns
        -------
        Atoms
            All pairs in order, with the weakest kind of gap among the blocks.
        """
        whole = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in (*NAMES, "gap")}
        return Atoms(**whole, gap_kind=weakest(block.gap_kind for block in blocks))

    def _lines(self) -> list[str]:
        columns = {**dict(self.items()), "total": self.total, "gap": self.gap}
        first = f"Atoms of {counted(len(self), 'pair')}, bits (gap {self.gap_kind})"
        if not 0 < len(self) <= SHOWN_PAIRS:
            rows = [
                {"": name, "mean": v.mean(), "least": v.min(), "most": v.max()}
                for name, v in columns.items()
                if len(v)
            ]
        else:
            rows = [{name: v[pair] for name, v in columns.items()} for pair in range(len(self))]
        return [first, *table(rows)]


def weakest(kinds: Iterable[str]) -> str:
    """The kind of gap that claims least."""
    return max(kinds, key=GAP_KINDS.index)


def atoms_from_redundancy(
    p: np.ndarray, redundancy: np.ndarray, gap: np.ndarray | None = None, gap_kind: str = "estimated"
) -> Atoms:
    """Complete the lattice of tables from a redundancy.

    p: (pair, level1, level2, class); redundancy, gap: (pair,), bits. No gap means a closed form, which is exact.
    """
    return complete_lattice(shannon.source_informations(p), redundancy, gap, gap_kind)


def complete_lattice(
    informations: tuple[np.ndarray, np.ndarray, np.ndarray],
    redundancy: np.ndarray,
    gap: np.ndarray | None = None,
    gap_kind: str = "estimated",
) -> Atoms:
    """All four atoms from I(Y;X1), I(Y;X2), I(Y;X1X2) and a redundancy, each (pair,), bits. No gap means a closed
    form, which is exact."""
    information1, information2, joint = informations
    return Atoms(
        redundancy=redundancy,
        unique1=information1 - redundancy,
        unique2=information2 - redundancy,
        synergy=joint - information1 - information2 + redundancy,
        gap=np.zeros_like(redundancy) if gap is None else gap,
        gap_kind="exact" if gap is None else gap_kind,
    )
