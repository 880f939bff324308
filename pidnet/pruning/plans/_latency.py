"""How long a network takes by the widths of its layers: a table measured here, on this machine.

Each layer is timed by itself at eight numbers of outputs and of inputs, layers of one form once. A number between them is taken to
cost what the next larger one does: kernels work on whole vectors, so that 17 channels often take as long as 32, and a straight line
would promise what no width keeps. What the layers do not account for, such as activations and sums, is taken to shrink as they do:
by how much is measured on the whole network, cut to half of its widths and then to those that are planned.
"""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer

from pidnet.energy.latency import time_both
from pidnet.networks.inputs import Inputs, samples, take
from pidnet.networks.kinds import BATCHNORMS, CONVOLUTIONS, depthwise, sizes
from pidnet.networks.running import run
from pidnet.progress import shown
from pidnet.pruning.structure.network import CuttableNetwork
from pidnet.pruning.structure.removal import take_out, thin

# Of a layer's outputs, and of its inputs.
SHARES = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
BATCH = 32
ROUNDS = 3
BLOCK_SECONDS = 0.003  # of a layer
WHOLE_SECONDS = 0.05  # of the network


class Grid(NamedTuple):
    """Seconds of one run of a layer, (outputs, inputs); of a layer that hands units on, (outputs, 1)."""

    outputs: np.ndarray
    inputs: np.ndarray
    seconds: np.ndarray

    def at(self, outputs: int, inputs: int) -> float:
        """Those of the next larger numbers that were measured; nothing without outputs or inputs."""
        if not (outputs and inputs):
            return 0.0
        row, column = self.outputs.searchsorted(outputs), self.inputs.searchsorted(inputs)
        return float(self.seconds[row, min(column, len(self.inputs) - 1)])


