"""A pruning plan: which units go, what that costs and who takes over. Deciding is apart from doing."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidnet.files import saved_as, write_text
from pidnet.optional import optional_module
from pidnet.plots import plot_loss_curves, plot_plan
from pidnet.printing import Printed, listed, table
from pidnet.pruning.plans.removed_unit import RemovedUnit

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 7
WHOLLY = ", its branch goes wholly"
SEEMS_TRAINED_ON = (
    "loses more on other samples: the network fits these as such that it was trained on (give it new ones)"
)


@dataclass(frozen=True, repr=False)
class PruningPlan(Printed):
    """Which units of which layers are kept, and why the others go.

    A plan can be edited: ``kept`` counts, and ``removed`` is a record of what was planned.

    Attributes
    ----------
    kept
        Layer -> ascending indices of the units that stay; none where a branch of the network goes wholly.
    removed
        Layer -> the units that were planned to go, in the order in which they go.
    criterion
        The name of the criterion.
    settings
        Budget, options of the criterion, seed and version.
    units
        Layer -> number of units before pruning (inferred from ``kept`` and ``removed`` where not given).
    left_out
        Layer -> why it cannot be pruned.
    curves
        Layer -> (units that stay, bits lost on held-out samples when this layer alone is cut and folded), where the
        widths follow measured curves.

    Examples
    --------
    >>> import pidnet as pn
    >>> plan = pn.PruningPlan(kept={"fc1": [0, 2]}, removed={}, criterion="hand", units={"fc1": 4})
    >>> plan
    PruningPlan by hand; print(plan.explain()) lists the units
      layer fc1: 2 of 4 kept
    >>> plan.share_kept
    0.5
    """

    kept: dict[str, list[int]]
    removed: dict[str, list[RemovedUnit]]
    criterion: str
    settings: dict[str, Any] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inferred = {
            layer: len({*self.kept.get(layer, []), *(removed.unit for removed in planned)})
            for layer, planned in self.removed.items()
        }
        object.__setattr__(self, "units", inferred | self.units)

    @property
    def widths(self) -> dict[str, int]:
        """Layer -> number of units that stay."""
        return {layer: len(kept) for layer, kept in self.kept.items()}

    @property
    def share_kept(self) -> float:
        """The share of the units of these layers that stay; nan where a layer's width before is not known."""
        before = sum(self.units.get(layer, math.nan) for layer in self.kept)
        return sum(self.widths.values()) / before if before else math.nan

    def still_removed(self, layer: str) -> list[RemovedUnit]:
        """The planned removals of a layer without those of units that were put back by hand.

        Parameters
        ----------
        layer : str
            A layer of the plan.

        Returns
        -------
        list of RemovedUnit
            In the order in which they go.
        """
        return [removed for removed in self.removed.get(layer, []) if removed.unit not in self.kept[layer]]

    def rows(self) -> list[dict[str, Any]]:
        """One row per removed unit, layer by layer in the order in which units go."""
        return [removed.row(layer) for layer in self.kept for removed in self.still_removed(layer)]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a table. Raises ImportError without pandas, with the command that installs it."""
        return optional_module("pandas").DataFrame(self.rows())

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw how many units of each layer stay; see ``pidnet.plots.plot_plan``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_plan(self, ax)

    def explain(self, most: int | None = 10) -> str:
        """The plan as text.

        Parameters
        ----------
        most : int or None
            How many removed units of each layer to list with cost, redundancy and who takes over; None for all.

        Returns
        -------
        str
            Several lines: what goes, what that costs, and which layers are left out and why.
        """
        lines = [f"pruned by {self.criterion}{self._reading()}", *self._held_out(), *self._latency()]
        lines += [SEEMS_TRAINED_ON] * bool(self.settings.get("seems_trained_on"))
        measured = self.settings.get("measured_bits", {})
        targets = {k: bits for k, bits in measured.items() if k.startswith("target ")}
        if targets:
            found = ", ".join(f"{name.removeprefix('target ')} {bits:.2g}" for name, bits in targets.items())
            best = min(targets, key=lambda name: targets[name]).removeprefix("target ")
            lines.append(
                f"chosen for the target {best}; bits lost at uniform widths, held out, by target: {found}"
            )
        lines += [
            f"{layer} reads very many features: decided by parts of each unit that carry {100 * share:.0f} % of what it makes"
            for layer, share in self.settings.get("sketched", {}).items()
        ]
        for layer in self.kept:
            lines += self._layer_lines(layer, most)
        lines += [f"\n{layer} is left out: {reason}" for layer, reason in self.left_out.items()]
        return "\n".join(lines)

    def plot_curves(self, ax: Axes | None = None) -> Figure:
        """The measured loss of each layer by the share of its units that stay, with the widths of the plan marked.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            Empty of lines where no curves were measured.
        """
        return plot_loss_curves(self, ax)

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> PruningPlan:
        """The plan that ``to_json`` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        PruningPlan
            An equal plan.

        Raises
        ------
        ValueError
            For a text that is not a plan.
        """
        try:
            fields = json.loads(text)
            for name, rows in fields["removed"].items():
                fields["removed"][name] = [
                    RemovedUnit(**row | {"substitutes": tuple(map(tuple, row["substitutes"]))})
                    for row in rows
                ]
            points = fields.get("curves", {}).items()
            fields["curves"] = {layer: list(map(tuple, curve)) for layer, curve in points}
            return PruningPlan(**fields)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"this JSON is not a pruning plan: {error}") from error

    def save(self, path: str | Path) -> Path:
        """Write the plan as JSON.

        Parameters
        ----------
        path : str or Path
            Where to.

        Returns
        -------
        Path
            The path written.
        """
        return write_text(path, self.to_json())

    @staticmethod
    def load(path: str | Path) -> PruningPlan:
        """Read a plan that ``save`` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        PruningPlan
            An equal plan.

        Raises
        ------
        ValueError
            For a file that is not a plan.
        """
        return PruningPlan.from_json(saved_as(path, ".json").read_text(encoding="utf-8"))

    def _lines(self) -> list[str]:
        budget = "".join(f", {name}={share:g}" for name, share in self.settings.get("budget", {}).items())
        widths = [
            f"  layer {layer}: {width} of {self.units.get(layer, '?')} kept{WHOLLY * (not width)}"
            for layer, width in self.widths.items()
        ]
        more = [f"  ... and {len(widths) - MOST_LAYERS} more layers"] if len(widths) > MOST_LAYERS else []
        left_out = [f"  left out: layer {layer} ({reason})" for layer, reason in self.left_out.items()]
        if len(left_out) > 2:
            left_out = [f"  left out: layers {listed(self.left_out)}; the reasons are in .left_out"]
        return [
            f"PruningPlan by {self.criterion}{budget}; print(plan.explain()) lists the units",
            *(f"  {sentence}" for sentence in (*self._held_out(), *self._latency())),
            *widths[:MOST_LAYERS],
            *more,
            *left_out,
        ]

    def _reading(self) -> str:
        """How the network's output is read, in words, where that is known."""
        said = f"entry {entry!r} of its output" if (entry := self.settings.get("entry")) else "its output"
        return f", {said} read as {kind}" if (kind := self.settings.get("output")) else ""

    def _held_out(self) -> list[str]:
        """The measured loss in words, where there is one."""
        found = self.settings.get("held_out_bits")
        if not found:
            return []
        return [f"loses {found[0]:.2g} to {found[1]:.2g} bits on samples that the repair has not seen (95 %)"]

    def _latency(self) -> list[str]:
        """How long the cut network takes, in words, where that was measured."""
        if not (found := self.settings.get("latency")):
            return []
        return [
            f"takes {found['measured']:.2f} of the dense {found['dense_ms']:.3g} ms (measured; {found['by_table']:.2f} by the "
            f"table, quartiles {100 * found['noise']:.0f} % apart)"
        ]

    def _layer_lines(self, layer: str, most: int | None) -> list[str]:
        kept, removed = self.kept[layer], self.still_removed(layer)
        by_hand = sorted(
            set(range(self.units.get(layer, 0))) - {*kept, *(planned.unit for planned in removed)}
        )
        lines = [
            f"\n{layer}: {len(kept)} units kept, {len(removed) + len(by_hand)} removed{WHOLLY * (not kept)}"
        ]
        if layer in self.curves:
            points = [f"{width} {bits:.2g}" for width, bits in self.curves[layer]]
            lines.append(f"  cut alone, bits lost by units kept: {', '.join(points)}")
        if by_hand:
            lines.append(f"  removed by hand: {', '.join(map(str, by_hand))}")
        rows = [{k: v for k, v in one.row(layer).items() if k != "layer"} for one in removed]
        return lines + [f"  {line}" for line in table(rows, len(rows) if most is None else most)]
