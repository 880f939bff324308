"""What a saving is worth: accuracy against cost, and when a saving has paid for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.energy.compared import Compared
from pidnet.energy.modelled import PJ, EnergyTable, check_dtype, horowitz_2014
from pidnet.energy.report import EnergyReport


def accuracy_energy(reports: Sequence[EnergyReport], where: str = "dram") -> np.ndarray:
    """Accuracy against energy: the dense network and then each small one.

    Parameters
    ----------
    reports
        Comparisons with the same dense network, each with its accuracy.
    where
        The energy figure, such as sram or dram (both modelled) or a counter.

    Returns
    -------
    numpy.ndarray
        Points (1 + report, 2) as (joules per sample, accuracy).

    Raises
    ------
    ValueError
        For no report, one without accuracy, or one without that figure.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> dense, small = pn.zoo.mlp(8, (16,), 3), pn.zoo.mlp(8, (4,), 3)
    >>> report = pn.compare_energy(dense, small, torch.zeros(1, 8), accuracy=(0.9, 0.8))
    >>> pn.energy.accuracy_energy([report])[:, 1].tolist()
    [0.9, 0.8]
    """
    check_arguments(accuracy_energy, locals())
    accuracies = [report.accuracy for report in reports if report.accuracy]
    if not reports or len(accuracies) < len(reports):
        raise ValueError("every report needs its accuracy: compare_energy(..., accuracy=(dense, small))")
    energies = [report.figure(where).joules for report in reports]
    dense = [(energies[0].dense, accuracies[0].dense)]
    return np.array(dense + [(e.small, a.small) for e, a in zip(energies, accuracies, strict=True)])


def pareto_front(points) -> np.ndarray:
    """Indices of the points that no other beats, by rising cost.

    Parameters
    ----------
    points
        Array (point, 2) as (cost, accuracy): less cost and more accuracy are better.

    Returns
    -------
    numpy.ndarray
        Int (kept point,); of equal points the first.

    Raises
    ------
    ValueError
        For another shape, or values that are not numbers.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.pareto_front([(3.0, 0.9), (1.0, 0.8), (2.0, 0.7)]).tolist()
    [1, 0]
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or np.isnan(points).any():
        raise ValueError(f"points has shape {points.shape}; expected (point, 2) as (cost, accuracy), no nan")
    order = np.lexsort((-points[:, 1], points[:, 0]))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], points[order, 1]]))[:-1]
    return order[points[order, 1] > best]


def inferences_to_pay_back(invested: float, cost: tuple[float, float]) -> float:
    """After how many inferences a saving has returned what it took.

    Parameters
    ----------
    invested
        What pruning took, in the unit of ``cost``: modelled joules with modelled, CPU seconds with CPU seconds.
    cost
        (dense, small), of one inference.

    Returns
    -------
    float
        A whole number of inferences; inf where nothing is saved.

    Raises
    ------
    ValueError
        For an investment below 0 or not finite.

    Notes
    -----
    invested / (dense - small), rounded up.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.inferences_to_pay_back(10.0, (3.0, 1.0))
    5
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
    """After how many inferences calibration and pruning are paid back, modelled, at both ends.

    Parameters
    ----------
    report
        The comparison of the two networks.
    calibration_samples
        How many samples the plan was made on.
    passes
        Runs of the dense model over these samples; a training step counts as about 3.
    pruning_macs
        Matrix work of the criterion and the repair, such as samples * units^2 for a least-squares refit; 0 leaves
        it out.
    table
        Picojoules; None for Horowitz 2014.

    Returns
    -------
    dict
        sram and dram -> a number of inferences.

    Raises
    ------
    ValueError
        For numbers below 0.

    Notes
    -----
    invested = samples * passes * dense joules + pruning MACs * e_mac(fp32)

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> dense, small = pn.zoo.mlp(8, (16,), 3), pn.zoo.mlp(8, (4,), 3)
    >>> report = pn.compare_energy(dense, small, torch.zeros(1, 8), accuracy=(0.9, 0.8))
    >>> sorted(pn.energy.modelled_payback(report, calibration_samples=100))
    ['dram', 'sram']
    """
    check_arguments(modelled_payback, locals())
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
    """Estimated grams of CO2 equivalent per sample for every energy figure of a report.

    Parameters
    ----------
    report
        The comparison of the two networks.
    grid_intensity
        Grams per kilowatt-hour of the grid that feeds the machine; there is no default, because grids differ
        tenfold.

    Returns
    -------
    dict
        Figure -> (dense, small), in grams.

    Raises
    ------
    ValueError
        For a value below 0 or not finite.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> dense, small = pn.zoo.mlp(8, (16,), 3), pn.zoo.mlp(8, (4,), 3)
    >>> report = pn.compare_energy(dense, small, torch.zeros(1, 8), accuracy=(0.9, 0.8))
    >>> grams = pn.energy.co2_grams(report, grid_intensity=400)
    >>> grams["dram"].small < grams["dram"].dense
    True
    """
    if not (math.isfinite(grid_intensity) and grid_intensity >= 0):
        raise ValueError(f"grid_intensity is {grid_intensity}; expected grams of CO2 per kWh, at least 0")
    scale = grid_intensity / 3.6e6
    return {f.where: Compared(f.joules.dense * scale, f.joules.small * scale) for f in report.energy}