@dataclass(eq=False)
class LatencyTable:
    """x: the samples of one run. calls: how often each layer runs in it. whole: seconds that it takes the dense network; noise:
    the distance of the quartiles, in shares of that. scale: what is saved for each second that layers save."""

    network: CuttableNetwork
    x: Inputs
    grids: dict[str, Grid]
    calls: dict[str, int]
    whole: float
    noise: float
    scale: float = 1.0

    @staticmethod
    @torch.no_grad()
    def of(network: CuttableNetwork, x: Inputs) -> LatencyTable:
        """Measured on a batch of the first samples."""
        x, known, grids = take(x, slice(BATCH)), {}, {}
        whole = _times([lambda: run(network.model, x)], WHOLE_SECONDS)[0]
        entering = _entering(network, x)
        for name, (like, _) in shown(entering.items(), "measuring latencies"):
            module = network.model.get_submodule(name)
            form = type(module), module.extra_repr(), like.shape
            grids[name] = known[form] = known.get(form) or _grid(module, like)
        whole += _times([lambda: run(network.model, x)], WHOLE_SECONDS)[0]
        low, middle, high = np.percentile(whole, [25, 50, 75])
        calls = {name: number for name, (_, number) in entering.items()}
        table = LatencyTable(network, x, grids, calls, float(middle), float((high - low) / middle))
        table.fit({name: (units + 1) // 2 for name, units in network.widths.items()})
        return table

    @torch.no_grad()
    def fit(self, widths: Mapping[str, int]) -> None:
        """Time the whole network cut to these widths, and be right about them from now on."""
        gone = {name: range(units - widths[name]) for name, units in self.network.widths.items()}
        small = self.network.without({name: units for name, units in gone.items() if units}).collapsed()
        both = [partial(run, model, self.x) for model in (self.network.model, small)]
        dense, cut = map(np.median, _times(both, WHOLE_SECONDS))
        if cut < dense and (saved := self.saved(widths)) > 0:
            self.scale = float(self.whole * (1 - cut / dense) / saved)

    def seconds(self, widths: Mapping[str, int]) -> float:
        """What the network takes at these widths."""
        return max(self.whole - self.scale * self.saved(widths), 0.0)

    def saved(self, widths: Mapping[str, int]) -> float:
        """What its layers by themselves then take less."""
        dense = self.network.widths
        gone = {name: dense[name] - width for name, width in widths.items() if width < dense[name]}
        change = 0.0
        for layer, grid in self.grids.items():
            full = int(grid.outputs[-1]), int(grid.inputs[-1])
            lost = [self._lost(gone, layer, kind) for kind in (("producers", "followers"), ("consumers",))]
            now = [n - less for n, less in zip(full, lost, strict=True)]
            change += self.calls[layer] * (grid.at(*full) - grid.at(*now))
        return change

    def _lost(self, gone: Mapping[str, int], layer: str, kinds: tuple[str, ...]) -> int:
        places = [
            (getattr(self.network.groups[name], kind), units)
            for name, units in gone.items()
            for kind in kinds
        ]
        return sum(units * channels[layer].shape[1] for channels, units in places if layer in channels)


def measured_latency(table: LatencyTable, kept: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """What a plan takes of the dense network's time, by the table and as both networks, taking turns, are timed."""
    network, x = table.network, table.x
    removed = {name: network.groups[name].others(units) for name, units in kept.items()}
    models = [network.without(units).collapsed() for units in ({}, removed)]
    threads = torch.get_num_threads()
    with torch.inference_mode():
        found = time_both(models, x, samples(x), rounds=5, block_seconds=0.05, threads=threads)
    planned = table.seconds({name: len(units) for name, units in kept.items()}) / table.whole
    return {
        "batch": samples(x),
        "threads": threads,
        "machine": platform.machine(),
        "dense_ms": round(1e3 * found.wall.dense, 4),
        "by_table": round(planned, 4),
        "measured": round(found.wall.kept, 4),
        "noise": round(max(table.noise, found.iqr.dense / found.wall.dense), 4),
    }


def _grid(module: Any, entering: Tensor) -> Grid:
    (outputs, inputs), trials = _trials(module, entering)
    seconds = [float(np.median(times)) for times in _times(trials)]
    return Grid(outputs, inputs, np.reshape(seconds, (len(outputs), len(inputs))))


Trials = tuple[tuple[np.ndarray, np.ndarray], list[Callable[[], Any]]]


def _trials(module: Any, entering: Tensor) -> Trials:
    """The numbers of outputs and of inputs that a layer is tried at, and for each pair of them a run of it."""
    if isinstance(module, (nn.Linear, *CONVOLUTIONS)) and not depthwise(module):
        made, read = map(_tried, sizes(module))
        return (made, read), [_cut(module, entering, k, n) for k in made for n in read]
    made = _tried(entering.shape[1])
    return (made, made[-1:]), [_thinned(module, entering, k) for k in made]


def _tried(full: int) -> np.ndarray:
    return np.unique([max(1, round(share * full)) for share in SHARES])


def _cut(module: Any, entering: Tensor, outputs: int, inputs: int) -> Callable[[], Any]:
    cut, axis = copy.deepcopy(module), entering.ndim - 1 if isinstance(module, nn.Linear) else 1
    made, read = sizes(module)
    take_out(cut, 0, np.arange(made - outputs))
    take_out(cut, 1, np.arange(read - inputs))
    return partial(cut, entering.narrow(axis, 0, inputs).contiguous())


def _thinned(module: Any, entering: Tensor, channels: int) -> Callable[[], Any]:
    thin(cut := copy.deepcopy(module), np.arange(entering.shape[1] - channels))
    return partial(cut, entering[:, :channels].contiguous())


def _entering(network: CuttableNetwork, x: Inputs) -> dict[str, tuple[Tensor, int]]:
    """Layer that the width of another, or its own, is a part of -> something of the form of its input, and how often it
    runs in one run."""
    found: dict[str, tuple[Tensor, int]] = {}

    def see(name: str, entering: Tensor) -> None:
        like, calls = found.get(name, (torch.randn_like(entering), 0))
        found[name] = like, calls + 1

    groups = network.groups.values()
    names = {name for group in groups for name in (*group.producers, *group.consumers, *group.followers)}
    with ExitStack() as stack:
        for name in sorted(names):
            module = network.model.get_submodule(name)
            if not all(parameter.numel() for parameter in module.parameters(recurse=False)):
                continue  # it has been emptied
            if (
                isinstance(module, (nn.Linear, *BATCHNORMS))
                or depthwise(module)
                or getattr(module, "groups", 0) == 1
            ):
                hook = partial(_seen, see, name)
                stack.callback(module.register_forward_pre_hook(hook).remove)
        run(network.model, x)
    return found


def _seen(see: Callable[[str, Tensor], None], name: str, _module: nn.Module, given: tuple) -> None:
    see(name, given[0])


def _times(calls: Sequence[Callable[[], Any]], block_seconds: float = BLOCK_SECONDS) -> list[list[float]]:
    """Seconds of each call, which take turns, so that drift hits all."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for times, call in zip(found, calls, strict=True):
            timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
            times += timer.blocked_autorange(min_run_time=block_seconds).times
    return found
