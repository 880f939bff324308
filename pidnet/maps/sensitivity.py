"""Does a conclusion about layers survive another number of levels and fewer samples?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pidnet.activations import Activations
from pidnet.codes.quantizing import Quantizer, equal_mass, quantize
from pidnet.codes.resampling import take
from pidnet.maps import layer_maps
from pidnet.measures import Measure

ATOMS = ("redundancy", "unique_mean", "synergy")


@dataclass(frozen=True)
class Verdict:
    """Where one conclusion holds. settings: the (levels, samples) tried. holds: whether it held there."""

    conclusion: str
    settings: tuple[tuple[int, int], ...]
    holds: tuple[bool, ...]

    @property
    def stable(self) -> bool:
        """True when the conclusion holds at every setting."""
        return all(self.holds)

    def __str__(self) -> str:
        failed = [
            f"{levels} levels and {samples} samples"
            for (levels, samples), held in zip(self.settings, self.holds, strict=True)
            if not held
        ]
        count = f"holds at {sum(self.holds)} of {len(self.holds)} settings"
        return f"{self.conclusion}: {count}, " + (f"not at {'; '.join(failed)}" if failed else "stable")


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Layer summaries at several numbers of levels and of samples.

    rows: one dictionary a layer and setting, as ``LayerMap.summary`` gives it, with ``levels``; bits.
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
        """Whether the mean of an atom is larger in one layer than in another, at every setting."""
        first, second = self._of(layer, atom), self._of(than, atom)
        holds = [a[atom] > b[atom] for a, b in zip(first, second, strict=True)]
        return self._verdict(f"{atom} of {layer} > {atom} of {than}", first, holds)

    def above_floor(self, atom: str, layer: str) -> Verdict:
        """Whether the mean of an atom in a layer is above the noise floor, at every setting."""
        rows = self._of(layer, atom)
        holds = [row[atom] > row[f"{atom}_noise_floor"] for row in rows]
        return self._verdict(f"{atom} of {layer} > what chance gives", rows, holds)

    @property
    def sentence(self) -> str:
        """How stable the order of the layers by redundancy and their synergy are, in one sentence."""
        parts = [str(self.above_floor("synergy", layer)) for layer in self.layers]
        for layer, following in pairwise(self.layers):
            first, second = (self._of(name, "redundancy")[0] for name in (layer, following))
            swap = first["redundancy"] < second["redundancy"]
            order = (following, layer) if swap else (layer, following)
            parts.append(str(self.more("redundancy", *order)))
        return "; ".join(parts) + "."

    def __str__(self) -> str:
        head = f"{self.measure}, {self.quantizer}, correction {self.correction}; means over pairs, bits"
        lines = [head, f"{'layer':12s} levels samples " + " ".join(f"{a:>11s} noise floor" for a in ATOMS)]
        for row in self.rows:
            values = " ".join(f"{row[a]:11.4f} {row[f'{a}_noise_floor']:11.4f}" for a in ATOMS)
            lines.append(f"{row['layer']:12s} {row['levels']:6d} {row['samples']:7d} {values}")
        return "\n".join([*lines, self.sentence])

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
    measure: str | Measure = "i_broja",
    *,
    levels: Sequence[int] = (4, 2, 3, 6, 8),
    shares: Sequence[float] = (0.5, 0.25),
    how: Quantizer = equal_mass,
    correction: str = "shuffle_sources",
) -> Sensitivity:
    """Summaries of every layer with other numbers of levels and with fewer samples.

    levels: the first is the setting in question; all are tried on all samples. shares: parts of the samples
    that are tried with the first number of levels, with the edges of all samples and a fixed seed.
    Raises ValueError for a share outside (0, 1], no levels, and as ``quantize`` and ``layer_maps`` do.
    """
    if not levels:
        raise ValueError("levels is empty; expected at least one number of levels, such as (4, 2, 8)")
    for share in shares:
        if not 0 < share <= 1:
            raise ValueError(f"share {share} of the samples; expected more than 0 and at most 1")
    tried = [quantize(acts, count, how) for count in levels]
    order = np.random.default_rng(0).permutation(len(acts.target))
    tried += [take(tried[0], order[: round(share * len(order))]) for share in shares]
    rows = []
    for codes in tried:
        maps = layer_maps(codes, measure, correction=correction, null="none")
        rows += [{"levels": codes.levels, **map.summary()} for map in maps.values()]
    return Sensitivity(tuple(rows), rows[0]["measure"], tried[0].quantizer, correction)
