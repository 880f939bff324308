"""Any measure of dit on small groups of units: two to four sources, results by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.measures.atoms import Atoms
from pidnet.optional import optional_module
from pidnet.printing import Printed, table

if TYPE_CHECKING:
    import dit
    import pandas

CONE_RESIDUAL = 1e-6
CONE_NOTE = "dit's default BROJA solver is uncertified; its cone solver (ECOS) was used"


@dataclass(frozen=True, eq=False, repr=False)
class LatticeAtoms(Printed):
    """A decomposition on the redundancy lattice, in bits.

    Attributes
    ----------
    measure : str
        The name of the measure in ``dit.pid``.
    atoms, redundancies : dict of str to float
        One value for each lattice node, named like "{1}{23}": what source 1 and sources 2 and 3 together share.
        Sources are numbered from 1 in the order of the distribution. nan marks what the measure leaves undefined.
    note : str
        How the values came about, where a reader must know it.

    Examples
    --------
    >>> import dit
    >>> import pidnet as pn
    >>> xor = dit.Distribution(["000", "011", "101", "110"], [1 / 4] * 4)
    >>> pn.decompose_dit(xor, "PID_WB").two_sources.synergy
    array([1.])
    """

    measure: str
    atoms: dict[str, float]
    redundancies: dict[str, float]
    note: str = ""

    @property
    def two_sources(self) -> Atoms:
        """The four atoms of two sources, as a batch of one; their gap is unknown, because dit proves no bound.

        Raises ValueError for more sources.
        """
        if len(self.atoms) != 4:
            raise ValueError(f"{len(self.atoms)} atoms do not fit the lattice of two sources; use .atoms")
        values = [np.array([self.atoms[name]]) for name in ("{1}{2}", "{1}", "{2}", "{12}")]
        return Atoms(*values, gap=np.array([np.nan]), gap_kind="unknown")

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table with one row for each lattice node: its atom and its redundancy, bits."""
        columns = {"atom": self.atoms, "redundancy": self.redundancies}
        return optional_module("pandas").DataFrame(columns).rename_axis("node")

    def _lines(self) -> list[str]:
        rows = [
            {"node": node, "atom": value, "redundancy": self.redundancies[node]}
            for node, value in self.atoms.items()
        ]
        note = [self.note] if self.note else []
        return [f"LatticeAtoms by {self.measure}: {len(rows)} nodes, bits", *table(rows), *note]


def decompose_dit(dist: dit.Distribution, measure: str = "PID_CCS") -> LatticeAtoms:
    """Decompose what two to four sources carry about the last variable of a dit distribution.

    Parameters
    ----------
    dist : dit.Distribution
        Two to four sources and then the target. For a whole layer use `decompose`.
    measure : str
        The name of a measure in ``dit.pid``, such as "PID_CCS". "PID_BROJA" takes two sources and always runs
        dit's cone solver (``pip install pidnet[ecos]``): its default solver returns wrong values without notice.

    Returns
    -------
    LatticeAtoms
        The 4, 18 or 166 atoms of the lattice by name.

    Raises
    ------
    TypeError
        For something other than a dit distribution.
    ValueError
        For an unknown measure, another number of variables, or PID_BROJA of more than two sources.
    ModuleNotFoundError
        For PID_BROJA without ECOS.
    RuntimeError
        When the cone solver misses the margins by more than 1e-6.

    Examples
    --------
    >>> import dit
    >>> import pidnet as pn
    >>> copies = dit.Distribution(["000", "111"], [1 / 2] * 2)
    >>> round(pn.decompose_dit(copies, "PID_WB").atoms["{1}{2}"], 6)
    1.0
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dit and what it imports: nothing a reader could act on
        labels = _check_distribution(dist)
        function = _find_dit_measure(measure, len(labels) - 1)
        result = function(dist)
        atoms = {_name(node, labels): float(result.get_pi(node)) for node in result._lattice}
        redundancies = {_name(node, labels): float(result.get_red(node)) for node in result._lattice}
    return LatticeAtoms(measure, atoms, redundancies, note=CONE_NOTE if measure == "PID_BROJA" else "")


def _check_distribution(dist: Any) -> list:
    """The labels of the variables, target last."""
    import dit

    if not isinstance(dist, dit.Distribution):
        raise TypeError(
            f"decompose_dit takes a dit.Distribution, not {type(dist).__name__}; decompose takes arrays"
        )
    variables = dist.outcome_length()
    if not 3 <= variables <= 5:
        raise ValueError(
            f"the distribution has {variables} variables; expected 2 to 4 sources and then the target"
        )
    return [label for variable in dist.rvs for label in variable]


def _find_dit_measure(measure: str, sources: int) -> Callable[[Any], Any]:
    """The class of dit behind a name, or its cone-solved stand-in for BROJA."""
    import dit.pid

    known = sorted(name for name in vars(dit.pid) if name.startswith("PID_"))
    if measure not in known:
        raise ValueError(f"unknown dit measure {measure!r}; the known ones are {', '.join(known)}")
    if measure != "PID_BROJA":
        return getattr(dit.pid, measure)
    if sources != 2:
        raise ValueError(
            f"PID_BROJA of {sources} sources exists in dit only with an uncertified solver, which is refused here; "
            "decompose two sources at a time, or choose another measure"
        )
    return _cone_solved_broja()


def _cone_solved_broja() -> Callable[[Any], Any]:
    """dit's BROJA with its cone solver alone: by itself dit falls back to others without notice."""
    try:
        import ecos  # noqa: F401
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "PID_BROJA is refused with dit's default solver, which is uncertified, and its cone solver needs ECOS; "
            'pip install "pidnet[ecos]", or use pidnet.decompose(p, measure="i_broja")'
        ) from missing
    import dit.pid

    return type("ConeSolved", (dit.pid.PID_BROJA,), {"_measure": staticmethod(_cone_uniques)})


def _cone_uniques(dist: Any, sources: Iterable, target: Iterable) -> dict:
    """The unique information of each of two sources by dit's cone solver, bits."""
    from dit.algorithms import broja_cone

    first, second = sources
    _, report = broja_cone.broja_cone_solve(dist, [first, second], list(target))
    if not report["primal_infeas"] <= CONE_RESIDUAL:
        raise RuntimeError(
            f"dit's cone solver missed the margins by {report['primal_infeas']:.2g}; "
            f"expected at most {CONE_RESIDUAL:g}"
        )
    return {first: report["ui_source0"], second: report["ui_source1"]}


def _name(node: Iterable[tuple], labels: list) -> str:
    """The node ((0,), (1, 2)) as "{1}{23}"."""
    return "".join("{" + "".join(str(labels.index(label) + 1) for label in group) + "}" for group in node)
