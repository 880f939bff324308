"""A criterion: a function that ranks units, with its name and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pidnet.printing import Printed, wrapped
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.criteria.statistics import CalibrationStatistics

Rank = Callable[[CalibrationStatistics, str], Ranking]


@dataclass(frozen=True, repr=False)
class Criterion(Printed):
    """A way to decide which units of a layer go first.

    Attributes
    ----------
    name
        What it is called in plans and files.
    rank
        (CalibrationStatistics, layer) -> Ranking.
    searched
        Whether its proposals are carried out and the plan that loses least is taken.
    needs
        What a network must have for it, in words; empty where it works on every network.
    source
        The paper it comes from.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.CRITERIA["pid"]
    Criterion pid, searched: Backward elimination by unique + synergistic information about the output,
      bits per sample
    >>> pn.CRITERIA["pid"].with_options(temperature=3.0).searched
    True
    """

    name: str
    rank: Rank
    searched: bool = False
    needs: str = ""
    source: str = ""

    def __call__(self, statistics: CalibrationStatistics, layer: str) -> Ranking:
        ranking = self.rank(statistics, layer)
        if not isinstance(ranking, Ranking) or sorted(ranking.order) != list(range(statistics.width(layer))):
            found = "another order" if isinstance(ranking, Ranking) else f"a {type(ranking).__name__}"
            raise TypeError(
                f"the criterion {self.name} returned {found} for layer {layer!r}; expected a Ranking of its "
                f"{statistics.width(layer)} units, each once"
            )
        return ranking

    def with_options(self, **options: Any) -> Criterion:
        """The same criterion with some options of its function set; its name and its search stay.

        Parameters
        ----------
        **options : object
            Keyword arguments of the function.

        Returns
        -------
        Criterion
            A new one.
        """
        return replace(self, rank=partial(self.rank, **options))

    @staticmethod
    def of(rank: Rank) -> Criterion:
        """A criterion from a plain function, or from a criterion with options set by ``functools.partial``.

        Parameters
        ----------
        rank : callable
            (CalibrationStatistics, layer) -> Ranking.

        Returns
        -------
        Criterion
            A criterion as it is; anything else under the name of its function.
        """
        if isinstance(rank, Criterion):
            return rank
        if isinstance(rank, partial):
            inner = Criterion.of(rank.func)
            return replace(inner, rank=partial(inner.rank, *rank.args, **rank.keywords))
        return Criterion(getattr(rank, "__name__", type(rank).__name__), rank)

    def _lines(self) -> list[str]:
        function, how = self.rank, ""
        if isinstance(function, partial):
            how = f" ({', '.join(f'{key}={value}' for key, value in function.keywords.items())})"
            function = function.func
        described = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        described = described.split(": see ``")[0].replace("`", "").removesuffix(".")
        return wrapped(f"Criterion {self.name}{', searched' * self.searched}{how}: {described}")
