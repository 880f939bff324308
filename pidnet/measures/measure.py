"""A measure as an object: a function from tables to atoms, with what else is known about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from pidnet.choices import find_choice, name_of
from pidnet.measures.atoms import Atoms
from pidnet.measures.derivatives import Derivative
from pidnet.printing import Printed


@dataclass(frozen=True, repr=False)
class Measure(Printed):
    """A measure of partial information: a function from tables to atoms, and what is known about it.

    Attributes
    ----------
    name : str
        The name that results store.
    function : callable
        From PairTables (PairCovariances for Gaussian measures) to Atoms. Calling the measure calls it.
    derivative : callable, optional
        From PairTables to the Derivative of the redundancy. Intervals then need one further map, not 20.
    bias : callable, optional
        From counted PairTables to what the samples add to the redundancy on average, (pair,), bits. Corrections of
        other measures extrapolate from half of the samples, at the cost of two maps.
    with_bias : callable, optional
        From counted PairTables to atoms and ``bias`` at once, where they share work; both are called where it is not
        given.
    margins_only : bool
        Whether the redundancy depends on the tables (x1, y) and (x2, y) only, by theorem or definition. Two units
        with the same table then have no unique information.
    nonnegative : bool
        Whether no atom can be negative, by theorem. Intervals of other measures may end below 0.
    kinks : str
        "smaller information" where R = min(I1, I2), whose kink the intervals go around; else "".
    source : str
        Where the measure is defined.
    guarantee : str
        What holds for the atoms it returns, in a sentence.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from functools import partial
    >>> import pidnet as pn
    >>> pn.MEASURES["i_mmi"]
    Measure i_mmi: R = min(I1, I2), closed form
    atoms cannot be negative; derivative known
    source: Barrett 2015 (arXiv:1411.2832)
    >>> strict = replace(pn.MEASURES["i_broja"], function=partial(pn.measures.i_broja, tolerance=1e-9))
    >>> strict.derivative is not None
    True
    """

    name: str
    function: Callable[[Any], Atoms]
    derivative: Callable[[Any], Derivative] | None = None
    bias: Callable[[Any], np.ndarray] | None = None
    with_bias: Callable[[Any], tuple[Atoms, np.ndarray]] | None = None
    margins_only: bool = False
    nonnegative: bool = False
    kinks: Literal["", "smaller information"] = ""
    source: str = ""
    guarantee: str = ""

    def __call__(self, tables: Any) -> Atoms:
        atoms = self.function(tables)
        if not isinstance(atoms, Atoms) or len(atoms) != len(tables):
            found = (
                f"Atoms of {len(atoms)} pairs" if isinstance(atoms, Atoms) else f"a {type(atoms).__name__}"
            )
            raise TypeError(
                f"the measure {self.name} returned {found}; expected Atoms of {len(tables)} pairs"
            )
        return atoms

    def _lines(self) -> list[str]:
        sign = "atoms cannot be negative" if self.nonnegative else "atoms may be negative"
        known = "derivative known" if self.derivative else "derivative not known"
        says = f": {self.guarantee}" if self.guarantee else ""
        return [
            f"Measure {self.name}{says}",
            f"{sign}; {known}",
            *([f"source: {self.source}"] if self.source else []),
        ]


MeasureLike = str | Measure | Callable[[Any], Atoms]


def as_measure(measure: MeasureLike, known: Mapping[str, Any], what: str = "measure") -> Measure:
    """A name or a function as a Measure; what is known about a function holds for it with other options too.

    Raises ValueError for an unknown name and TypeError for what is neither, with the known ones.
    """
    found = find_choice(what, measure, known)
    if isinstance(found, Measure):
        return found
    name = measure if isinstance(measure, str) else name_of(found)
    function, options = _unwrapped(found)
    for other in known.values():
        if isinstance(other, Measure) and function in (other, other.function):
            if not options:
                return other
            known = {part: getattr(other, part) for part in ("derivative", "bias", "with_bias")}
            parts = {part: _with_options(of, options) for part, of in known.items()}
            return replace(other, name=name, function=partial(other.function, **options), **parts)
    return Measure(name, found)


def _unwrapped(function: Any) -> tuple[Any, dict[str, Any]]:
    """The function inside a ``functools.partial``, and the options that were set."""
    if isinstance(function, partial) and not function.args:
        return function.func, function.keywords
    return function, {}


def _with_options(function: Callable | None, options: dict[str, Any]) -> Callable | None:
    """A derivative or bias with the options of its measure; None where it does not take them."""
    if function is None or not options.keys() <= inspect.signature(function).parameters.keys():
        return None
    return partial(function, **options)
