"""Which units of a network can be cut, and what hangs on them.

The model is an expanded one (``pidnet.networks.expanded``). Units of different layers that meet in the same channel,
because the outputs of the layers are added, are one group and go together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn

from pidnet.networks.expanded import ExpandedRecurrent, StepByStep, expand
from pidnet.networks.inputs import Inputs, take
from pidnet.networks.kinds import CONVOLUTIONS, PRODUCERS, Weighted, sizes
from pidnet.networks.running import check_batch_size, check_runs, in_full_precision, restored, run, same
from pidnet.networks.said import Said
from pidnet.networks.unwrapping import unwrapped
from pidnet.pruning.structure._tracing import Tracer
from pidnet.pruning.structure.coupling import coupled, merged
from pidnet.pruning.structure.groups import UnitGroup
from pidnet.pruning.structure.network import CuttableNetwork

# Names that projections and the number of heads go by: ours, torch's, and those of Hugging Face models.
PROJECTIONS = (
    *(("q", "k", "v"), ("query", "key", "value"), ("q_proj", "k_proj", "v_proj")),
    ("q_lin", "k_lin", "v_lin"),
)
FUSED = ("c_attn", "qkv", "qkv_proj", "in_proj", "Wqkv")
HEADS = ("heads", "num_heads", "num_attention_heads", "n_head", "n_heads")
HEAD_WIDTHS = ("all_head_size", "split_size")


@dataclass(eq=False)
class Candidate:
    """A layer whose units might be cut, with where they were seen; obstacle: why they cannot."""

    group: UnitGroup
    obstacle: str = ""


def discover(model: nn.Module, example: Inputs, entry: str = "") -> CuttableNetwork:
    """An expanded copy of the model with the groups of units that can be removed without changing the shape of
    its output, or of an entry of that, and for every other layer the reason why not.

    Raises ValueError where the model does not run on the example or has no such entry, RuntimeError where expanding it
    changes its output.
    """
    model, few = unwrapped(model), take(example, slice(2))
    expanded = expand(model)
    check_batch_size(expanded, example)
    said = Said(entry)
    check_runs(expanded, few, said)
    with torch.no_grad(), restored(model), in_full_precision():
        output = run(model, few)
        said = said.placed(run(model, take(example, slice(1))), output)
        before = said(output)
        if not same(said(run(model, few)), before):
            raise ValueError(
                "the model is random in eval mode: two runs on the same inputs differ; nothing can be compared before "
                "and after a cut, so make it deterministic in eval mode first"
            )
        if not same(said(run(expanded, few)), before):
            raise RuntimeError(
                "expanding the recurrent or attention modules changes the output; nothing is cut"
            )
    return survey(expanded, example, said)


def cuttable(
    model: nn.Module, example: Inputs, layers: Sequence[str] | None = None, entry: str = ""
) -> CuttableNetwork:
    """What ``discover`` finds, of these layers alone where they are named. Raises ValueError, with the reasons, where
    there is nothing to cut."""
    network = discover(model, example, entry)
    network = network.unnormed() if layers is None else network.only(layers)
    if entry and layers is None:
        network = network.reaching(take(example, slice(2)))
    if not network.groups:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in network.refused.items())
        raise ValueError(f"{type(model).__name__} has no hidden layer whose units can be cut ({reasons})")
    return network


def survey(model: nn.Module, example: Inputs, said: Said) -> CuttableNetwork:
    """An expanded model with what tracing finds; whatever it takes for removable is tried out: a unit is removed
    from a copy that does not use it. said: what the model puts out."""
    strange = obstacles(model)
    candidates = {c.group.name: _checked(c, strange) for c in _candidates(Tracer.of(model, example, said))}
    groups, refused = {}, _not_layers(model)
    for names in coupled({name: candidate.group for name, candidate in candidates.items()}):
        blocked = [name for name in names if candidates[name].obstacle]
        found = [] if blocked else merged([candidates[name].group for name in names])
        groups |= {group.name: group for group in found}
        along = {name for group in found for name in (group.name, *group.producers)}
        for name in (name for name in names if name not in along):
            own = candidates[name].obstacle
            refused[name] = own or f"it shares its units with {', '.join(map(repr, blocked or names))}"
    along = {layer for group in groups.values() for layer in group.followers}
    refused = {name: reason for name, reason in refused.items() if name not in along}
    found = CuttableNetwork(model, groups, refused, said)
    failed = _failing(found, take(example, slice(2)))
    groups = {name: group for name, group in groups.items() if name not in failed}
    return CuttableNetwork(model, groups, refused | failed, said)


def _failing(network: CuttableNetwork, x: Inputs) -> dict[str, str]:
    """Layers from which one unit cannot be removed, with the reason; tied layers are tried together."""
    first = {name: [0] for name, width in network.widths.items() if width > 1}
    if not network.fault_of_cut(first, x):
        return {}
    failed = {}
    for names in network.tied:
        together = {name: [0] for name in names if name in first}
        if together and (reason := network.fault_of_cut(together, x)):
            failed |= dict.fromkeys(together, reason)
    return failed


def obstacles(model: nn.Module) -> dict[str, str]:
    """Layers whose weights are not theirs alone to cut, each with the reason as a sentence."""
    owners: dict[nn.Parameter, list[str]] = {}
    found = {}
    for name, module in model.named_modules():
        for values in module.parameters(recurse=False):
            owners.setdefault(values, []).append(name)
        if isinstance(module, PRODUCERS) and "weight" not in module._parameters:
            found[name] = f"the weights of {name!r} are computed by a parametrization; remove that first"
    for names in owners.values():
        for name in names if len(names) > 1 else ():
            others = " and ".join(repr(other) for other in names if other != name)
            found[name] = f"the weights of {name!r} are shared with {others}"
    return found


def _checked(candidate: Candidate, strange: dict[str, str]) -> Candidate:
    group = candidate.group
    layers = (*group.producers, *group.consumers, *group.followers)
    reason = next((strange[layer] for layer in layers if layer in strange), None)
    return replace(candidate, obstacle=reason) if reason else candidate


def _not_layers(model: nn.Module) -> dict[str, str]:
    """Modules with matrices of their own that are not cut, with what they are."""
    refused = {}
    for name, module in model.named_modules():
        matrices = [key for key, value in module.named_parameters(recurse=False) if value.ndim > 1]
        if matrices and not isinstance(module, (*PRODUCERS, nn.utils.parametrize.ParametrizationList)):
            size = getattr(module, "proj_size", 0)
            kind = type(module).__name__ + f" with projections (proj_size={size})" * bool(size)
            refused[name] = (
                f"its {' and '.join(map(repr, matrices[:2]))} cannot be cut here: it is of type {kind}"
            )
    return refused


def _candidates(tracer: Tracer) -> list[Candidate]:
    """Every layer that outputs units, in the order of the modules; they are followed in the order in which they run."""
    makers: dict[str, Callable[[], Candidate]] = {}
    sources: dict[str, str] = {}
    inside: set[str] = set()
    for name, module in tracer.model.named_modules():
        if isinstance(module, StepByStep):
            makers[name], sources[name] = partial(_recurrent, tracer, name, module), f"{name}.units"
            inside |= {f"{name}.input", f"{name}.hidden"}
        elif projections := _projections(module):
            makers[name] = partial(_attention, tracer, name, projections)
            sources[name] = f"{name}.{projections[-1]}".lstrip(".")
            inside |= {f"{name}.{part}" for part in projections}
        elif isinstance(module, PRODUCERS) and name not in inside:
            makers[name], sources[name] = partial(_plain, tracer, name, module), name
    places = {name: place for place, name in enumerate(tracer.order)}
    found = {
        name: makers[name]()
        for name in sorted(makers, key=lambda name: places.get(sources[name], len(places)))
    }
    return [found[name] for name in makers]


def _plain(tracer: Tracer, name: str, layer: Weighted) -> Candidate:
    units, _ = sizes(layer)
    producers = {name: np.arange(units)[:, None]}
    if not units:
        return Candidate(UnitGroup(name, units, producers, {}), "all of its units have gone already")
    if isinstance(layer, CONVOLUTIONS) and layer.groups > 1:
        reason = f"it is a convolution of {layer.groups} groups: they go with the units that it reads, or not at all"
        return Candidate(UnitGroup(name, units, producers, {}), reason)
    return _traced(tracer, name, name, units, producers)


def _recurrent(tracer: Tracer, name: str, direction: StepByStep) -> Candidate:
    """One layer and direction: a unit has a row in each gate."""
    units = direction.hidden.in_features
    rows = np.arange(len(direction.hidden.weight)).reshape(-1, units).T
    owner = name.rpartition(".")[0]
    tied = owner if isinstance(tracer.model.get_submodule(owner), ExpandedRecurrent) else ""
    producers = {f"{name}.input": rows, f"{name}.hidden": rows}
    found = _traced(tracer, name, f"{name}.units", units, producers, tied_width=tied)
    # A sequence of one step never shows its units to the hidden layer, which reads them all the same.
    found.group.consumers.setdefault(f"{name}.hidden", np.arange(units)[:, None])
    return found


def _projections(module: nn.Module) -> tuple[str, ...]:
    """The names of query, key and value of an attention module with a number of heads, or that of one layer for all
    three, or none."""
    heads = _head_count(module)
    for names in PROJECTIONS if heads else ():
        layers = [layer for n in names if isinstance(layer := getattr(module, n, None), nn.Linear)]
        if len(layers) == 3:
            return names if len({layer.out_features for layer in layers}) == 1 else ()
    for name in FUSED if heads else ():
        layer = getattr(module, name, None)
        if isinstance(layer, nn.Linear) and layer.out_features % (3 * heads) == 0:
            return (name,)
    return ()


def _head_count(module: nn.Module) -> int:
    """How many heads an attention module has, by an attribute or by the width of one; 0 for other modules."""
    count = next((getattr(module, name) for name in HEADS if isinstance(getattr(module, name, None), int)), 0)
    first, width = getattr(module, "q_proj", None), getattr(module, "head_dim", None)
    known = isinstance(first, nn.Linear) and isinstance(width, int) and width > 0
    return count or (first.out_features // width if known else 0)


def _attention(tracer: Tracer, name: str, projections: tuple[str, ...]) -> Candidate:
    """The heads of an attention module: rows of query, key and value, columns of what reads the values."""
    module, heads = tracer.model.get_submodule(name), _head_count(tracer.model.get_submodule(name))
    within = f"{name}." if name else ""
    layers = [within + part for part in projections]
    parts = 3 // len(layers)
    width = getattr(module, projections[-1]).out_features // parts
    rows = np.arange(parts * width).reshape(parts, heads, -1).swapaxes(0, 1).reshape(heads, -1)
    counters = {key: 1 for key in HEADS if key in vars(module)}
    counters |= {key: width // heads for key in HEAD_WIDTHS if key in vars(module)}
    # Values are the last of three in one layer.
    seen = _traced(tracer, name, layers[-1], width, {}, before=(parts - 1) * width)
    consumers = {c: columns.reshape(heads, -1) for c, columns in seen.group.consumers.items()}
    whole = UnitGroup(name, heads, dict.fromkeys(layers, rows), consumers, counters={name: counters})
    return Candidate(whole, seen.obstacle)


def _traced(
    tracer: Tracer,
    name: str,
    source: str,
    units: int,
    producers: dict[str, np.ndarray],
    tied_width: str = "",
    before: int = 0,
) -> Candidate:
    """A candidate with the columns and channels at which its units were seen. Neighboring ones are one unit where they
    can only go together, and two of different halves where one is the gate of the other (GLU). before: channels of the source that
    come before its units."""
    seen = tracer.trace(source, units, before=before)
    together = seen.together if units % seen.together == 0 else 1
    if together > 1:
        units //= together
        seen = tracer.trace(source, units, together=together, before=before)
        producers = {layer: rows.reshape(units, -1) for layer, rows in producers.items()}
    elif seen.mixed and list(producers) == [source] and units % 2 == 0:
        gated = tracer.trace(source, units // 2, apart=2)
        if not gated.obstacle:
            seen, units = gated, units // 2
            producers = {source: producers[source].reshape(2, units).T}
    consumers = {layer: _by_unit(columns, units) for layer, columns in seen.columns.items()}
    followers = {layer: _by_unit(channels, units) for layer, channels in seen.followers.items()}
    uneven = [layer for layer, columns in (consumers | followers).items() if columns is None]
    for layer in uneven:
        seen.refuse(f"its units own different numbers of columns of {layer!r}")
    consumers, followers = (
        {layer: columns for layer, columns in places.items() if columns is not None}
        for places in (consumers, followers)
    )
    return Candidate(
        UnitGroup(name, units, producers, consumers, followers, tied_width=tied_width), seen.obstacle
    )


def _by_unit(columns: dict[int, int], units: int) -> np.ndarray | None:
    """Columns of each unit, ascending, int (unit, column); None where units have different numbers."""
    owned: list[list[int]] = [[] for _ in range(units)]
    for column, unit in sorted(columns.items()):
        owned[unit].append(column)
    return np.array(owned) if len({len(row) for row in owned}) == 1 else None
