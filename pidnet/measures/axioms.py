"""The axioms that a measure of two sources keeps, tried on random tables.

A violation is a number of bits: the worst over all tables, beyond what the gaps of the atoms allow. The first five
axioms are what pidnet relies on; of the others no measure keeps all, and which it keeps is its character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.measures.atoms import NAMES, Atoms
from pidnet.measures.measure import Measure, MeasureLike, as_measure
from pidnet.printing import Printed, table
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables

MIRROR = ("redundancy", "unique2", "unique1", "synergy")


@dataclass(frozen=True, repr=False)
class Axiom(Printed):
    """One axiom, and how far a measure is from it.

    Attributes
    ----------
    name : str
        Of the axiom.
    required : bool
        Whether pidnet relies on it.
    violation : float
        The worst over all tables, bits; 0 where it holds exactly, nan where an atom is not finite.
    holds : bool
        Whether the violation is at most the tolerance.
    statement : str
        The axiom as a formula.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.measures.check_measure("i_mmi").axioms[0].holds
    True
    """

    name: str
    required: bool
    violation: float
    holds: bool
    statement: str


@dataclass(frozen=True, eq=False, repr=False)
class MeasureCheck(Printed):
    """What ``check_measure`` found.

    Attributes
    ----------
    measure : str
        The name of the measure.
    tables : int
        How many random tables were tried.
    axioms : tuple of Axiom
        The required ones first.

    Examples
    --------
    >>> import pidnet as pn
    >>> found = pn.measures.check_measure("i_ccs")
    >>> found.sound, found.kept[5:]
    (True, ['self-redundancy', 'independent identity'])
    """

    measure: str
    tables: int
    axioms: tuple[Axiom, ...]

    @property
    def sound(self) -> bool:
        """Whether every required axiom holds."""
        return all(axiom.holds for axiom in self.axioms if axiom.required)

    @property
    def kept(self) -> list[str]:
        """The names of the axioms that hold."""
        return [axiom.name for axiom in self.axioms if axiom.holds]

    def _lines(self) -> list[str]:
        verdict = "sound" if self.sound else "NOT SOUND: a required axiom is violated"
        rows = [
            {
                "axiom": axiom.name,
                "holds": "yes" if axiom.holds else "no",
                "worst, bits": axiom.violation,
                "": axiom.statement + (" (required)" if axiom.required else ""),
            }
            for axiom in self.axioms
        ]
        return [f"{self.measure} on {self.tables} random tables: {verdict}", *table(rows, len(rows))]


def check_measure(
    measure: MeasureLike, *, tables: int = 60, tolerance: float = 1e-6, seed: int = 0
) -> MeasureCheck:
    """Try the axioms of partial information on a measure.

    Parameters
    ----------
    measure : str, Measure or callable
        A name in ``MEASURES`` or a function from PairTables to Atoms.
    tables : int
        How many random tables (3, 3, 3), full and sparse by turns.
    tolerance : float
        The largest violation that counts as none, bits.
    seed : int
        Of the tables.

    Returns
    -------
    MeasureCheck
        Every axiom with its worst violation. A violation is no error: I_ccs may have negative atoms by definition.

    Raises
    ------
    ValueError
        For an unknown name, fewer than 2 tables, or a tolerance that is not above 0.
    TypeError
        For a measure that returns something other than Atoms of all pairs.

    Notes
    -----
    Required: atoms add up to I(Y;X1), I(Y;X2), I(Y;X1X2); swapping the sources swaps the unique atoms; a batch
    equals its pairs one by one; the names of levels and classes, and levels that never occur, change nothing.

    Self-redundancy, monotonicity and nonnegativity: Williams & Beer 2010 (arXiv:1004.2515), section 3. Identity:
    R = I(X1;X2) where Y = (X1, X2), Harder, Salge & Polani 2013 (arXiv:1207.2080). Independent identity, the
    weaker form that two independent sources share nothing about their pair: Ince 2017 (arXiv:1602.05063).

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.measures.check_measure("i_broja").kept[5:]
    ['self-redundancy', 'monotonicity', 'nonnegativity', 'identity', 'independent identity']
    >>> pn.measures.check_measure("i_min").kept[5:]
    ['self-redundancy', 'monotonicity', 'nonnegativity']
    """
    check_arguments(check_measure, locals())
    # Here, because the registry is made of the modules around this one.
    from pidnet.measures import MEASURES

    if tables < 2:
        raise ValueError(f"tables={tables}; expected at least 2, a full and a sparse one")
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance}; expected a number of bits above 0")
    found = as_measure(measure, MEASURES)
    p = _random_tables(tables, np.random.default_rng(seed))
    axioms = tuple(
        Axiom(name, required, violation, bool(violation <= tolerance), statement)
        for name, required, statement, violation in _violations(found, p)
    )
    return MeasureCheck(found.name, tables, axioms)


def _violations(measure: Measure, p: np.ndarray) -> Iterator[tuple[str, bool, str, float]]:
    """(name, required, statement, worst violation in bits) of every axiom."""
    trials: Sequence[tuple[str, bool, str, Callable[[Measure, np.ndarray], float]]] = (
        ("adds up", True, "R + U1 = I1, R + U2 = I2, R + U1 + U2 + S = I12", _sums),
        ("symmetry", True, "swapping the sources swaps U1 and U2", _symmetry),
        ("batch", True, "a batch equals its pairs one by one", _batch),
        ("names", True, "an order of levels and classes changes nothing", _names),
        ("unused levels", True, "a level that never occurs changes nothing", _unused),
        ("self-redundancy", False, "R = I1 where X2 = X1", _self_redundancy),
        ("monotonicity", False, "R <= min(I1, I2)", _monotonicity),
        ("nonnegativity", False, "no atom below 0", _nonnegativity),
        ("identity", False, "R = I(X1;X2) where Y = (X1, X2)", _identity),
        ("independent identity", False, "R = 0 where also X1, X2 are independent", _independent_identity),
    )
    for name, required, statement, violation in trials:
        yield name, required, statement, violation(measure, p)


def _random_tables(count: int, rng: np.random.Generator) -> np.ndarray:
    """(table, 3, 3, 3), every second one with structural zeros; each level and class occurs."""
    p = rng.dirichlet(np.ones(27), count).reshape(count, 3, 3, 3)
    holes = rng.random(p.shape) < 0.4
    holes[:, range(3), range(3), range(3)] = False
    p[1::2][holes[1::2]] = 0
    return p / p.sum((1, 2, 3), keepdims=True)


def _atoms(measure: Measure, p: np.ndarray) -> Atoms:
    return measure(PairTables(pairs=np.full((len(p), 2), -1), p=p))


def _beyond(difference: np.ndarray, *gaps: np.ndarray) -> float:
    """The worst of some differences (..., pair), beyond the gaps (pair,); roundoff counts as none."""
    allowed = np.sum([np.nan_to_num(gap, nan=0.0) for gap in gaps], axis=0) + 1e-11
    return float(np.maximum(difference - allowed, 0).max())


def _apart(atoms: Atoms, other: Atoms, names: Sequence[str] = NAMES) -> float:
    """The largest difference between the atoms of ``atoms`` and the atoms ``names`` of another."""
    pairs = zip(NAMES, names, strict=True)
    difference = [np.abs(getattr(atoms, one) - getattr(other, two)) for one, two in pairs]
    return _beyond(np.array(difference), atoms.gap, other.gap)


def _sums(measure: Measure, p: np.ndarray) -> float:
    atoms = _atoms(measure, p)
    sums = np.array([atoms.information1, atoms.information2, atoms.total])
    return _beyond(np.abs(sums - np.array(shannon.source_informations(p))))


def _symmetry(measure: Measure, p: np.ndarray) -> float:
    return _apart(_atoms(measure, p), _atoms(measure, p.swapaxes(1, 2)), MIRROR)


def _batch(measure: Measure, p: np.ndarray) -> float:
    singles = Atoms.concatenate([_atoms(measure, p[k : k + 1]) for k in range(len(p))])
    return _apart(_atoms(measure, p), singles)


def _names(measure: Measure, p: np.ndarray) -> float:
    return _apart(_atoms(measure, p), _atoms(measure, p[:, [2, 0, 1]][:, :, [1, 2, 0]][..., [2, 1, 0]]))


def _unused(measure: Measure, p: np.ndarray) -> float:
    wider = np.pad(p, [(0, 0), (0, 1), (1, 0), (0, 1)])
    return _apart(_atoms(measure, p), _atoms(measure, wider))


def _self_redundancy(measure: Measure, p: np.ndarray) -> float:
    source = p.sum(2)
    twins = np.einsum("pay,ab->paby", source, np.eye(3))
    atoms = _atoms(measure, twins)
    return _beyond(np.abs(atoms.redundancy - shannon.mutual_information(source)), atoms.gap)


def _monotonicity(measure: Measure, p: np.ndarray) -> float:
    atoms = _atoms(measure, p)
    return _beyond(atoms.redundancy - np.minimum(atoms.information1, atoms.information2), atoms.gap)


def _nonnegativity(measure: Measure, p: np.ndarray) -> float:
    atoms = _atoms(measure, p)
    return _beyond(np.array([-values for _, values in atoms.items()]), atoms.gap)


def _identity(measure: Measure, p: np.ndarray) -> float:
    return _of_the_pair(measure, p.sum(3))


def _independent_identity(measure: Measure, p: np.ndarray) -> float:
    sources = p.sum(3)
    return _of_the_pair(measure, sources.sum(2)[:, :, None] * sources.sum(1)[:, None])


def _of_the_pair(measure: Measure, sources: np.ndarray) -> float:
    """How far R is from I(X1;X2) where the target is the pair itself; sources: (table, 3, 3)."""
    p = np.zeros((len(sources), 3, 3, 9))
    for a, b in product(range(3), repeat=2):
        p[:, a, b, 3 * a + b] = sources[:, a, b]
    atoms = _atoms(measure, p)
    return _beyond(np.abs(atoms.redundancy - shannon.mutual_information(sources)), atoms.gap)
