"""Lottery tickets of whole units: earlier weights under a later plan, and plans drawn at random to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from pidnet.arguments import check_arguments
from pidnet.networks.batches import example_inputs
from pidnet.networks.inputs import Inputs
from pidnet.networks.running import check_runs
from pidnet.printing import Printed, Several
from pidnet.pruning.applying import shrink
from pidnet.pruning.plans.plan import PruningPlan, RemovedUnit


@dataclass(frozen=True, eq=False, repr=False)
class Overlap(Printed):
    """How many units of a layer two plans both keep.

    Attributes
    ----------
    shared : int
        Units that both keep.
    kept, units : int
        Units that each keeps, and units of the layer.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.pruning.Overlap(shared=3, kept=4, units=16)
    Overlap of 4 kept of 16 units: 3 shared, 75% (chance 25%, p = 0.0269)
    """

    shared: int
    kept: int
    units: int

    @property
    def overlap(self) -> float:
        """Shared units as a share of those that each plan keeps."""
        return self.shared / self.kept

    @property
    def chance(self) -> float:
        """The mean overlap of two random choices of as many units, kept / units."""
        return self.kept / self.units

    @property
    def p_value(self) -> float:
        """How often a random choice shares as many units or more."""
        from scipy.stats import hypergeom

        return float(hypergeom.sf(self.shared - 1, self.units, self.kept, self.kept))

    def _lines(self) -> list[str]:
        found = f"{self.shared} shared, {self.overlap:.0%} (chance {self.chance:.0%}, p = {self.p_value:.3g})"
        return [f"Overlap of {self.kept} kept of {self.units} units: {found}"]


def plan_overlap(plan: PruningPlan, other: PruningPlan) -> dict[str, Overlap]:
    """Whether two plans keep the same units of each layer, against what chance would make of it.

    Parameters
    ----------
    plan, other : PruningPlan
        Of the same layers and widths.

    Returns
    -------
    dict of str to Overlap
        By layer.

    Raises
    ------
    ValueError
        For plans of other layers or widths.

    Notes
    -----
    Of n units each plan keeps k. Two random choices share k^2 / n of them in the mean; the number shared is
    hypergeometric. Mask distance as of early-bird tickets is 1 - overlap (You et al. 2020, arXiv:1909.11957).

    Examples
    --------
    >>> import pidnet as pn
    >>> plan = pn.PruningPlan({"fc1": [0, 1, 2, 5]}, {}, "by hand", units={"fc1": 16})
    >>> pn.pruning.plan_overlap(plan, pn.pruning.random_plan(plan))
    fc1: Overlap of 4 kept of 16 units: 1 shared, 25% (chance 25%, p = 0.728)
    """
    check_arguments(plan_overlap, locals())
    layers = set(plan.kept) | set(other.kept)
    for layer in sorted(layers):
        mine, theirs = (
            (len(one.kept[layer]), one.units[layer]) if layer in one.kept and layer in one.units else None
            for one in (plan, other)
        )
        if mine is None or mine != theirs:
            raise ValueError(
                f"layer {layer!r}: one plan keeps {_of(mine)}, the other {_of(theirs)}; "
                "compare plans of one network with the same widths"
            )
    shared = {layer: len(set(kept) & set(other.kept[layer])) for layer, kept in plan.kept.items()}
    return Several(
        {layer: Overlap(shared[layer], len(kept), plan.units[layer]) for layer, kept in plan.kept.items()}
    )


def random_plan(plan: PruningPlan, seed: int = 0) -> PruningPlan:
    """As many units of every layer as a plan keeps, drawn at random: what any choice of units has to beat.

    Parameters
    ----------
    plan : PruningPlan
        Its widths count.
    seed : int
        Of the draw.

    Returns
    -------
    PruningPlan
        Of the same layers and widths.

    Raises
    ------
    ValueError
        For a plan that does not tell how many units a layer has.

    Notes
    -----
    Su et al. 2020 (arXiv:2009.11094): tickets chosen like this do as well as those chosen with data.

    Examples
    --------
    >>> import pidnet as pn
    >>> plan = pn.PruningPlan({"fc1": [0, 1]}, {}, "by hand", units={"fc1": 8})
    >>> pn.pruning.random_plan(plan).widths
    {'fc1': 2}
    """
    check_arguments(random_plan, locals())
    for layer in plan.kept:
        if layer not in plan.units:
            raise ValueError(
                f"the plan does not tell how many units {layer!r} has; give it units={{{layer!r}: ...}}"
            )
    generator = np.random.default_rng(seed)
    scores = {layer: generator.random(plan.units[layer]) for layer in plan.kept}
    orders = {layer: np.argsort(score) for layer, score in scores.items()}
    gone = {layer: order[: len(order) - len(plan.kept[layer])] for layer, order in orders.items()}
    return PruningPlan(
        kept={layer: sorted(orders[layer][len(gone[layer]) :].tolist()) for layer in plan.kept},
        removed={
            layer: [RemovedUnit(int(unit), float(scores[layer][unit]), "score", ()) for unit in units]
            for layer, units in gone.items()
        },
        criterion="random",
        settings={"seed": seed},
        units={layer: plan.units[layer] for layer in plan.kept},
    )


def rewind(early: nn.Module, plan: PruningPlan, example: Inputs) -> nn.Module:
    """The ticket: the units that a plan keeps, with the weights of an earlier state of the network.

    Parameters
    ----------
    early : torch.nn.Module
        The network at its initialization or after some epochs, such as ``copy.deepcopy`` of it; it is not changed.
    plan : PruningPlan
        Made on the same network later.
    example : Tensor, tuple or mapping
        Some inputs, to trace the network with.

    Returns
    -------
    torch.nn.Module
        A smaller network without any repair, in eval mode, to be trained.

    Raises
    ------
    ValueError
        For a plan that does not fit the network, or inputs on which it does not run.

    Notes
    -----
    Rewinding of weights (Frankle & Carbin 2019; Renda et al. 2020), for whole units. Compare with ``random_plan`` and
    with a repaired cut of the trained network (``benchmarks/results/training.md``).

    Examples
    --------
    >>> import copy, torch, pidnet as pn
    >>> data = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3
    >>> net = pn.zoo.mlp(4, (16,), 3)
    >>> early = copy.deepcopy(net)
    >>> plan = pn.plan_pruning(pn.training.train(net, *data, epochs=1), data, keep=0.25, criterion="l2")
    >>> pn.pruning.rewind(early, plan, data[0]).fc1
    Linear(in_features=4, out_features=4, bias=True)
    """
    check_arguments(rewind, locals())
    inputs = example_inputs(early, example)
    check_runs(early, inputs)
    return shrink(early, plan, inputs)


def _of(widths: tuple[int, int] | None) -> str:
    return "none of known width" if widths is None else f"{widths[0]} of {widths[1]} units"
