"""One unit in words: what it carries, with whom it is redundant or synergistic, why it goes or stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.maps import LayerMap
from pidnet.measures.blackwell import dominates
from pidnet.printing import listed, number
from pidnet.report import _text as text
from pidnet.runs import Run, StoredBudget

PARTNERS = 3
TOLERANCE = 0.01


def explain_unit(run: Run, layer: str, unit: int) -> list[str]:
    """What a run holds about one unit.

    Parameters
    ----------
    run
        As ``pidnet.runs.read_run`` gives it.
    layer
        Name of the layer.
    unit
        Index of the unit in the dense network.

    Returns
    -------
    list of str
        Sentences: a few for each map of the layer, one for each budget.

    Raises
    ------
    ValueError
        For a layer that the run does not hold, or a unit that the layer does not have.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> import pidnet as pn
    >>> from pidnet.report import explain_unit
    >>> x = torch.randint(2, (300, 3), generator=torch.Generator().manual_seed(0)).float()
    >>> acts = pn.Activations({"fc1": x[:, [0, 0, 1]]}, x[:, 0].long(), {"fc1": "none"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.runs.write_settings(Path(folder), "map", {"seed": 0})
    ...     maps = pn.layer_maps(pn.quantize(acts, 2), "i_min", correction="none")
    ...     pn.runs.write_maps(Path(folder), list(maps.values()))
    ...     sentences = explain_unit(pn.runs.read_run(folder), "fc1", 1)
    >>> print(sentences[0])
    Unit 1 of layer fc1 carries 0.9992 bits about the target, the most of 3 units.
    >>> print(sentences[2])
    Unit 0 carries all of that up to 0.01 bits: it could replace unit 1.
    """
    check_arguments(explain_unit, locals())
    maps = [one for one in run.maps if one.layer == layer]
    budgets = [budget for budget in run.budgets if layer in budget.plan.kept]
    _check(run, layer, unit, maps, budgets)
    sentences = [sentence for one in maps for sentence in _of_map(one, unit)]
    return sentences + [_fate(budget, layer, unit) for budget in budgets]


def _check(run: Run, layer: str, unit: int, maps: list[LayerMap], budgets: list[StoredBudget]) -> None:
    """ValueError where the run holds no such layer or unit."""
    if not maps and not budgets:
        held = {one.layer: None for one in run.maps} | {
            name: None for budget in run.budgets for name in budget.plan.kept
        }
        raise ValueError(
            f"no layer {layer!r} in {run.folder}; it holds {listed([repr(name) for name in held]) or 'no layer'}"
        )
    units = max(
        [len(one.units) for one in maps] + [budget.plan.units.get(layer, 0) for budget in budgets], default=0
    )
    if not 0 <= unit < units:
        raise ValueError(f"no unit {unit} in layer {layer!r}; it has units 0 to {units - 1}")


def _of_map(layer_map: LayerMap, unit: int) -> Iterator[str]:
    """What one map holds about a unit."""
    if unit not in layer_map.varying:
        yield f"Unit {unit} of layer {layer_map.layer} is constant on the samples: it carries nothing and has no pairs."
        return
    information = layer_map.unit_information
    place = int((information > information[unit]).sum()) + 1
    rank = "the most" if place == 1 else f"place {place:,}"
    yield (
        f"Unit {unit} of layer {layer_map.layer} carries {number(float(information[unit]))} bits about the target, "
        f"{rank} of {len(layer_map.units):,} units."
    )
    for atom, adjective in (("redundancy", "redundant"), ("synergy", "synergistic")):
        yield _partners(layer_map, unit, atom, adjective)
        if atom == "redundancy":
            yield _replacers(layer_map, unit)


def _partners(layer_map: LayerMap, unit: int, atom: str, adjective: str) -> str:
    """With whom the unit has most of an atom, among the pairs that have more of it than chance gives."""
    floor = layer_map.noise_floor.get(atom, 0.0)
    tested = atom in layer_map.p_values
    beyond = (getattr(layer_map.atoms, atom) > floor) & (layer_map.significant(atom) if tested else True)
    mine = np.flatnonzero((layer_map.pairs == unit).any(1) & beyond)
    best = mine[np.argsort(-getattr(layer_map.atoms, atom)[mine], kind="stable")[:PARTNERS]]
    if not len(best):
        return f"By {layer_map.measure} it is {adjective} with no other unit beyond chance."
    others = layer_map.pairs[best].sum(1) - unit
    bits = getattr(layer_map.atoms, atom)[best]
    named = [f"unit {other} ({number(float(b))} bits)" for other, b in zip(others, bits, strict=True)]
    beside = f"; noise floor {number(floor)}" if floor else ""
    return f"By {layer_map.measure} it is most {adjective} with {text.enumeration(named)}{beside}."


def _replacers(layer_map: LayerMap, unit: int) -> str:
    """Who carries all that the unit carries."""
    if layer_map.unit_information[unit] <= TOLERANCE:
        return f"Alone it carries no more than {TOLERANCE} bits: what it carries alone needs nobody to replace it."
    first, second = dominates(layer_map.atoms, tolerance=TOLERANCE).T
    one, other = layer_map.pairs.T
    found = sorted({*one[first & (other == unit)].tolist(), *other[second & (one == unit)].tolist()})
    if not found:
        return f"No single unit carries all of that up to {TOLERANCE} bits."
    who = f"Unit {found[0]} carries" if len(found) == 1 else f"Units {listed(found)} each carry"
    return f"{who} all of that up to {TOLERANCE} bits: {'it' if len(found) == 1 else 'each'} could replace unit {unit}."


def _fate(budget: StoredBudget, layer: str, unit: int) -> str:
    """Whether the unit stays under a budget, for whom it takes over then, and why it goes."""
    gone = budget.plan.still_removed(layer)
    if unit in budget.plan.kept[layer]:
        return f"Budget {budget.name}: unit {unit} of layer {layer} stays; {text.successor(unit, gone)}."
    for removed in gone:
        if removed.unit == unit:
            return (
                f"Budget {budget.name}: unit {unit} of layer {layer} goes: it {text.cost(removed)}; "
                f"{text.substitutes(removed)}."
            )
    return f"Budget {budget.name}: unit {unit} of layer {layer} goes; it was removed by hand."
