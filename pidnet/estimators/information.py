"""An amount of information that does not forget how well it is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pidnet.printing import Printed

STATES = ("ok", "saturated", "undersampled", "infinite", "not robust")
ABOUT = ("data", "population")
# Standard errors on each side of a bracket. An end is the better one of up to three, each of which is a mean of skewed
# terms: at 2 errors 92 % of brackets held the truth where both ends are tight.
ERRORS = 2.5


@dataclass(frozen=True, eq=False, repr=False)
class Information(Printed):
    """One amount of information in bits: a bracket with a state. It has no arithmetic, which would lose the state.

    Attributes
    ----------
    quantity : str
        "I(X;T)", "I(X;T|Y)", "I(T;Y)", "H(T)", "H(binned T)", "I(X;T+noise)" or another.
    value : float
        The estimate; inf where there is no number, nan where it cannot be had.
    low, high : float
        Bracket of the value in the population, 2.5 standard errors included; inf for no upper end.
    error : float
        Standard error of ``value``.
    about : str
        "data", where ``value`` is that of these samples as if they were all that there is, or "population".
    estimator : str
        How it was found.
    samples, units : int
        Numbers of samples and of units.
    rows, draws : int
        Samples that the outer mean runs over, and draws of the noise for each.
    state : str
        "ok"; "saturated", when the samples are too few to tell more than a lower end; "undersampled", when the
        estimate is known to be biased; "infinite", for what has no finite value; "not robust", when a choice that
        should not matter changes the conclusion.
    notes : tuple of str
        Sentences that belong to the number.
    settings : Mapping
        What else it was made with.

    Raises
    ------
    ValueError
        For another state or ``about``.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.Information("I(X;T)", 5.95, 5.93, 6.03, error=0.01, samples=4000, estimator="channel")
    I(X;T) 5.95 [5.93, 6.03] bits, ok (channel, 4,000 samples)
    """

    quantity: str
    value: float
    low: float
    high: float
    error: float = 0.0
    about: str = "data"
    estimator: str = ""
    samples: int = 0
    units: int = 0
    rows: int = 0
    draws: int = 0
    state: str = "ok"
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"state={self.state!r}; expected one of {', '.join(STATES)}")
        if self.about not in ABOUT:
            raise ValueError(f"about={self.about!r}; expected one of {', '.join(ABOUT)}")

    @property
    def width(self) -> float:
        """Distance of the two ends, in bits.

        Returns
        -------
        float
            inf without an upper end.
        """
        return self.high - self.low if math.isfinite(self.high) else math.inf

    def surely_below(self, other: Information) -> bool:
        """Whether the brackets allow to say that this is less than another.

        Parameters
        ----------
        other : Information
            Of the same quantity.

        Returns
        -------
        bool
            False where the brackets overlap: the order is not known then.

        Raises
        ------
        ValueError
            For another quantity: these do not compare.
        """
        if self.quantity != other.quantity:
            raise ValueError(f"{self.quantity} does not compare with {other.quantity}")
        return self.high < other.low

    def with_note(self, note: str, *, state: str | None = None) -> Information:
        """The same with one more sentence, and perhaps another state.

        Parameters
        ----------
        note : str
            The sentence.
        state : str, optional
            The new state; as it is by default.

        Returns
        -------
        Information
            A copy.
        """
        return replace(self, notes=(*self.notes, note), state=state or self.state)

    def to_dict(self) -> dict[str, Any]:
        """All fields, for a row of a table.

        Returns
        -------
        dict
            Field -> value.
        """
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def _lines(self) -> list[str]:
        how = ", ".join(filter(None, (self.estimator, f"{self.samples:,} samples" if self.samples else "")))
        ends = f"[{shown(self.low)}, {shown(self.high)}]"
        return [
            f"{self.quantity} {shown(self.value)} {ends} bits, {self.state}" + (f" ({how})" if how else "")
        ]


def infinite(quantity: str, reason: str, **known: Any) -> Information:
    """What has no finite value, with the reason and what can be asked instead."""
    return Information(quantity, math.inf, math.inf, math.inf, state="infinite", notes=(reason,), **known)


def shown(bits: float) -> str:
    """Bits with as many digits as a reader can use."""
    return f"{bits:.2f}" if abs(bits) >= 1 or not math.isfinite(bits) else f"{bits:.3f}"
