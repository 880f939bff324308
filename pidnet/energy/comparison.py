"""Two models side by side: what the small one keeps of the dense one's work, memory and energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
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
from pidnet.energy.report import SIDES, EnergyFigure, EnergyReport, LayerRow
from pidnet.networks.batches import example_inputs
from pidnet.networks.inputs import on_device, tensors_in
from pidnet.networks.running import device_of, restored, run_or_say

ABSENT = LayerCount(kind="", macs=0, weight_bytes=0, input_bytes=0, output_bytes=0)


def compare_energy(
    dense: nn.Module,
    small: nn.Module,
    example_input,
    *,
    dtype: str | Mapping[str, str] | None = None,
    table: EnergyTable | None = None,
    accuracy: tuple[float, float] | None = None,
    labels: Tensor | None = None,
) -> EnergyReport:
    """What a small model saves against a dense one: MACs, weights and modelled energy per sample, layer by layer.

    Parameters
    ----------
    dense, small : torch.nn.Module
        Both take the same input; they are not changed.
    example_input : Tensor, tuple or dict of Tensor, or data
        As for ``count``; only its first sample is run.
    dtype : str or mapping, optional
        What the layers would run in, as for ``modelled_energy``.
    table : EnergyTable, optional
        Picojoules; Horowitz 2014 by default.
    accuracy : (float, float), optional
        Of the dense and of the small model, in [0, 1], to stand beside the energy.
    labels : Tensor, optional
        Those that the accuracy was measured on: the report then has what guessing reaches.

    Returns
    -------
    EnergyReport
        Prints as a table.

    Raises
    ------
    ValueError
        For an accuracy outside [0, 1], no label in ``labels`` or one that is no number, and what ``count`` and ``modelled_energy`` raise.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> report = pn.compare_energy(pn.zoo.mlp(8, (16,), 2), pn.zoo.mlp(8, (4,), 2), torch.zeros(1, 8))
    >>> report.macs, report.macs.kept
    (Compared(dense=160, small=40), 0.25)
    """
    check_arguments(compare_energy, locals())
    if accuracy is not None and not (len(accuracy) == 2 and all(0 <= a <= 1 for a in accuracy)):
        raise ValueError(f"accuracy is {accuracy}; expected (dense, small), each from 0 to 1")
    if labels is not None and not labels.numel():
        raise ValueError("labels is empty; expected those that the accuracy was measured on")
    if labels is not None and labels.isnan().any():
        raise ValueError("labels are not all numbers; expected those that the accuracy was measured on")
    table = table or horowitz_2014()
    example_input = example_inputs(dense, example_input)
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
        **({} if labels is None else _guessing(labels)),
        dtype=dtype,
        measured_note=find_counters()[1],
        unknown={
            f"{s}: {n}": why for s, c in zip(SIDES, counts, strict=True) for n, why in c.unknown.items()
        },
    )


def _guessing(labels: Tensor) -> dict[str, Any]:
    """How often always giving the most frequent label is right, and on how many."""
    counts = labels.unique(return_counts=True)[1]
    return {"guessing": float(counts.max() / counts.sum()), "tested": int(counts.sum())}


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

    Parameters
    ----------
    report : EnergyReport
        What ``compare_energy`` made of the same models.
    models : (torch.nn.Module, torch.nn.Module)
        The dense and the small one, run in turn on all of ``example_input``.
    example_input : Tensor, tuple or dict of Tensor, or data
        A whole batch, as for ``count``.
    window : callable, optional
        Opens a measuring window; every counter of this machine by default.
    seconds : float
        Length of a window, at least 10.
    rounds : int
        How many windows of each model; the median stands. All takes 4 * rounds * seconds.

    Returns
    -------
    EnergyReport
        With measured figures, or with the sentence in ``measured_note``.

    Raises
    ------
    ValueError
        For windows under 10 s or no round, and what the models raise.

    Examples
    --------
    Takes two minutes where the machine has a counter::

        report = add_measured(report, (dense, small), x)
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; expected at least 1")
    counters, sentence = find_counters() if window is None else ([], "")
    if window is None and not counters:
        return replace(report, measured_note=sentence)
    window = window or partial(counter_window, counters)
    example_input = example_inputs(models[0], example_input)
    runs: tuple[list[Measurement], list[Measurement]] = ([], [])
    for _ in range(rounds):
        for side, model in enumerate(models):
            with restored(model), torch.inference_mode():
                call = partial(run_to_the_end, model, on_device(example_input, device_of(model)))
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
