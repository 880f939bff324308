"""Windows of other meters, for those who have them: Zeus and CodeCarbon. Imported only when one is opened."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pidnet.energy.measured import Window
from pidnet.optional import optional_module

KILOWATT_HOUR = 3.6e6  # joules


@contextmanager
def zeus_window(monitor: Any = None) -> Generator[Window]:
    """A window of ``zeus.monitor.ZeusMonitor``: joules of GPUs, CPU packages and DRAM.

    Parameters
    ----------
    monitor : ZeusMonitor, optional
        One of yours; made when it is needed otherwise.

    Yields
    ------
    Window
        Filled when the block ends; its kind is "measured".

    Raises
    ------
    ImportError
        Without zeus, with the command that installs it.

    Examples
    --------
    Where zeus is installed::

        add_measured(report, (dense, small), x, window=zeus_window)

    With a monitor of one's own:

    >>> from types import SimpleNamespace
    >>> import pidnet as pn
    >>> found = SimpleNamespace(time=2.0, gpu_energy={0: 5.0})
    >>> monitor = SimpleNamespace(begin_window=lambda name: None, end_window=lambda name: found)
    >>> with pn.energy.zeus_window(monitor) as window:
    ...     pass
    >>> window.joules, window.seconds
    ({'gpu-0': 5.0}, 2.0)
    """
    monitor = monitor or optional_module("zeus.monitor", "pip install zeus").ZeusMonitor()
    window = Window()
    monitor.begin_window("pidnet")
    try:
        yield window
    finally:
        result = monitor.end_window("pidnet")
    for where in ("gpu", "cpu", "dram"):
        energies = getattr(result, f"{where}_energy", None) or {}
        window.joules |= {f"{where}-{index}": joules for index, joules in energies.items()}
    window.seconds = result.time


@contextmanager
def codecarbon_window(tracker: Any = None) -> Generator[Window]:
    """A window of ``codecarbon.OfflineEmissionsTracker``; its kind is estimated.

    Parameters
    ----------
    tracker : OfflineEmissionsTracker, optional
        One of yours, fresh, because a tracker counts one window only; one is made for each window otherwise.

    Yields
    ------
    Window
        Filled when the block ends.

    Raises
    ------
    ImportError
        Without codecarbon, with the command that installs it.

    Notes
    -----
    CodeCarbon fills in what it cannot read (CPU without RAPL, memory always) from constants, and does not say which
    of its joules are which.

    Examples
    --------
    Where codecarbon is installed::

        add_measured(report, (dense, small), x, window=codecarbon_window)

    With a tracker of one's own:

    >>> from types import SimpleNamespace
    >>> import pidnet as pn
    >>> found = SimpleNamespace(cpu_energy=1e-6, gpu_energy=0.0, ram_energy=5e-7)
    >>> tracker = SimpleNamespace(start=lambda: None, stop=lambda: None, final_emissions_data=found)
    >>> with pn.energy.codecarbon_window(tracker) as window:
    ...     pass
    >>> {where: round(joules, 3) for where, joules in window.joules.items()}
    {'cpu': 3.6, 'gpu': 0.0, 'ram': 1.8}
    """
    if tracker is None:
        # Offline, because only joules are taken: the country changes none of them.
        codecarbon = optional_module("codecarbon", "pip install codecarbon")
        options = {"save_to_file": False, "log_level": "error", "allow_multiple_runs": True}
        tracker = codecarbon.OfflineEmissionsTracker(country_iso_code="USA", **options)
    window = Window(kind="estimated")
    start = time.perf_counter()
    tracker.start()
    try:
        yield window
    finally:
        tracker.stop()
    data = tracker.final_emissions_data
    window.joules = {
        where: getattr(data, f"{where}_energy") * KILOWATT_HOUR for where in ("cpu", "gpu", "ram")
    }
    window.seconds = time.perf_counter() - start
