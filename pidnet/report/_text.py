"""A run in words: what was found, and why each unit goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pidnet.arguments import check_arguments
from pidnet.energy import EnergyReport
from pidnet.maps import LayerMap
from pidnet.maps.notes import short_notes
from pidnet.pruning import RemovedUnit
from pidnet.runs import Run, StoredBudget

# "As well as": at most half a point of accuracy less, and at most a tenth of what the network has over guessing.
AS_GOOD = 0.005
OF_LEAD = 0.1
# So many standard errors over guessing, a network has learned something.
SURE = 2
NUMBERS = (
    "Whether a smaller network does as well was not measured: the outputs are numbers, and accuracy is for classes. "
    "Compare its error with that of the whole network on new samples."
)


def made_by(run: Run) -> str:
    """Where the run comes from."""
    commands = ["pidnet in Python" if name == "python" else f"pidnet {name}" for name in run.settings]
    return f"Made by {enumeration(commands)}." if commands else ""


def summary(run: Run) -> list[str]:
    """What a reader should read first, one sentence each."""
    sentences = [_layers(maps) for maps in by_measure(run.maps).values()]
    sentences += [_budget(budget) for budget in run.budgets]
    return sentences + short_notes(note for layer_map in run.maps for note in layer_map.notes)


def conclusion(run: Run) -> list[str]:
    """What a run comes down to: how much of the network is needed, and how much of a pair is redundant.

    Parameters
    ----------
    run : Run
        As ``pidnet.runs.read_run`` gives it.

    Returns
    -------
    list of str
        A sentence each; none about what the run does not hold.

    Examples
    --------
    >>> import tempfile, torch
    >>> import pidnet as pn
    >>> x = torch.randint(2, (300, 2), generator=torch.Generator().manual_seed(0)).float()
    >>> acts = pn.Activations({"fc1": x[:, [0, 0, 1]]}, x[:, 0].long(), {"fc1": "none"})
    >>> maps = pn.layer_maps(pn.quantize(acts, 2), "i_min", correction="none")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pn.runs.read_run(pn.runs.write_run(folder, maps))
    >>> pn.report.conclusion(run)[0][:76]
    'In layer fc1, 33% of what two units carry about the target is redundant (i_m'
    """
    check_arguments(conclusion, locals())
    measured = [(one, *one.report.accuracy) for one in run.budgets if one.report.accuracy]
    if measured:
        sentences = [_nothing_learned(measured[0][0].report) or _how_far(measured)]
    else:
        sentences = [NUMBERS] if any(map(_of_numbers, run.budgets)) else []
    return sentences + [_how_redundant(maps) for maps in list(by_measure(run.maps).values())[:1]]


def _nothing_learned(report: EnergyReport) -> str:
    """What a network is that does no better than guessing; empty for others, and where guessing is not known."""
    before, guess = report.accuracy[0] if report.accuracy else 0, report.guessing
    if guess is None or before > guess + SURE * (guess * (1 - guess) / report.tested) ** 0.5:
        return ""
    return (
        f"The network has learned nothing that the test data show: it is right in {before:.1%} of them, and always giving "
        f"the most frequent label would be right in {guess:.1%}. That a smaller one does as well means nothing; train it "
        "first."
    )


def _of_numbers(budget: StoredBudget) -> bool:
    """Whether the outputs of its network are numbers, which have no accuracy."""
    return budget.plan.settings.get("output") == "gaussian"


def _how_far(measured: Sequence[tuple[StoredBudget, float, float]]) -> str:
    """The smallest network that does as well as the whole one, or what the mildest cut costs; measured: (budget,
    accuracy before, accuracy after)."""
    shares = {one.name: _units_kept(one) for one, _, _ in measured}
    good = [row for row in measured if row[1] - row[2] <= _bearable(row[0].report)]
    chosen, before, after = min(good or measured, key=lambda row: shares[row[0].name] * (1 if good else -1))
    against = f"{after:.1%} against {before:.1%} on the test data"
    if _bearable(chosen.report) < AS_GOOD:
        against += f", where always giving the most frequent label is right in {chosen.report.guessing:.1%}"
    if good:
        return f"With {shares[chosen.name]:.0%} of its units the network does as well as with all: {against}."
    return f"Every cut that was tried costs accuracy; with {shares[chosen.name]:.0%} of the units it is {against}."


def _bearable(report: EnergyReport) -> float:
    """How much accuracy a network may lose and still do as well."""
    if report.accuracy is None or report.guessing is None:
        return AS_GOOD
    return min(AS_GOOD, OF_LEAD * (report.accuracy[0] - report.guessing))


def _units_kept(budget: StoredBudget) -> float:
    """The share of the units that a budget keeps."""
    return sum(budget.plan.widths.values()) / sum(budget.plan.units.values())


def _how_redundant(maps: Sequence[LayerMap]) -> str:
    """The layer with the largest share of redundancy, by one measure, among those that carry more than chance gives."""
    maps = [one for one in maps if _above_chance(one.summary())]
    if not maps:
        return "In no layer does the mean pair of units carry more about the target than chance gives."
    shares = {one.layer: float(one.atoms.redundancy.mean() / one.atoms.total.mean()) for one in maps}
    layer = max(shares, key=lambda name: shares[name])
    return (
        f"In layer {layer}, {max(shares[layer], 0):.0%} of what two units carry about the target is redundant "
        f"({maps[0].measure}, mean over pairs): either of them would do for it."
    )


def _above_chance(row: dict[str, Any]) -> bool:
    """Whether an atom of the mean pair is above its noise floor, where there is one."""
    return any(
        row[atom] > row.get(f"{atom}_noise_floor", 0) for atom in ("redundancy", "unique_mean", "synergy")
    )


def by_measure(maps: Sequence[LayerMap]) -> dict[str, list[LayerMap]]:
    """The maps of each measure, in order."""
    return {name: [m for m in maps if m.measure == name] for name in dict.fromkeys(m.measure for m in maps)}


def cost(removal: RemovedUnit) -> str:
    """What it costs that the unit goes."""
    if removal.scale == "bits":
        known = (
            ""
            if removal.redundancy is None
            else f"; {_bits(removal.redundancy)} more are carried by others too"
        )
        return f"costs {_bits(removal.cost)} bits, given the ones before it{known}"
    return f"costs {removal.cost:.4g} on the criterion's own scale"


def _bits(amount: float) -> str:
    """Four digits; nobody cares how far below a millionth an amount is."""
    return "less than 1e-6" if 0 < amount < 1e-6 else f"{amount:.4g}"


def substitutes(removal: RemovedUnit) -> str:
    """Who takes over for a unit that goes."""
    shares = [f"unit {unit} ({share:.0%})" for unit, share in removal.substitutes if share > 0]
    if not shares:
        return "nobody takes over"
    return f"{enumeration(shares)} {'take' if len(shares) > 1 else 'takes'} over most"


def successor(unit: int, gone: Sequence[RemovedUnit], most: int = 3) -> str:
    """For whom a unit that stays takes over."""
    shares = {one.unit: dict(one.substitutes).get(unit, 0.0) for one in gone}
    named = sorted((other for other in shares if shares[other] > 0), key=lambda other: -shares[other])
    if not named:
        return "it is the main substitute of no unit that goes"
    more = f" and {len(named) - most:,} more" if len(named) > most else ""
    first = [f"unit {other} ({shares[other]:.0%})" for other in named[:most]]
    return f"it takes over for {', '.join(first) if more else enumeration(first)}{more}"


def enumeration(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _layers(maps: Sequence[LayerMap]) -> str:
    """Which layers hold most redundancy and most synergy by one measure, against what chance gives."""
    rows = {layer_map.layer: layer_map.summary() for layer_map in maps}
    parts = {}
    for atom in ("redundancy", "synergy"):
        layer = max(rows, key=lambda name: rows[name][atom])
        chance = rows[layer].get(f"{atom}_noise_floor")
        beside = "" if chance is None else f" (chance: {chance:.3f})"
        parts[f"{rows[layer][atom]:.3f} bits of {atom}{beside}"] = layer
    start = f"By {maps[0].measure} on {maps[0].samples:,} samples, the mean pair of units"
    if len(rows) == 1:
        return f"{start} of {maps[0].layer} has {enumeration(list(parts))}."
    if len(set(parts.values())) == 1:
        return f"{start} has most of both in {layer}: {enumeration(list(parts))}."
    most = [f"{part} in {layer}, the layer with most of it" for part, layer in parts.items()]
    return f"{start} has {enumeration(most)}."


def _budget(budget: StoredBudget) -> str:
    """What one budget keeps and costs."""
    report, plan = budget.report, budget.plan
    kept, units = sum(plan.widths.values()), sum(plan.units.values())
    sram, dram = (report.figure(where).kept for where in ("sram", "dram"))
    sentence = (
        f"Pruned by {plan.criterion} to {kept:,} of {units:,} units, the network needs "
        f"{report.macs.kept:.0%} of the MACs and {sram:.0%} (SRAM) or {dram:.0%} (DRAM) of the "
        "modelled energy"
    )
    if report.accuracy is None:
        numbers = _of_numbers(budget)
        return f"{sentence}; its {'outputs are numbers and have no accuracy' if numbers else 'accuracy was not measured'}."
    before, after = report.accuracy
    return f"{sentence}; accuracy goes from {before:.1%} to {after:.1%}."
