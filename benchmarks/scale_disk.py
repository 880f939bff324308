"""Codes that exceed memory: written by ``capture_codes`` to disk, mapped from there, and how much memory either takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.measures import peak_memory
from benchmarks.scale_maps import CHECKOUT, CLASSES, LEVELS, Enough, Here, forget_peak, in_process

UNITS, SAMPLES, CALIBRATION, AT_ONCE = 11_008, 200_000, 10_000, 2_048
TILES = 6  # of 946 that are made


def disk_rows(done: list[dict]) -> Iterator[dict]:
    """Codes to disk, then a corner of their map, each in a process of its own."""
    if done:
        return
    with tempfile.TemporaryDirectory() as folder:
        for work in ("capture_to_disk", "corner_of_map"):
            row = in_process(CHECKOUT, f"{work}({folder!r})", module="scale_disk")
            yield {"units": UNITS, "samples": SAMPLES, "codes, GB": UNITS * SAMPLES / 2**30} | row


def capture_to_disk(folder: str) -> dict:
    """Codes of a random ReLU layer on ten clusters, batch by batch."""
    import torch

    import pidnet as pn

    draw = torch.Generator().manual_seed(0)
    centers = torch.randn(CLASSES, 64, generator=draw)
    net = torch.nn.Sequential(torch.nn.Linear(64, UNITS, bias=False), torch.nn.ReLU())
    with torch.no_grad():
        net[0].weight.copy_(torch.randn(UNITS, 64, generator=draw) / 8)

    def batches(samples: int) -> Iterator[tuple]:
        for first in range(0, samples, AT_ONCE):
            target = torch.randint(CLASSES, (min(AT_ONCE, samples - first),), generator=draw)
            yield centers[target] + 1.5 * torch.randn(len(target), 64, generator=draw), target

    edges = pn.quantize(pn.capture(net, batches(CALIBRATION), ["1"]), LEVELS)
    forget_peak()
    cpu = time.process_time()
    pn.capture_codes(net, batches(SAMPLES), edges, store=Path(folder) / "codes")
    return _row("capture_codes", time.process_time() - cpu, Path(folder) / "codes")


def corner_of_map(folder: str) -> dict:
    """The first tiles of the map by I_min."""
    import pidnet as pn

    codes = pn.Codes.load(Path(folder) / "codes")
    forget_peak()
    cpu = time.process_time()
    with suppress(Enough):
        pn.layer_maps(codes, "i_min", store=Path(folder) / "map", executor=Here(TILES))
    return _row(f"layer_maps, {TILES} tiles of 65,536 pairs", time.process_time() - cpu, Path(folder) / "map")


def _row(work: str, seconds: float, written: Path) -> dict:
    size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file())
    return {"work": work, "CPU seconds": seconds, "peak GB": peak_memory(), "written, GB": size / 2**30}
