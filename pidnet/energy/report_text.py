"""An energy report as the table a person reads: fractions kept first, the kind of every joule beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pidnet.energy.report import EnergyReport, LayerRow

WHERE = {"sram": "modelled energy, SRAM", "dram": "modelled energy, DRAM"}


def report_text(report: EnergyReport) -> str:
    """Totals, layers and notes."""
    return "\n".join([*summary(report), "", *layer_lines(report.layers), "", *notes(report)])


def summary(report: EnergyReport) -> list[str]:
    """The totals, fraction kept first."""
    lines = [f"{'per sample':<24}{'kept':>8}{'dense':>14}{'small':>14}"]
    for name, figure in (
        ("MACs", report.macs),
        ("parameters", report.parameters),
        ("weight bytes", report.weight_bytes),
    ):
        lines.append(f"{name:<24}{figure.kept:>8.3f}{figure.dense:>14,}{figure.small:>14,}")
    for figure in report.energy:
        dense, small = (joules(value) for value in figure.joules)
        name = WHERE.get(figure.where, f"energy, {figure.where}")
        lines.append(f"{name:<24}{figure.kept:>8.3f}{dense:>14}{small:>14}  {figure.kind}")
    if report.accuracy is None:
        return [
            *lines,
            "accuracy                not given: accuracy=(dense, small), or --data with a test part",
        ]
    dense, small = report.accuracy
    return [*lines, f"{'accuracy':<24}{small - dense:>+8.3f}{dense:>14.3f}{small:>14.3f}"]


def layer_lines(layers: tuple[LayerRow, ...]) -> list[str]:
    """One line for each layer that multiplies or moves weights."""
    shown = [row for row in layers if row.kind != "elementwise"]
    width = max([len(row.layer) for row in shown] + [12]) + 2
    head = f"{'layer':<{width}}{'kind':<11}{'MACs kept':>10}{'dense':>13}{'small':>13}"
    lines = [f"{head}{'modelled energy kept, SRAM':>28}{'DRAM':>8}"]
    for row in shown:
        macs = f"{row.macs.kept:>10.3f}" if row.macs.dense else f"{'-':>10}"
        lines.append(
            f"{row.layer or '(model)':<{width}}{row.kind:<11}{macs}{row.macs.dense:>13,}{row.macs.small:>13,}"
            f"{row.sram_joules.kept:>28.3f}{row.dram_joules.kept:>8.3f}"
        )
    return lines


def notes(report: EnergyReport) -> list[str]:
    """What the figures are and are not."""
    lines = [
        f"Modelled energy: table {report.table}, MACs and words moved; read the fractions, not the joules.",
        report.measured_note,
    ]
    return lines + [f"Not counted in full: {name}: {why}." for name, why in report.unknown.items()]


def joules(value: float) -> str:
    """A figure with its unit, such as 389 nJ."""
    for scale, unit in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")):
        if abs(value) >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value / 1e-12:.4g} pJ"
