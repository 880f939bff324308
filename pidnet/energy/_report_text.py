"""An energy report as the tables a person reads: fractions kept first, the kind of every figure beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pidnet.printing import table, with_prefix, wrapped

if TYPE_CHECKING:
    from pidnet.energy.report import EnergyReport, LayerRow

WHERE = {"sram": "modelled energy, SRAM", "dram": "modelled energy, DRAM"}


def report_text(report: EnergyReport) -> str:
    """Totals, layers and notes."""
    return "\n".join([*summary(report), "", *layer_lines(report.layers), "", *notes(report)])


def summary(report: EnergyReport) -> list[str]:
    """The totals, fraction kept first."""
    counted = {"MACs": report.macs, "parameters": report.parameters, "weight bytes": report.weight_bytes}
    rows: list[dict[str, Any]] = [
        {"per sample": name, "kept": both.kept, "dense": both.dense, "small": both.small, "kind": "counted"}
        for name, both in counted.items()
    ]
    for figure in report.energy:
        dense, small = (with_prefix(value, "J") for value in figure.joules)
        name = WHERE.get(figure.where, f"energy, {figure.where}")
        rows.append(
            {"per sample": name, "kept": figure.kept, "dense": dense, "small": small, "kind": figure.kind}
        )
    if report.accuracy is None:
        return [
            *table(rows, len(rows)),
            "accuracy not given (accuracy=; on the command line --data with a test part whose labels are classes)",
        ]
    dense, small = report.accuracy
    change = f"{small - dense:+.4f}"
    rows.append({"per sample": "accuracy", "kept": change, "dense": dense, "small": small, "kind": "given"})
    return table(rows, len(rows))


def layer_lines(layers: tuple[LayerRow, ...]) -> list[str]:
    """One line for each layer that multiplies or moves weights."""
    rows = [
        {
            "layer": row.layer or "(model)",
            "kind": row.kind,
            "MACs kept": row.macs.kept if row.macs.dense else None,
            "dense": row.macs.dense,
            "small": row.macs.small,
            "modelled energy kept, SRAM": row.sram_joules.kept,
            "DRAM": row.dram_joules.kept,
        }
        for row in layers
        if row.kind != "elementwise"
    ]
    return table(rows, len(rows))


def notes(report: EnergyReport) -> list[str]:
    """What the figures are and are not."""
    sentences = [
        f"Modelled energy: table {report.table}, MACs and words moved; read the fractions, not the joules.",
        report.measured_note,
        *(f"Not counted in full: {name}: {why}." for name, why in report.unknown.items()),
    ]
    return [line for sentence in sentences for line in wrapped(sentence)]
