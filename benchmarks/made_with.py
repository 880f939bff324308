"""By what code and on what machine figures were made."""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent


def commit() -> str:
    """The commit that is measured, with a + where package or benchmarks differ from it."""
    try:
        name, changed = (
            subprocess.run(["git", *asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for asked in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "--", "pidnet", "benchmarks/*.py"),
            )
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
    return name.strip() + ("+" if changed else "")


def machine() -> str:
    """Cores, their vectors and system, with the GPU where one has been used."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_initialized() else ""
    vectors = torch.backends.cpu.get_cpu_capability()
    return f"{os.cpu_count()}-core {platform.machine()} CPU ({vectors}), {platform.system()}{gpu}"


def workers(number: int) -> ProcessPoolExecutor:
    """So many processes of one thread each."""
    return ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_one_thread)


def _one_thread() -> None:
    """numba's OpenMP pool sets the number of torch's threads too, so it is told before it starts."""
    os.environ["NUMBA_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
