"""Two models side by side: what the small one keeps of the dense one's work, memory and energy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from torch import nn

from pidnet.energy.counting import Counts, LayerCount, count
from pidnet.energy.modelled import EnergyTable, Joules, horowitz_2014, modelled_energy, total

Pair = tuple[float, float]


@dataclass(frozen=True)
class LayerRow:
    """One layer, (dense, small) per sample, with modelled joules; 0 where a model does not have the layer."""

    layer: str
    kind: str
    macs: tuple[int, int]
    weight_bytes: tuple[int, int]
    activation_bytes: tuple[int, int]
    sram_joules: Pair
    dram_joules: Pair
    energy_kind: str


@dataclass(frozen=True)
class EnergyFigure:
    """Joules per sample, (dense, small). where: sram, dram (both modelled), or a counter such as package-0.

    kind: measured, modelled or estimated.
    """

    where: str
    joules: Pair
    kind: str

    @property
    def kept(self) -> float:
        """small / dense; nan where the dense figure is 0."""
        return kept(self.joules)


@dataclass(frozen=True)
class EnergyReport:
    """What a small model saves against a dense one; every pair is (dense, small), per sample.

    energy: both modelled ends, then what was measured, each with its kind.
    accuracy: as given by the caller, else None.
    measured_note: one sentence on why nothing is measured, or how it was.
    unknown: modules whose work is not counted in full, by "dense: name" or "small: name".
    """

    macs: tuple[int, int]
    parameters: tuple[int, int]
    weight_bytes: tuple[int, int]
    energy: tuple[EnergyFigure, ...]
    layers: tuple[LayerRow, ...]
    table: str
    accuracy: Pair | None = None
    measured_note: str = "Nothing was measured."
    unknown: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """Everything in the report as JSON text."""
        return json.dumps(asdict(self), indent=1)

    def to_pandas(self):
        """One row a layer and column a figure, dense and small apart, as a pandas.DataFrame.

        Raises ImportError without pandas, with the command that installs it.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'pidnet[tables]'") from error
        columns = ("macs", "weight_bytes", "activation_bytes", "sram_joules", "dram_joules")
        return pandas.DataFrame(
            [
                {"layer": row.layer, "kind": row.kind}
                | {
                    f"{name}_{side}": getattr(row, name)[i]
                    for name in columns
                    for i, side in enumerate(SIDES)
                }
                | {"energy_kind": row.energy_kind}
                for row in self.layers
            ]
        ).set_index("layer")

    def __str__(self) -> str:
        return "\n".join([*summary(self), "", *layer_lines(self.layers), "", *notes(self)])


SIDES = ("dense", "small")
ABSENT = LayerCount(kind="", macs=0, weight_bytes=0, input_bytes=0, output_bytes=0)


def compare_energy(
    dense: nn.Module,
    small: nn.Module,
    example_input,
    *,
    dtype: str | Mapping[str, str] | None = None,
    table: EnergyTable | None = None,
    accuracy: Pair | None = None,
) -> EnergyReport:
    """What ``small`` saves against ``dense``, per sample: MACs, weights, modelled energy, layer by layer.

    example_input: as for ``count``. dtype, table: as for ``modelled_energy``.
    accuracy: (dense, small) in [0, 1], to stand beside the energy.
    Raises what ``count`` and ``modelled_energy`` raise, and ValueError for an accuracy outside [0, 1].
    """
    if accuracy is not None and not (len(accuracy) == 2 and all(0 <= a <= 1 for a in accuracy)):
        raise ValueError(f"accuracy is {accuracy}; expected (dense, small), each from 0 to 1")
    table = table or horowitz_2014()
    counts = [count(model, example_input) for model in (dense, small)]
    energies = [modelled_energy(c, dtype=dtype, table=table) for c in counts]
    totals = [total(energy) for energy in energies]
    return EnergyReport(
        macs=(counts[0].macs, counts[1].macs),
        parameters=(counts[0].parameters, counts[1].parameters),
        weight_bytes=(counts[0].weight_bytes, counts[1].weight_bytes),
        energy=(
            EnergyFigure("sram", (totals[0].sram, totals[1].sram), (totals[0] + totals[1]).kind),
            EnergyFigure("dram", (totals[0].dram, totals[1].dram), (totals[0] + totals[1]).kind),
        ),
        layers=rows(counts, energies),
        table=table.name,
        accuracy=accuracy,
        unknown={
            f"{s}: {n}": why for s, c in zip(SIDES, counts, strict=True) for n, why in c.unknown.items()
        },
    )


