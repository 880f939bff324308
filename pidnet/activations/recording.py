"""Run a model over a loader and record the units of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from pidnet.activations._probing import probe
from pidnet.activations._reading_plan import ReadingPlan
from pidnet.activations.activations import Activations
from pidnet.activations.layer_choice import find_layers
from pidnet.activations.positions import check_reduction
from pidnet.activations.tracking import UnitFollower, following
from pidnet.arguments import check_arguments
from pidnet.networks.batches import Data, batches, padding_mask
from pidnet.networks.inputs import Inputs
from pidnet.networks.naming import Layers
from pidnet.networks.running import (
    class_scores,
    random_state,
    reading_of,
    restored,
    run_or_say,
    set_random_state,
)
from pidnet.networks.unwrapping import module_of
from pidnet.progress import shown


def capture(
    model: nn.Module,
    data: Data,
    layers: Layers = None,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Activations:
    """Run the model in eval mode and record the units of its layers.

    Parameters
    ----------
    model : torch.nn.Module
        Modes, buffers and torch's random state are as before afterwards, and hooks removed, even when the forward
        pass raises.
    data : (x, y), list of such batches, or DataLoader
        NumPy arrays are taken for tensors. x is a tensor, a PackedSequence, a tuple of positional or a mapping of
        keyword arguments of the model.
    layers : sequence of str or Module, optional
        Names as in ``model.named_modules()``, or the modules themselves. By default all linear, convolutional and recurrent layers and the
        heads of every attention, named by the module that computes them. The layers and directions of an nn.LSTM,
        GRU or RNN have names of their own, as in pruning plans: ``rnn.l0``, ``rnn.l0_reverse``; ``rnn`` names them
        all. Any other module can be named: its output is read, such as the residual dimensions after a block.
    reduce : mapping, optional
        What becomes of the places of a unit, by kind of place, see the table below.
    draws : int
        Passes for each input, for stochastic networks; they become further rows of the same input.
    mask : callable, optional
        From the input to bool (sample, token), false at padding; by default its "attention_mask".

    Returns
    -------
    Activations
        On the CPU, whatever the device of the model, and so are the codes and all that is made of them. The model
        runs where it is, one batch after the other; batches are moved to its device.

    Raises
    ------
    ValueError
        For an unknown layer, no batch, a model that does not run on the data, targets that do not fit the batch, a
        named layer that did not run, ran several times or folds its samples into another axis, batches of unequal
        lengths that are read place by place, or activations that are complex or not finite.
    TypeError
        For what is no module.

    Notes
    -----
    =========  =============================================  ========
    kind       words                                          default
    =========  =============================================  ========
    positions  mean, max, first, last, samples, each          mean
    steps      mean, max, first, last, samples, each          last
    tokens     mean, max, first (CLS), last, samples, each    mean
    calls      mean, max, first, last, samples, refuse        refuse
    =========  =============================================  ========

    "samples" makes each place a row, "each" makes it a layer, ``layer[place]``; calls are the passes of a module that
    runs several times. Which axis holds the samples is tried on small batches, never guessed from lengths.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> acts = pn.capture(pn.zoo.mlp(8, (16,), 2), (torch.zeros(5, 8), torch.arange(5) % 2), layers=["fc1"])
    >>> acts.layers["fc1"].shape
    torch.Size([5, 16])
    """
    check_arguments(capture, locals())
    blocks = list(record(model, data, layers, reduce=reduce, draws=draws, mask=mask))
    _check_same_layers(blocks)
    predicted = [block.predicted for block in blocks if block.predicted is not None]
    return Activations(
        layers={name: torch.cat([block.layers[name] for block in blocks]) for name in blocks[0].layers},
        target=torch.cat([block.target for block in blocks]),
        reduction=blocks[0].reduction,
        skipped=blocks[0].skipped,
        sample=torch.cat([cast(Tensor, block.sample) for block in blocks]),
        predicted=torch.cat(predicted) if len(predicted) == len(blocks) else None,
    )


def _check_same_layers(blocks: list[Activations]) -> None:
    for block in blocks[1:]:
        odd = sorted(block.layers.keys() ^ blocks[0].layers.keys())
        if odd:
            raise ValueError(
                f"layer {odd[0]!r} is not in every batch: batches of unequal lengths cannot be read place by "
                'place; pad them to one length, or take another word than "each" in reduce='
            )


def record(
    model: nn.Module,
    data: Data,
    layers: Layers = None,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Iterator[Activations]:
    """The activations of one pass after the other, so that only one is in memory.

    Parameters
    ----------
    model : torch.nn.Module
        Between two passes it is as it was.
    data, layers, reduce, draws, mask
        As for ``capture``.

    Yields
    ------
    Activations
        Of one batch, or one draw of it.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> batches = [(torch.zeros(5, 8), torch.arange(5) % 2)] * 3
    >>> sum(len(block.target) for block in pn.activations.record(pn.zoo.mlp(8, (16,), 2), batches))
    15
    """
    words = check_reduction(reduce)
    model = module_of(model)
    if draws < 1:
        raise ValueError(f"draws={draws}; expected at least 1")
    owners = find_layers(model, layers)
    state, first, done = random_state(model), None, 0
    watched = set(owners.values())
    for x, y in shown(batches(data), "capturing"):
        for _ in range(draws):
            if first is None:
                axes = probe(
                    lambda few, at=state: _pass(model, watched, few, at)[0], model, owners, x, len(y)
                )
            follower, output, state = _pass(model, watched, x, state)
            if first is None:
                first = ReadingPlan.after(model, follower, axes, owners, layers, words)
                reading = reading_of(output, y)
            block = first.read(follower, len(y), padding_mask(x, mask))
            predicted = None if reading is None else reading.predicted(class_scores(output))
            rows = block.target
            yield replace(
                block,
                target=y.detach().cpu()[rows],
                sample=rows + done,
                predicted=None if predicted is None else predicted.cpu()[rows],
            )
        done += len(y)


def _pass(
    model: nn.Module, watched: set[str], x: Inputs, state: list[Tensor]
) -> tuple[UnitFollower, Any, list[Tensor]]:
    """One forward pass from a random state: what was followed, the output, the random state after it."""
    with restored(model), torch.no_grad():
        set_random_state(model, state)
        with following(model, watched) as follower:
            output = run_or_say(model, x)
        return follower, output, random_state(model)
