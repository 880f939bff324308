"""Stage 8: decide which units go. Nothing is changed here; ``apply_plan`` carries a plan out."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from pidnet import __version__
from pidnet.arguments import check_arguments
from pidnet.names import ALLOCATIONS
from pidnet.networks.batches import Data, maybe_labelled
from pidnet.networks.naming import Layers, layer_names
from pidnet.networks.outputs import READINGS, Reading
from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.criteria.registry import find_criterion
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._held_out import fit_of, held_out_bits, warn_of_hope
from pidnet.pruning.plans._latency import measured_latency
from pidnet.pruning.plans.allocation import FEW, decided
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.plan import PruningPlan
from pidnet.pruning.plans.search import RECOMBINED
from pidnet.pruning.structure.discovery import cuttable


def plan_pruning(
    model: nn.Module,
    data: Data,
    keep: float | None = None,
    criterion: str | Rank = "pid",
    *,
    macs: float | None = None,
    energy: float | None = None,
    latency: float | None = None,
    allocation: str | None = None,
    layers: Layers = None,
    round_to: int = 1,
    search: bool = True,
    output: Reading | str | None = None,
    seed: int = 0,
) -> PruningPlan:
    """Decide which units to remove.

    Parameters
    ----------
    model
        Any torch network; it is not changed.
    data
        Anything that ``capture`` takes: a pair (x, y), a list of batches, a loader. Labels are used by few criteria, such as "taylor", and
        to tell how the output is read: without any, as in (x, None) or a mapping of inputs, say ``output``
        (a named entry is then read as "gaussian").
    keep
        The share of units that stay. Give exactly one budget: keep, macs, energy or latency.
    criterion
        A name in ``CRITERIA``, a ``Criterion``, or a function (CalibrationStatistics, layer) -> Ranking. "pid"
        proposes several plans, repairs each, and takes the one that loses the fewest measured bits of output
        (``pidnet.pruning.plans.search``).
    macs
        The share of the multiply-accumulates.
    energy
        The share of the modelled joules (every word in SRAM).
    latency
        The share of the time that a batch of 32 samples takes on this machine, where the model is, by torch's present number of
        threads: by a table of each layer's measured seconds at several widths. ``settings["latency"]`` says what the table promises,
        what the cut network then takes, and the noise of both; a busy machine makes both worthless.
    allocation
        "measured" cuts each layer where that costs least of the output on samples that are held out: its loss is
        measured at several widths, and the widths are combined by dynamic programming; the plan shows the curves. A layer all of
        whose outputs are only added to something else, as in the branch of a residual block, may lose all of its units, so
        that the branch goes wholly. "pid" takes the target whose units lose least, without further proposals. "uniform" removes the same share of
        every layer; "global" spends bits where they save most, with no layer
        below half of its uniform width, and needs a criterion in bits; it takes the first ranking, without a search.
        None is "measured" for networks with more than five layers to prune and "uniform" for the others.
    layers
        Which layers to prune, by name or as modules; None for all that can be, but those whose units pass through a LayerNorm
        or RMSNorm, which depends on all of them: name these.
    round_to
        Widths are multiples of this.
    search
        False takes the first ranking of a criterion that proposes several plans, for networks where some 40
        repairs are too many.
    output
        How the network's output is read: "classes" (sample, class, ...), "tokens" (sample, token, class),
        "bernoulli" (logits, each yes or no) or "gaussian" (the scores themselves). None decides by the shapes of
        scores and targets; the plan says how. Or the name of an entry of what the network returns, as "boxes", or "boxes.0" for
        the first of several there, of which alone a loss is then measured. Without a name the scores are the output, its
        ``logits`` or ``last_hidden_state``, the first of a tuple, or all entries of a mapping together.
    seed
        Of the criteria that draw.

    Returns
    -------
    PruningPlan
        Carried out by ``apply_plan``.

    Raises
    ------
    ValueError
        For an unknown criterion, data that do not fit, data without labels where these are needed, a layer that cannot be pruned (with the reason), or a
        budget that leaves a layer without a unit.

    Warns
    -----
    UserWarning
        When there are fewer samples than units: the ridge then decides part of the ranking. When a plan surely
        loses more on samples that its repair has not seen (``settings["held_out_bits"]``) than on its own. When a network
        fits the labels of the samples by heart, so that the plan likely loses several times that on others.

    Notes
    -----
    Costs and ``held_out_bits`` are those on samples like the ones given. Where these were used to train the network,
    which shows in labels that it fits surely better than its own certainty, ``settings["seems_trained_on"]`` is true
    and ``explain`` says so: on new samples it then loses several times more. Give samples that it was not trained on.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> pn.plan_pruning(pn.zoo.mlp(8, (16,), 3), data, keep=0.25, criterion="l1")
    PruningPlan by l1, keep=0.25; print(plan.explain()) lists the units
      layer fc1: 4 of 16 kept
      left out: layer head (its units reach the output without another layer)
    """
    check_arguments(plan_pruning, locals())
    chosen = find_criterion(criterion)
    if allocation not in (None, *ALLOCATIONS):
        raise ValueError(f"allocation={allocation!r}; expected one of {', '.join(ALLOCATIONS)}")
    names = layer_names(model, layers)
    statistics = _gathered(model, data, names, seed, output)
    budget = Budget.of(
        statistics, {"keep": keep, "macs": macs, "energy": energy, "latency": latency}, round_to
    )
    _warn_of_few_samples(statistics)
    allocation = allocation or ("measured" if len(statistics.network.tied) > FEW else "uniform")
    plan, measured, curves = decided(statistics, chosen, budget, allocation, search=search)
    statistics = plan.statistics if curves else statistics
    removed = plan.with_substitutes(statistics)
    fit, found = fit_of(statistics.network, statistics.x, statistics.y), None
    if chosen.searched:
        found = None if curves else held_out_bits(statistics, plan.kept)
        costs = sum(unit.cost for units in removed.values() for unit in units)
        warn_of_hope(measured.get(RECOMBINED, costs), found, fit)
    return PruningPlan(
        kept=plan.kept,
        removed=removed,
        criterion=chosen.name,
        settings=_settings(statistics, budget, allocation, names)
        | {
            "search": bool(measured),
            "measured_bits": {k: round(v, 6) for k, v in measured.items()},
            "held_out_bits": None if found is None else [round(end, 6) for end in found],
            "seems_trained_on": fit is not None and fit.seems_trained_on,
        }
        | ({"latency": measured_latency(budget.table, plan.kept)} if latency else {}),
        units=statistics.network.widths,
        left_out=dict(statistics.network.refused),
        curves={layer: curve.points for curve in curves for layer in curve.layers},
    )


def _settings(
    statistics: CalibrationStatistics, budget: Budget, allocation: str, layers: list[str] | None
) -> dict[str, Any]:
    return {
        "budget": {budget.resource: budget.share},
        "allocation": allocation,
        "layers": layers,
        "round_to": budget.round_to,
        "output": statistics.network.reading.kind,
        "entry": statistics.network.said.entry,
        "seed": statistics.seed,
        "calibration_samples": len(statistics.y),
        "sketched": {name: round(float(sketch.share), 4) for name, sketch in statistics.sketches.items()},
        "pidnet": __version__,
    }


def gather(
    model: nn.Module,
    data: Data,
    layers: Layers = None,
    seed: int = 0,
    *,
    output: Reading | str | None = None,
) -> CalibrationStatistics:
    """Statistics on an untouched, expanded copy of the model, from checked data.

    Parameters
    ----------
    model : torch.nn.Module
        It is not changed.
    data, layers, seed, output
        As for ``plan_pruning``.

    Returns
    -------
    CalibrationStatistics
        What every criterion decides on.

    Raises
    ------
    ValueError
        With the reasons, where no layer can be pruned.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> data = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 3
    >>> pn.pruning.gather(pn.zoo.mlp(4, (6,), 3), data)
    CalibrationStatistics of 50 samples: fc1 (6 units)
    """
    return _gathered(model, data, layer_names(model, layers), seed, output)


def _gathered(
    model: nn.Module, data: Data, names: list[str] | None, seed: int, output: Reading | str | None
) -> CalibrationStatistics:
    if seed < 0:
        raise ValueError(f"seed={seed}; expected 0 or more")
    x, y = maybe_labelled(data)
    if output == "":
        raise ValueError(
            f"output='' names nothing; expected {', '.join(READINGS)}, the name of an entry, or None"
        )
    reading = next((known for known in READINGS if known == output), None)
    network = cuttable(model, x, names, "" if reading else output or "").read(x, y, reading)
    network.model.requires_grad_(True)
    return CalibrationStatistics(network, x, y, seed)


def _warn_of_few_samples(statistics: CalibrationStatistics) -> None:
    layer, width = max(statistics.network.widths.items(), key=lambda item: item[1])
    if len(statistics.y) < width:
        warnings.warn(
            f"{len(statistics.y)} calibration samples are fewer than the {width} units of layer {layer!r}: the "
            "ridge decides part of their ranking; use more samples",
            stacklevel=3,
        )
