"""Plans one after the other as one plan, by the units of the network that the first was made on."""

from __future__ import annotations

from dataclasses import replace

from pidnet.pruning.plans.plan import PruningPlan, RemovedUnit


def composed(first: PruningPlan, second: PruningPlan) -> PruningPlan:
    """What both plans keep, the second made on the network that the first left, numbered as in the first one's.

    Raises ValueError where the second plan was made for other widths.
    """
    for layer, units in second.units.items():
        if layer in first.kept and units != len(first.kept[layer]):
            raise ValueError(
                f"the first plan leaves {len(first.kept[layer])} units of {layer!r}, the second was made for "
                f"{units}; compose plans of one network, in the order in which they were carried out"
            )
    kept = {layer: [_old(first, layer, unit) for unit in units] for layer, units in second.kept.items()}
    removed = {
        layer: [*first.removed.get(layer, []), *(_renumbered(first, layer, one) for one in going)]
        for layer, going in second.removed.items()
    }
    return replace(
        second, kept=first.kept | kept, removed=first.removed | removed, units=second.units | first.units
    )


def _old(plan: PruningPlan, layer: str, unit: int) -> int:
    """The number that a unit had before the plan was carried out."""
    return plan.kept[layer][unit] if layer in plan.kept else unit


def _renumbered(plan: PruningPlan, layer: str, removed: RemovedUnit) -> RemovedUnit:
    substitutes = tuple((_old(plan, layer, unit), share) for unit, share in removed.substitutes)
    return replace(removed, unit=_old(plan, layer, removed.unit), substitutes=substitutes)
