"""A page about a layer of 4,096 units: how long is it made, and how long does it take to open? Writes results/wide_page.md.

    python -m benchmarks.wide_page

The browser is that of tests/report/test_browser.py; opened three times, the slowest counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import sync_playwright

import pidnet as pn
from benchmarks.made_with import commit, machine
from pidnet.files import write_text

RESULTS = Path(__file__).parent / "results" / "wide_page.md"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
BAR = "at most 5 s"


def codes(units: int, samples: int = 1000) -> pn.Codes:
    """A ReLU layer with a noisy mean of each of ten classes."""
    draw = torch.Generator().manual_seed(0)
    target = torch.randint(10, (samples,), generator=draw)
    means = torch.randn(10, units, generator=draw)[target]
    layer = torch.relu(0.6 * means + torch.randn(samples, units, generator=draw))
    return pn.quantize(pn.Activations({"fc1": layer}, target, {"fc1": "none"}), 4)


def opened(page: Path, folder: Path) -> tuple[float, float]:
    """Seconds until the tiles are drawn, and until the neighbors of another unit are shown."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            folder, executable_path=shutil.which("chromium"), args=ARGUMENTS, offline=True
        )
        tab, start = browser.new_page(), time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("body[data-wide]", timeout=120_000)
        drawn = time.perf_counter() - start
        start = time.perf_counter()
        tab.fill("#wide-unit", "17")
        tab.wait_for_function("document.querySelector('#wide-card h3').textContent.includes('Unit 17 ')")
        shown = time.perf_counter() - start
        browser.close()
    return drawn, shown


def timed(rows: list[str], what: str, work: Callable[[], Any]) -> Any:
    """The result of some work, with a row of its CPU seconds."""
    start = time.process_time()
    result = work()
    rows.append(f"| {what} | {time.process_time() - start:.1f} CPU s |  |")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=4096)
    asked, rows = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        maps = timed(rows, "map by i_min, by default", lambda: pn.layer_maps(codes(asked.units), "i_min"))
        run = timed(
            rows, "the map written into a run folder", lambda: pn.runs.write_run(folder / "run", maps)
        )
        page = timed(rows, "the page made of the folder", lambda: pn.report.write_report(run))
        times = [opened(page, folder / f"profile{k}") for k in range(3)]
        drawn, shown = (max(column) for column in zip(*times, strict=True))
        rows.append(f"| size of the page | {page.stat().st_size / 1e6:.1f} MB |  |")
    rows.append(f"| open, until tiles and nearest units are there (slowest of 3) | {drawn:.1f} s | {BAR} |")
    rows.append(f"| nearest units of another unit | {shown:.2f} s |  |")
    head = (
        f"# The page of a wide layer\n\n{asked.units:,} units, 1,000 samples, 4 levels, 10 classes. Commit {commit()}, "
        f"{machine()}, load {os.getloadavg()[0]:.1f}; headless Chromium. The first row compiles its kernels where no "
        "process before it did.\n"
    )
    table = "\n".join([head, "| what | measured | bar |", "| --- | --- | --- |", *rows])
    print(table)
    write_text(RESULTS, table + "\n")


if __name__ == "__main__":
    main()
