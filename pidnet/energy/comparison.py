"""Two models side by side: what the small one keeps of the dense one's work, memory and energy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import nn

from pidnet import __version__
from pidnet.energy.compared import Compared
from pidnet.energy.counting import Counts, LayerCount, batch_axis, count
from pidnet.energy.measured import (
    SHORTEST,
    Measurement,
    OpenWindow,
    counter_window,
    find_counters,
    measure,
)
from pidnet.energy.modelled import EnergyTable, Joules, horowitz_2014, modelled_energy, total
from pidnet.energy.report_text import report_text
from pidnet.networks.inputs import tensors_in
from pidnet.networks.running import restored, run_or_say
from pidnet.optional import optional_module


@dataclass(frozen=True)
class LayerRow:
    """One layer of both models, per sample, with modelled joules; 0 where a model does not have the layer."""

    layer: str
    kind: str
    macs: Compared
    weight_bytes: Compared
    activation_bytes: Compared
    sram_joules: Compared
    dram_joules: Compared
    energy_kind: str


@dataclass(frozen=True)
class EnergyFigure:
    """Joules per sample of both models. where: sram, dram (both modelled), or a counter such as package-0.

    kind: measured, modelled or estimated.
    """

    where: str
    joules: Compared
    kind: str

    @property
    def kept(self) -> float:
        """small / dense; nan where dense is not above 0 or small is below it."""
        return self.joules.kept


@dataclass(frozen=True)
class EnergyReport:
    """What a small model saves against a dense one; every figure is of both, per sample.

    energy: both modelled ends, then what was measured, each with its kind.
    table: name of the table of picojoules. accuracy, dtype: as given by the caller, else None.
    measured_note: one sentence on what is measurable here, or how it was measured.
    unknown: modules whose work is not counted in full, by "dense: name" or "small: name".
    """

    macs: Compared
    parameters: Compared
    weight_bytes: Compared
    energy: tuple[EnergyFigure, ...]
    layers: tuple[LayerRow, ...]
    table: str
    accuracy: Compared | None = None
    measured_note: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    dtype: str | Mapping[str, str] | None = None

    def figure(self, where: str) -> EnergyFigure:
        """The figure of a level or counter. Raises ValueError for one that is not there."""
        for figure in self.energy:
            if figure.where == where:
                return figure
        known = ", ".join(figure.where for figure in self.energy)
        raise ValueError(f"the report has no energy figure {where!r}; it has {known}")

    def to_json(self) -> str:
        """Everything in the report, with the versions that made it, as JSON text."""
        return json.dumps(asdict(self) | {"pidnet": __version__, "torch": torch.__version__}, indent=1)

    @staticmethod
    def from_json(text: str) -> EnergyReport:
        """The report that ``to_json`` wrote. Raises ValueError for a text that is not a report."""
        try:
            fields = json.loads(text)
            del fields["pidnet"], fields["torch"]
            fields["energy"] = tuple(EnergyFigure(**_compared(figure)) for figure in fields["energy"])
            fields["layers"] = tuple(LayerRow(**_compared(row)) for row in fields["layers"])
            return EnergyReport(**_compared(fields))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this JSON is not an energy report: {error!r}") from error

    def to_pandas(self):
        """One row a layer and column a figure, dense and small apart, as a pandas.DataFrame.

        Raises ImportError without pandas, with the command that installs it.
        """
        pandas = optional_module("pandas")
        columns = ("macs", "weight_bytes", "activation_bytes", "sram_joules", "dram_joules")
        return pandas.DataFrame(
            [
                {"layer": row.layer, "kind": row.kind}
                | {f"{name}_{side}": getattr(getattr(row, name), side) for name in columns for side in SIDES}
                | {"energy_kind": row.energy_kind}
                for row in self.layers
            ]
        ).set_index("layer")

    def __str__(self) -> str:
        return report_text(self)


def _compared(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them, with figures of both models for lists."""
    return {name: Compared(*value) if isinstance(value, list) else value for name, value in fields.items()}


SIDES = ("dense", "small")
ABSENT = LayerCount(kind="", macs=0, weight_bytes=0, input_bytes=0, output_bytes=0)


