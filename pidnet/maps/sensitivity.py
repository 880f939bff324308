"""Does a conclusion about layers survive another number of levels and fewer samples?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.activations import Activations
from pidnet.arguments import check_arguments
from pidnet.codes import Codes, quantize
from pidnet.codes.quantizers import Quantizer
from pidnet.files import Saved
from pidnet.maps._verdict import Verdict
from pidnet.maps.mapping import layer_maps
from pidnet.measures.measure import MeasureLike
from pidnet.optional import optional_module
from pidnet.plots import plot_sensitivity
from pidnet.printing import MOST_LINES, Printed, table, wrapped
from pidnet.significance import Correction

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ATOMS = ("redundancy", "unique_mean", "synergy")


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Printed, Saved):
    """Means of the atoms of each layer at several numbers of levels and of samples. ``sensitivity`` makes it.

    Attributes
    ----------
    rows : tuple of dict
        One for each layer and setting, as ``LayerMap.summary`` gives it, with ``levels``; bits.
    measure, quantizer, correction : str
        How the maps were made.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> y = torch.arange(200) % 2
    >>> acts = pn.Activations({"fc1": torch.stack([y, 1 - y], 1).float()}, y, {"fc1": "none"})
    >>> found = pn.sensitivity(acts, "i_min", levels=(2, 3), shares=())
    >>> [row["levels"] for row in found.rows]
    [2, 3]
    """

    rows: tuple[dict, ...]
    measure: str
    quantizer: str
    correction: str

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, in order."""
        return tuple(dict.fromkeys(row["layer"] for row in self.rows))

    def more(self, atom: str, layer: str, than: str) -> Verdict:
        """Whether the mean of an atom is larger in one layer than in another, at every setting.

        Parameters
        ----------
        atom : str
            "redundancy", "unique_mean" or "synergy".
        layer, than : str
            The layers, in the order of the claim.

        Returns
        -------
        Verdict
            Prints as a sentence; ``stable`` where the claim holds at every setting.

        Raises
        ------
        ValueError
            For another atom or layer.
        """
        first, second = self._of(layer, atom), self._of(than, atom)
        holds = [a[atom] > b[atom] for a, b in zip(first, second, strict=True)]
        return self._verdict(f"{atom} of {layer} > {atom} of {than}", first, holds)

    def above_floor(self, atom: str, layer: str) -> Verdict:
        """Whether the mean of an atom in a layer is above the noise floor, at every setting.

        Parameters
        ----------
        atom : str
            "redundancy", "unique_mean" or "synergy".
        layer : str
            The layer.

        Returns
        -------
        Verdict
            As that of ``more``.
        """
        rows = self._of(layer, atom)
        holds = [row[atom] > row[f"{atom}_noise_floor"] for row in rows]
        return self._verdict(f"{atom} of {layer} > what chance gives", rows, holds)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Whether each layer has synergy, and the order of neighboring layers by redundancy."""
        found = [self.above_floor("synergy", layer) for layer in self.layers]
        for layer, following in pairwise(self.layers):
            first, second = (self._of(name, "redundancy")[0] for name in (layer, following))
            swap = first["redundancy"] < second["redundancy"]
            order = (following, layer) if swap else (layer, following)
            found.append(self.more("redundancy", *order))
        return tuple(found)

    @property
    def sentence(self) -> str:
        """How stable these are, each, and which of them survive every number of levels."""
        survive = [verdict.conclusion for verdict in self.verdicts if verdict.survives_levels]
        tried = sorted({row["levels"] for row in self.rows})
        span = f"{tried[0]} to {tried[-1]} levels" if len(tried) > 1 else f"{tried[0]} levels"
        at_all = "; ".join(survive) if survive else "nothing"
        return "; ".join(map(str, self.verdicts)) + f". At {span} and all samples holds: {at_all}."

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each layer and setting; bits."""
        return optional_module("pandas").DataFrame(list(self.rows))

    @classmethod
    def _restored(cls, stored: dict[str, Any]) -> Sensitivity:
        return _checked(stored)

    def plot(self, atom: str = "redundancy", ax: Axes | None = None) -> Figure:
        """Draw the means of one atom at every setting; see ``pidnet.plots.plot_sensitivity``.

        Parameters
        ----------
        atom : str
            "redundancy", "unique_mean" or "synergy".
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_sensitivity(self, atom, ax)

    def __str__(self) -> str:
        return "\n".join([*self._table(len(self.rows)), self.sentence])

    def _lines(self) -> list[str]:
        sentence = wrapped(self.sentence)
        return [*self._table(max(1, MOST_LINES - 3 - len(sentence))), *sentence]

    def _table(self, most: int) -> list[str]:
        cells = [
            {atom: f"{row[atom]:7.4f} ({row[f'{atom}_noise_floor']:7.4f})" for atom in ATOMS}
            for row in self.rows
        ]
        tried = [{name: row[name] for name in ("layer", "levels", "samples")} for row in self.rows]
        how = f"{self.measure}, {self.quantizer}, correction {self.correction}"
        rows = [a | b for a, b in zip(tried, cells, strict=True)]
        return [f"Sensitivity by {how}: means over pairs (noise floor), bits", *table(rows, most)]

    def _of(self, layer: str, atom: str) -> list[dict]:
        if layer not in self.layers:
            raise ValueError(f"no such layer: {layer!r}; the report has {', '.join(map(repr, self.layers))}")
        if atom not in ATOMS:
            raise ValueError(f"no such atom: {atom!r}; the report has {', '.join(ATOMS)}")
        return [row for row in self.rows if row["layer"] == layer]

    def _verdict(self, conclusion: str, rows: list[dict], holds: list[bool]) -> Verdict:
        settings = tuple((row["levels"], row["samples"]) for row in rows)
        return Verdict(conclusion, settings, tuple(map(bool, holds)))


def sensitivity(
    acts: Activations,
    measure: MeasureLike = "i_broja",
    *,
    levels: Sequence[int] = (4, 2, 3, 6, 8),
    shares: Sequence[float] = (0.5, 0.25),
    how: str | Quantizer = "equal_mass",
    correction: str | Correction = "mixture",
) -> Sensitivity:
    """Maps of every layer with other numbers of levels and with fewer samples, summarized.

    Parameters
    ----------
    acts : Activations
        What ``capture`` returned.
    measure : str or callable
        A name in ``MEASURES`` or a function from PairTables to Atoms.
    levels : sequence of int
        The first is the setting in question; all are tried on all samples.
    shares : sequence of float
        Parts of the samples, above 0 to 1, tried with the first number of levels and the edges of all samples.
    how : callable
        The quantizer.
    correction : str or callable
        Of the sampling bias, as for ``layer_maps``.

    Returns
    -------
    Sensitivity
        A table that says which statements hold at every setting. Layers that cannot be mapped are left out.

    Raises
    ------
    ValueError
        For a share outside (0, 1], no levels, and as ``quantize`` and ``layer_maps`` do.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 3), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> found = pn.sensitivity(acts, "i_min", levels=(2, 3), shares=(0.5,))
    >>> found.above_floor("synergy", "fc1")
    synergy of fc1 > what chance gives: holds at 3 of 3 settings, stable
    """
    check_arguments(sensitivity, locals())
    if not levels:
        raise ValueError("levels is empty; expected at least one number of levels, such as (4, 2, 8)")
    for share in shares:
        if not 0 < share <= 1:
            raise ValueError(f"share {share} of the samples; expected more than 0 and at most 1")
    tried = _other_codes(acts, levels, shares, how)
    rows, names = [], set()
    for codes in tried:
        maps = layer_maps(codes, measure, correction=correction, null="none")
        rows += [{"levels": codes.levels, **row} for row in maps.summary()]
        names |= set(maps.skipped)
    everywhere = tuple(row for row in rows if row["layer"] not in names)
    if not everywhere:
        raise ValueError(
            f"no layer can be mapped at every setting: {', '.join(sorted(names))}; try fewer levels"
        )
    return Sensitivity(everywhere, rows[0]["measure"], tried[0].quantizer, rows[0]["correction"])


def _checked(stored: dict[str, Any]) -> Sensitivity:
    """The table of a file; ValueError for rows without the means and noise floors."""
    rows = tuple(stored.pop("rows"))
    for row in rows:
        bits = [row[name] for atom in ATOMS for name in (atom, f"{atom}_noise_floor")]
        if not (isinstance(row["layer"], str) and np.isfinite([row["levels"], row["samples"], *bits]).all()):
            raise ValueError(f"the row {row} has values that are not finite")
    return Sensitivity(rows, **stored)


def _other_codes(
    acts: Activations, levels: Sequence[int], shares: Sequence[float], how: str | Quantizer
) -> list[Codes]:
    """The codes with each number of levels, then with the first one and each share of the samples."""
    tried = [quantize(acts, count, how) for count in levels]
    order = np.random.default_rng(0).permutation(len(acts.target))
    return tried + [tried[0].take(order[: round(share * len(order))]) for share in shares]
