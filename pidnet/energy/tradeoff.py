"""What a saving is worth: accuracy against cost, and when a saving has paid for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pidnet.energy.compared import Compared
from pidnet.energy.comparison import EnergyReport
from pidnet.energy.modelled import PJ, EnergyTable, check_dtype, horowitz_2014


def accuracy_energy(reports: Sequence[EnergyReport], where: str = "dram") -> np.ndarray:
    """Points (energy, accuracy) of the dense network and then of each small one, (1 + report, 2).

    energy: joules per sample of the figure ``where`` (sram and dram are modelled). reports: comparisons with
    the same dense network, each with its accuracy.
    Raises ValueError for no report, one without accuracy, or one without that figure.
    """
    accuracies = [report.accuracy for report in reports if report.accuracy]
    if not reports or len(accuracies) < len(reports):
        raise ValueError("every report needs its accuracy: compare_energy(..., accuracy=(dense, small))")
    energies = [report.figure(where).joules for report in reports]
    dense = [(energies[0].dense, accuracies[0].dense)]
    return np.array(dense + [(e.small, a.small) for e, a in zip(energies, accuracies, strict=True)])


def pareto_front(points) -> np.ndarray:
    """Indices of the points that no other beats, by rising cost.

    points: (point, 2) as (cost, accuracy): less cost and more accuracy are better. Of equal points the first
    stands. Raises ValueError for another shape or values that are not numbers.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or np.isnan(points).any():
        raise ValueError(f"points has shape {points.shape}; expected (point, 2) as (cost, accuracy), no nan")
    order = np.lexsort((-points[:, 1], points[:, 0]))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], points[order, 1]]))[:-1]
    return order[points[order, 1] > best]


def inferences_to_pay_back(invested: float, cost: tuple[float, float]) -> float:
    """After how many inferences a saving has returned what it took: invested / (dense - small), rounded up.

    invested and cost (dense, small) in one unit: modelled joules with modelled, or CPU seconds with CPU
    seconds. inf where nothing is saved. Raises ValueError for an investment below 0 or not finite.
    """
    if not (math.isfinite(invested) and invested >= 0):
        raise ValueError(f"invested is {invested}; expected what pruning took, a number of at least 0")
    saved = cost[0] - cost[1]
    return math.ceil(invested / saved) if saved > 0 else math.inf


def modelled_payback(
    report: EnergyReport,
    *,
    calibration_samples: int,
    passes: float = 1.0,
    pruning_macs: int = 0,
    table: EnergyTable | None = None,
) -> dict[str, float]:
    """Modelled: inferences after which calibration and pruning are paid back, at both ends (sram, dram).

        invested = samples * passes * dense joules + pruning MACs * e_mac(fp32)

    passes: runs of the dense model over the calibration samples (a training step counts as about 3).
    pruning_macs: matrix work of the criterion and the repair, such as samples * units^2 for a least-squares
    refit; 0 leaves it out.
    Raises ValueError for numbers below 0.
    """
    if min(calibration_samples, passes, pruning_macs) < 0:
        raise ValueError(
            f"calibration_samples, passes, pruning_macs are {calibration_samples}, {passes}, {pruning_macs}; "
            "expected numbers of at least 0"
        )
    table = table or horowitz_2014()
    check_dtype("fp32", table)
    work = PJ * pruning_macs * table.mac["fp32"]
    ends = {where: report.figure(where).joules for where in ("sram", "dram")}
    return {
        where: inferences_to_pay_back(calibration_samples * passes * joules.dense + work, joules)
        for where, joules in ends.items()
    }


def co2_grams(report: EnergyReport, grid_intensity: float) -> dict[str, Compared]:
    """Estimated grams of CO2 equivalent per sample, (dense, small), for every energy figure of the report.

    grid_intensity: grams per kilowatt-hour of the grid that feeds the machine; there is no default, because
    grids differ tenfold. Raises ValueError for a value below 0 or not finite.
    """
    if not (math.isfinite(grid_intensity) and grid_intensity >= 0):
        raise ValueError(f"grid_intensity is {grid_intensity}; expected grams of CO2 per kWh, at least 0")
    scale = grid_intensity / 3.6e6
    return {f.where: Compared(f.joules.dense * scale, f.joules.small * scale) for f in report.energy}