def rows(counts: list[Counts], energies: list[dict[str, Joules]]) -> tuple[LayerRow, ...]:
    """One row for each layer of either model, in the order of the run."""

    def row(name: str) -> LayerRow:
        dense, small = (c.layers.get(name, ABSENT) for c in counts)
        costs, remains = (e.get(name, Joules(0.0, 0.0, "modelled")) for e in energies)
        return LayerRow(
            layer=name,
            kind=dense.kind or small.kind,
            macs=(dense.macs, small.macs),
            weight_bytes=(dense.weight_bytes, small.weight_bytes),
            activation_bytes=(dense.activation_bytes, small.activation_bytes),
            sram_joules=(costs.sram, remains.sram),
            dram_joules=(costs.dram, remains.dram),
            energy_kind=(costs + remains).kind,
        )

    return tuple(row(name) for name in dict.fromkeys([*counts[0].layers, *counts[1].layers]))


def kept(pair: Pair) -> float:
    """small / dense; nan where the dense figure is 0."""
    return pair[1] / pair[0] if pair[0] else float("nan")


WHERE = {"sram": "energy, all in SRAM", "dram": "energy, all from DRAM"}


def summary(report: EnergyReport) -> list[str]:
    """The totals, fraction kept first."""
    lines = [f"{'per sample':<24}{'kept':>8}{'dense':>14}{'small':>14}"]
    for name, pair in (
        ("MACs", report.macs),
        ("parameters", report.parameters),
        ("weight bytes", report.weight_bytes),
    ):
        lines.append(f"{name:<24}{kept(pair):>8.3f}{pair[0]:>14,}{pair[1]:>14,}")
    for figure in report.energy:
        dense, small = (joules(value) for value in figure.joules)
        name = WHERE.get(figure.where, f"energy, {figure.where}")
        lines.append(f"{name:<24}{figure.kept:>8.3f}{dense:>14}{small:>14}  {figure.kind}")
    if report.accuracy is None:
        return [*lines, "accuracy                not given: pass accuracy=(dense, small)"]
    dense, small = report.accuracy
    return [*lines, f"{'accuracy':<24}{small - dense:>+8.3f}{dense:>14.3f}{small:>14.3f}"]


def layer_lines(layers: tuple[LayerRow, ...]) -> list[str]:
    """One line for each layer that multiplies or moves weights."""
    shown = [row for row in layers if row.kind != "elementwise"]
    width = max([len(row.layer) for row in shown] + [12]) + 2
    head = f"{'layer':<{width}}{'kind':<11}{'MACs kept':>10}{'dense':>13}{'small':>13}"
    lines = [f"{head}{'modelled energy kept, SRAM':>28}{'DRAM':>8}"]
    for row in shown:
        macs = f"{kept(row.macs):>10.3f}" if row.macs[0] else f"{'-':>10}"
        lines.append(
            f"{row.layer or '(model)':<{width}}{row.kind:<11}{macs}{row.macs[0]:>13,}{row.macs[1]:>13,}"
            f"{kept(row.sram_joules):>28.3f}{kept(row.dram_joules):>8.3f}"
        )
    return lines


def notes(report: EnergyReport) -> list[str]:
    """What the figures are and are not."""
    lines = [
        f"Modelled energy: table {report.table}, MACs and words moved; read the fractions, not the joules.",
        report.measured_note,
    ]
    return lines + [f"Not counted in full: {name}: {why}." for name, why in (report.unknown or {}).items()]


def joules(value: float) -> str:
    """A figure with its unit, such as 389 nJ."""
    for scale, unit in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")):
        if value >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value / 1e-12:.4g} pJ"