def compare_energy(
    dense: nn.Module,
    small: nn.Module,
    example_input,
    *,
    dtype: str | Mapping[str, str] | None = None,
    table: EnergyTable | None = None,
    accuracy: tuple[float, float] | None = None,
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
    energies = [modelled_energy(c, dtype=own_dtypes(dtype, c, counts), table=table) for c in counts]
    totals = [total(energy) for energy in energies]
    return EnergyReport(
        macs=Compared(*(c.macs for c in counts)),
        parameters=Compared(*(c.parameters for c in counts)),
        weight_bytes=Compared(*(c.weight_bytes for c in counts)),
        energy=(
            EnergyFigure("sram", Compared(*(t.sram for t in totals)), (totals[0] + totals[1]).kind),
            EnergyFigure("dram", Compared(*(t.dram for t in totals)), (totals[0] + totals[1]).kind),
        ),
        layers=rows(counts, energies),
        table=table.name,
        accuracy=None if accuracy is None else Compared(*accuracy),
        dtype=dtype,
        measured_note=find_counters()[1],
        unknown={
            f"{s}: {n}": why for s, c in zip(SIDES, counts, strict=True) for n, why in c.unknown.items()
        },
    )


def own_dtypes(dtype, own: Counts, both: list[Counts]):
    """The dtypes without the layers that only the other model has."""
    if not isinstance(dtype, Mapping):
        return dtype
    elsewhere = {name for counts in both for name in counts.layers} - set(own.layers)
    return {name: value for name, value in dtype.items() if name not in elsewhere}


def add_measured(
    report: EnergyReport,
    models: tuple[nn.Module, nn.Module],
    example_input,
    *,
    window: OpenWindow | None = None,
    seconds: float = SHORTEST,
    rounds: int = 3,
) -> EnergyReport:
    """The report with measured joules per sample as well, or with the sentence why there are none.

    models: (dense, small), run in turn on all of ``example_input``; the median of ``rounds`` stands. Takes
    4 * rounds * seconds. window: opens a window; None for every counter of this machine.
    Raises ValueError for windows under 10 s or no round, and what the models raise.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; expected at least 1")
    counters, sentence = find_counters() if window is None else ([], "")
    if window is None and not counters:
        return replace(report, measured_note=sentence)
    window = window or partial(counter_window, counters)
    runs: tuple[list[Measurement], list[Measurement]] = ([], [])
    for _ in range(rounds):
        for side, model in enumerate(models):
            with restored(model), torch.inference_mode():
                call = partial(run_to_the_end, model, example_input)
                runs[side].append(measure(call, window=window, seconds=seconds))
    samples = next(tensors_in(example_input)).shape[batch_axis(models[0])]
    figures = measured_figures(runs, samples)
    note = "Measured energy: above idle, median of interleaved windows."
    if not figures:
        note = "Measured energy: the meter has no counter here, so what stands here is modelled."
    if below := [figure.where for figure in figures if min(figure.joules) <= 0]:
        note += f" Not above idle, so no evidence either way: {', '.join(below)}."
    return replace(report, energy=(*report.energy, *figures), measured_note=note)


def run_to_the_end(model: nn.Module, sample) -> None:
    """The model, and the GPU behind it, until the work is done."""
    run_or_say(model, sample)
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measured_figures(runs, samples: int) -> list[EnergyFigure]:
    """Medians over rounds, per sample; runs: measurements of (dense, small)."""
    first = runs[0][0]
    return [
        EnergyFigure(where, Compared(*(_median(side, where) / samples for side in runs)), first.kind)
        for where in first.joules
    ]


def _median(measurements: list[Measurement], where: str) -> float:
    return median(one.joules[where] for one in measurements)


def rows(counts: list[Counts], energies: list[dict[str, Joules]]) -> tuple[LayerRow, ...]:
    """One row for each layer of either model, in the order of the run."""

    def row(name: str) -> LayerRow:
        dense, small = (c.layers.get(name, ABSENT) for c in counts)
        costs, remains = (e.get(name, Joules(0.0, 0.0, "modelled")) for e in energies)
        return LayerRow(
            layer=name,
            kind=dense.kind or small.kind,
            macs=Compared(dense.macs, small.macs),
            weight_bytes=Compared(dense.weight_bytes, small.weight_bytes),
            activation_bytes=Compared(dense.activation_bytes, small.activation_bytes),
            sram_joules=Compared(costs.sram, remains.sram),
            dram_joules=Compared(costs.dram, remains.dram),
            energy_kind=(costs + remains).kind,
        )

    return tuple(row(name) for name in dict.fromkeys([*counts[0].layers, *counts[1].layers]))
