"""A pruning plan: which units go, what that costs and who takes over. Deciding is apart from doing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidnet.files import write_text
from pidnet.optional import optional_module

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Removal:
    """One unit that goes: what its removal costs given the ones before it, and who takes over.

    cost is in ``unit``: bits for the information criteria, the criterion's own scale otherwise.
    substitutes: (unit, share) of the kept units with the largest shares in its least-squares replacement.
    redundancy: bits about the output that the unit has and the units before it in the plan could take over;
    None where the plan was not made by least squares.
    """

    index: int
    cost: float
    unit: str
    substitutes: tuple[tuple[int, float], ...]
    redundancy: float | None = None

    def row(self, layer: str) -> dict[str, Any]:
        """The removal as one row of a table."""
        shares = ", ".join(f"{unit} ({share:.0%})" for unit, share in self.substitutes)
        return {
            "layer": layer,
            "unit": self.index,
            "cost": self.cost,
            "redundancy": "-" if self.redundancy is None else self.redundancy,
            "scale": self.unit,
            "taken over by": shares or "-",
        }


@dataclass(frozen=True)
class PruningPlan:
    """keep: layer -> ascending indices of the units that stay. removed: layer -> the units that go, in order.

    settings: budget, criterion's options, seed and version. units: layer -> how many it had when the plan was
    made; found from the other two where ``removed`` is given. A plan can be edited: what ``keep`` holds counts,
    also where ``removed`` says otherwise.
    """

    keep: dict[str, list[int]]
    removed: dict[str, list[Removal]]
    criterion: str
    settings: dict[str, Any] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for layer, removals in self.removed.items():
            known = {*self.keep.get(layer, []), *(removal.index for removal in removals)}
            self.units.setdefault(layer, len(known))

    def gone(self, layer: str) -> list[Removal]:
        """The removals of a layer that still hold: those of units that were not put back by hand."""
        return [removal for removal in self.removed.get(layer, []) if removal.index not in self.keep[layer]]

    def rows(self) -> list[dict[str, Any]]:
        """One row a removed unit, layer by layer in the order in which units go."""
        return [removal.row(layer) for layer in self.keep for removal in self.gone(layer)]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a table. Raises ImportError without pandas, with the command that installs it."""
        return optional_module("pandas").DataFrame(self.rows())

    def explain(self, most: int | None = 10) -> str:
        """The plan as text: for each layer how many units stay, and the first ``most`` removed units with
        cost, redundancy and who takes over (None for all)."""
        lines = [f"pruned by {self.criterion}"]
        for layer, kept in self.keep.items():
            removals = self.gone(layer)
            planned = {removal.index for removal in removals}
            by_hand = sorted(set(range(self.units.get(layer, 0))) - {*kept, *planned})
            lines.append(f"\n{layer}: {len(kept)} units stay, {len(removals) + len(by_hand)} go")
            if by_hand:
                lines.append(f"  taken out by hand: {', '.join(map(str, by_hand))}")
            rows = [removal.row(layer) for removal in removals[:most]]
            if rows:
                lines += _table([{k: v for k, v in row.items() if k != "layer"} for row in rows])
            if len(rows) < len(removals):
                lines.append(f"  ... and {len(removals) - len(rows)} more")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> PruningPlan:
        """The plan that ``to_json`` wrote. Raises ValueError for a text that is not a plan."""
        try:
            fields = json.loads(text)
            for name, rows in fields["removed"].items():
                fields["removed"][name] = [
                    Removal(**row | {"substitutes": tuple(map(tuple, row["substitutes"]))}) for row in rows
                ]
            return PruningPlan(**fields)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"this JSON is not a pruning plan: {error}") from error

    def save(self, path: str | Path) -> Path:
        """Write the plan as JSON; returns the path."""
        return write_text(path, self.to_json())

    @staticmethod
    def load(path: str | Path) -> PruningPlan:
        """Read a plan that ``save`` wrote."""
        return PruningPlan.from_json(Path(path).read_text(encoding="utf-8"))


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as aligned lines of text, with a heading."""
    cells = [list(rows[0])] + [
        [f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
