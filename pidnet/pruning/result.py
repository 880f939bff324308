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
    """A plan that was carried out.

    Attributes
    ----------
    plan : PruningPlan
        What was decided.
    model : torch.nn.Module
        The smaller network.
    report : EnergyReport
        Its comparison with the dense one.
    """

    plan: PruningPlan
    model: nn.Module
    report: EnergyReport

    @property
    def name(self) -> str:
        """The budget in short, as ``budget_name``."""
        ((resource, share),) = self.plan.settings["budget"].items()
        return budget_name(resource, share)

    @property
    def units_kept(self) -> float:
        """The share of the hidden units that stay."""
        return self.plan.share_kept

    def row(self, side: int = 1) -> dict[str, Any]:
        """The figures that people compare.

        Parameters
        ----------
        side : int
            1 for the pruned network, 0 for the dense one.

        Returns
        -------
        dict
            Column -> value.
        """
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

    Parameters
    ----------
    dense : torch.nn.Module
        The network that the plan was made for.
    plan : PruningPlan
        Which units are kept.
    data : (x, y), list of such batches, or DataLoader
        What the repair is fitted to.
    test : (Tensor, Tensor), optional
        Samples that the accuracy is measured on.
    repair : str
        As for ``apply_plan``.

    Returns
    -------
    PrunedRun
        The smaller network and what it costs.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> from pidnet.pruning.result import carry_out
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> carry_out(net, pn.plan_pruning(net, data, keep=0.25, criterion="l1"), data).row()["MACs"]
    44
    """
    small = apply_plan(dense, plan, data, repair)
    accuracy = None
    if test is not None:
        accuracy = training.accuracy(dense, *test), training.accuracy(small, *test)
    return PrunedRun(
        plan, small, compare_energy(dense, small, take(labelled(data)[0], slice(1)), accuracy=accuracy)
    )


def budget_name(resource: str, share: float) -> str:
    """The budget in short: "0.25" for a share of the units, "macs-0.25" for a share of the MACs."""
    return f"{share:g}" if resource == "keep" else f"{resource}-{share:g}"


def rows(pruned: Sequence[PrunedRun]) -> list[dict[str, Any]]:
    """The dense network and each budget, one row each.

    Parameters
    ----------
    pruned : sequence of PrunedRun
        Of one dense network.

    Returns
    -------
    list of dict
        The dense network first.

    Examples
    --------
    >>> from pidnet.pruning.result import rows
    >>> rows([])
    []
    """
    return [pruned[0].row(0), *(one.row() for one in pruned)] if pruned else []
