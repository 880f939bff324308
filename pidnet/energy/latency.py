"""How long a model takes, by a protocol that a busy machine disturbs least.

Dense and small take turns, so that drift hits both; the median and the quartiles of all blocks stand; CPU
time stands beside wall time, because it does not grow while others have the processor.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.benchmark import Timer, timer as wall_clock

from pidnet.arguments import check_arguments
from pidnet.energy.compared import Compared
from pidnet.energy.counting import batch_axis
from pidnet.networks.batches import example_inputs
from pidnet.networks.inputs import arguments, first_sample, on_device, tensors_in
from pidnet.networks.running import device_of, restored, run_or_say
from pidnet.printing import Printed, counted, table, wrapped


@dataclass(frozen=True, repr=False)
class Latency(Printed):
    """Measured seconds of one call; every figure is of both models.

    Attributes
    ----------
    batch : int
        How many samples a call takes.
    wall, cpu : Compared
        Medians.
    iqr : Compared
        Distance between the quartiles of wall.

    Examples
    --------
    >>> import pidnet as pn
    >>> both = pn.energy.Compared(0.02, 0.01)
    >>> pn.energy.Latency(4, both, both, both).samples_per_second
    Compared(dense=200.0, small=400.0)
    """

    batch: int
    wall: Compared
    iqr: Compared
    cpu: Compared

    @property
    def samples_per_second(self) -> Compared:
        """Throughput by wall time."""
        return Compared(self.batch / self.wall.dense, self.batch / self.wall.small)

    def __str__(self) -> str:
        cells = (
            f"wall {w * 1e3:.4g} ms (IQR {q * 1e3:.2g}), CPU {c * 1e3:.4g} ms, {s:,.0f} samples/s"
            for w, q, c, s in zip(self.wall, self.iqr, self.cpu, self.samples_per_second, strict=True)
        )
        head = f"batch {self.batch}: wall kept {self.wall.kept:.3f}, "
        return head + f"CPU kept {self.cpu.kept:.3f}; " + "; small: ".join(["dense: " + next(cells), *cells])


@dataclass(frozen=True, repr=False)
class LatencyReport(Printed):
    """Measured times at batch 1 and at the batch of the example.

    Attributes
    ----------
    latencies : tuple of Latency
        One for each batch.
    threads, rounds : int
        How it was measured.
    warning : str or None
        Where the machine was busy.

    Examples
    --------
    >>> import pidnet as pn
    >>> both = pn.energy.Compared(0.02, 0.01)
    >>> pn.energy.LatencyReport((pn.energy.Latency(4, both, both, both),), threads=1, rounds=5)
    LatencyReport: measured, 1 thread, 5 interleaved rounds
    batch  model  wall ms  IQR ms  CPU ms  samples/s
        4  dense     20.0    20.0    20.0      200.0
        4  small     10.0    10.0    10.0      400.0
    """

    latencies: tuple[Latency, ...]
    threads: int
    rounds: int
    warning: str | None = None

    def __str__(self) -> str:
        head = f"measured, {self.threads} thread(s), {self.rounds} interleaved rounds"
        return "\n".join([head, *map(str, self.latencies), *filter(None, [self.warning])])

    def _lines(self) -> list[str]:
        rows = [
            {
                "batch": one.batch,
                "model": side,
                "wall ms": getattr(one.wall, side) * 1e3,
                "IQR ms": getattr(one.iqr, side) * 1e3,
                "CPU ms": getattr(one.cpu, side) * 1e3,
                "samples/s": getattr(one.samples_per_second, side),
            }
            for one in self.latencies
            for side in ("dense", "small")
        ]
        head = f"LatencyReport: measured, {counted(self.threads, 'thread')}, {self.rounds} interleaved rounds"
        return [head, *table(rows), *wrapped(self.warning or "")]


def compare_latency(
    dense: nn.Module,
    small: nn.Module,
    example_input,
    *,
    rounds: int = 5,
    block_seconds: float = 0.1,
    threads: int = 1,
) -> LatencyReport:
    """Time both models at batch 1 and at the batch of the example, in eval and inference mode.

    Parameters
    ----------
    dense, small : torch.nn.Module
        They take turns, so that drift hits both.
    example_input : Tensor, tuple or dict of Tensor, or data
        A whole batch, as for ``count``.
    rounds : int
        How often they take turns, at least 5.
    block_seconds : float
        How long a block of calls lasts at least.
    threads : int
        Of torch.

    Returns
    -------
    LatencyReport
        Medians and quartiles, wall and CPU time.

    Raises
    ------
    ValueError
        For fewer than 5 rounds, and what ``count`` raises for the model and the input.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 2)
    >>> report = pn.energy.compare_latency(net, net, torch.zeros(4, 8), block_seconds=0.01)
    >>> [one.batch for one in report.latencies]
    [1, 4]
    """
    check_arguments(compare_latency, locals())
    if rounds < 5:
        raise ValueError(f"rounds is {rounds}; fewer than 5 turns do not even out a drifting machine")
    warning = busy_machine()
    axis, example_input = batch_axis(dense), example_inputs(dense, example_input)
    inputs = {1: first_sample(example_input, axis)}
    inputs |= {next(tensors_in(example_input)).shape[axis]: example_input}
    with restored(dense), restored(small), torch.inference_mode():
        latencies = [
            time_both((dense, small), x, batch, rounds=rounds, block_seconds=block_seconds, threads=threads)
            for batch, x in inputs.items()
        ]
    return LatencyReport(tuple(latencies), threads, rounds, warning)


def time_both(models, sample, batch: int, *, rounds: int, block_seconds: float, threads: int) -> Latency:
    """One batch size: wall and CPU time of both models in turn."""
    wall: tuple[list[float], list[float]] = ([], [])
    cpu: tuple[list[float], list[float]] = ([], [])
    for model in models:
        run_or_say(model, sample)
    calls = [arguments(on_device(sample, device_of(model))) for model in models]
    for _ in range(rounds):
        for side, model in enumerate(models):
            for times, clock in ((wall, wall_clock), (cpu, time.process_time)):
                args, kwargs = calls[side]
                timer = Timer(
                    "model(*args, **kwargs)",
                    globals={"model": model, "args": args, "kwargs": kwargs},
                    num_threads=threads,
                    timer=clock,
                )
                times[side].extend(timer.blocked_autorange(min_run_time=block_seconds).times)
    quartiles = [np.percentile(times, [25, 75]) for times in wall]
    return Latency(
        batch=batch,
        wall=Compared(*(float(np.median(times)) for times in wall)),
        iqr=Compared(*(float(np.ptp(two)) for two in quartiles)),
        cpu=Compared(*(float(np.median(times)) for times in cpu)),
    )


def busy_machine() -> str | None:
    """A warning when others kept half of the processors busy over the last minute; none on Windows, which does not
    count that."""
    if not hasattr(os, "getloadavg"):
        return None
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load < processors / 2:
        return None
    return (
        f"Warning: load {load:.1f} on {processors} processors; wall times include waiting, trust CPU times."
    )
