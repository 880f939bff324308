"""One budget carried out: the plan, the smaller network, and what it costs and still can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from pidnet import training
from pidnet.energy import EnergyReport, compare_energy
from pidnet.networks.batches import Data, labelled
from pidnet.networks.inputs import take
from pidnet.pruning import PruningPlan, apply_plan

Labelled = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class PrunedRun:
    """A plan that was carried out, the smaller network and its comparison with the dense one."""

    plan: PruningPlan
    model: nn.Module
    report: EnergyReport

    @property
    def name(self) -> str:
        """The budget in short: "0.25" for a share of the units, "macs-0.25" for a share of the MACs."""
        ((resource, share),) = self.plan.settings["budget"].items()
        return f"{share:g}" if resource == "keep" else f"{resource}-{share:g}"

    @property
    def units_kept(self) -> float:
        """The share of the hidden units that stay."""
        return self.plan.share_kept

    def row(self, side: int = 1) -> dict[str, Any]:
        """The figures that people compare, of the pruned network, or of the dense one (side 0)."""
        report = self.report
        return {
            "units kept": self.units_kept if side else 1.0,
            "accuracy": report.accuracy[side] if report.accuracy else None,
            "parameters": report.parameters[side],
            "MACs": report.macs[side],
            "modelled nJ (SRAM)": report.energy[0].joules[side] * 1e9,
            "modelled nJ (DRAM)": report.energy[1].joules[side] * 1e9,
        }


def carry_out(
    dense: nn.Module,
    plan: PruningPlan,
    data: Data,
    test: Labelled | None = None,
    *,
    repair: str = "refit",
) -> PrunedRun:
    """Apply a plan and compare the smaller network with the dense one.

    test: samples that the accuracy is measured on; None leaves it out. repair: as for ``apply_plan``.
    """
    small = apply_plan(dense, plan, data, repair)
    accuracy = None
    if test is not None:
        accuracy = training.accuracy(dense, *test), training.accuracy(small, *test)
    return PrunedRun(
        plan, small, compare_energy(dense, small, take(labelled(data)[0], slice(1)), accuracy=accuracy)
    )


def rows(pruned: Sequence[PrunedRun]) -> list[dict[str, Any]]:
    """The dense network and each budget, one row each."""
    return [pruned[0].row(0), *(one.row() for one in pruned)]
