"""Measured energy, where a counter exists: RAPL through powercap, NVIDIA GPUs through NVML.

A window is a context manager that fills in joules by counter when it closes; the windows of Zeus and
CodeCarbon are in ``meters``. What a call costs is what its window holds above an idle window:

    joules per call = (busy joules - idle watts * busy seconds) / calls
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pidnet.optional import optional_module
from pidnet.printing import Printed

POWERCAP = Path("/sys/class/powercap")
SHORTEST = 10.0  # seconds; the counters tick about every millisecond, and idle power drifts


@dataclass(frozen=True, repr=False)
class Counter(Printed):
    """A counter of joules that only rises.

    Attributes
    ----------
    name : str
        Such as "package-0" or "gpu-0".
    read : callable
        Gives the joules at this moment.
    wraps_at : float
        Joules after which it starts again from 0.

    Examples
    --------
    >>> import pidnet as pn
    >>> counter = pn.energy.Counter("package-0", lambda: 5.0, wraps_at=100.0)
    >>> counter.since(90.0)
    15.0
    """

    name: str
    read: Callable[[], float] = field(repr=False)
    wraps_at: float = math.inf

    def since(self, before: float) -> float:
        """Joules since a reading, if the counter wrapped at most once (a package: minutes at full load).

        Parameters
        ----------
        before : float
            The earlier reading, joules.

        Returns
        -------
        float
            Joules.
        """
        now = self.read()
        return now - before if now >= before else now + self.wraps_at - before


@dataclass(repr=False)
class Window(Printed):
    """Joules and seconds between two moments, there once the window is closed.

    Attributes
    ----------
    kind : str
        "measured" or "estimated".
    joules : dict of str to float
        By counter.
    seconds : float
        How long it was open.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.Window()
    Window: kind measured, joules {}, seconds 0.0000
    """

    kind: str = "measured"
    joules: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


OpenWindow = Callable[[], AbstractContextManager[Window]]


@dataclass(frozen=True, repr=False)
class Measurement(Printed):
    """Joules of one call above idle.

    Attributes
    ----------
    joules : dict of str to float
        Of one call, by counter.
    idle_watts : dict of str to float
        What was taken off.
    calls : int
        How many calls the window held.
    seconds : float
        Length of the window.
    kind : str
        "measured" or "estimated".

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.Measurement({"gpu-0": 0.5}, {"gpu-0": 40.0}, calls=10, seconds=1.0, kind="measured").calls
    10
    """

    joules: dict[str, float]
    idle_watts: dict[str, float]
    calls: int
    seconds: float
    kind: str


def powercap_counters(root: Path = POWERCAP) -> list[Counter]:
    """RAPL packages and their DRAM, in joules; the cores are part of the package and left out.

    Raises PermissionError, with the remedy, for a counter that may not be read, FileNotFoundError without any.
    """
    counters = []
    zones = {zone.name: zone for depth in ("*", "*/*") for zone in root.glob(depth)}
    for _, zone in sorted((name, zone) for name, zone in zones.items() if name.startswith("intel-rapl:")):
        name = (zone / "name").read_text().strip()
        if name == "dram":
            package = zones[zone.name.rpartition(":")[0]]
            name = f"{(package / 'name').read_text().strip()} dram"
        elif not name.startswith("package"):
            continue
        read = powercap_reader(zone / "energy_uj")
        counters.append(Counter(name, read, int((zone / "max_energy_range_uj").read_text()) * 1e-6))
    if not counters:
        raise FileNotFoundError(f"no RAPL counter under {root}")
    return counters


def powercap_reader(path: Path) -> Callable[[], float]:
    """A function that reads a powercap file, tried once."""

    def read() -> float:
        try:
            return int(path.read_text()) * 1e-6
        except PermissionError as error:
            raise PermissionError(
                f"{path} may only be read by root; run as root, or allow it with: sudo chmod a+r {path}"
            ) from error

    read()
    return read


def nvml_counters() -> list[Counter]:
    """The total energy counter of every NVIDIA GPU (Volta or later), in joules.

    Raises ImportError without nvidia-ml-py, OSError where NVML finds no driver, GPU or counter.
    """
    pynvml = optional_module("pynvml", "pip install 'pidnet[nvml]'")
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        counters = [Counter(f"gpu-{i}", nvml_reader(pynvml, handle)) for i, handle in enumerate(handles)]
    except pynvml.NVMLError as error:
        raise OSError(f"NVML has no energy counter: {error}") from error
    if not counters:
        raise OSError("NVML finds no GPU")
    return counters


def nvml_reader(pynvml, handle) -> Callable[[], float]:
    """A function that reads the counter of one GPU, tried once."""

    def read() -> float:
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) * 1e-3

    read()
    return read


def find_counters(root: Path = POWERCAP) -> tuple[list[Counter], str]:
    """Every counter that can be read here, and one sentence about it that fits under a table.

    Parameters
    ----------
    root : Path
        Where Linux shows the RAPL counters.

    Returns
    -------
    counters : list of Counter
        Empty where there is none.
    sentence : str
        What is measurable, or why nothing is.

    Examples
    --------
    >>> from pidnet.energy import find_counters
    >>> counters, sentence = find_counters()
    >>> sentence.startswith("Measur")
    True
    """
    counters, reasons = [], []
    for find in (lambda: powercap_counters(root), nvml_counters):
        try:
            counters += find()
        except (OSError, ImportError) as error:
            reasons.append(str(error))
    if counters:
        return counters, f"Measurable here: {', '.join(counter.name for counter in counters)}."
    return (
        [],
        f"Measured energy: not measurable here ({'; '.join(reasons)}), so what stands here is modelled.",
    )


@contextmanager
def counter_window(counters: list[Counter]) -> Generator[Window]:
    """What the counters add up between entry and exit.

    Parameters
    ----------
    counters : list of Counter
        What ``find_counters`` found, or others.

    Yields
    ------
    Window
        Filled when the block ends.

    Examples
    --------
    >>> from pidnet.energy import Counter, counter_window
    >>> joules = iter([2.0, 5.0])
    >>> with counter_window([Counter("meter", lambda: next(joules))]) as window:
    ...     pass
    >>> window.joules
    {'meter': 3.0}
    """
    window = Window()
    start, before = time.perf_counter(), [counter.read() for counter in counters]
    yield window
    window.joules = {c.name: c.since(b) for c, b in zip(counters, before, strict=True)}
    window.seconds = time.perf_counter() - start


def measure(
    call: Callable[[], object],
    *,
    window: OpenWindow,
    seconds: float = SHORTEST,
) -> Measurement:
    """Joules of one call above idle: an idle window, then calls for as long again.

    Parameters
    ----------
    call : callable
        What is measured; called again and again.
    window : callable
        Opens a ``Window``, such as ``functools.partial(counter_window, counters)``.
    seconds : float
        Length of each of the two windows, at least 10.

    Returns
    -------
    Measurement
        Per call.

    Raises
    ------
    ValueError
        For a shorter window, in which the counters and idle power are too coarse.

    Examples
    --------
    Takes 20 seconds where the machine has a counter::

        measure(lambda: model(x), window=partial(counter_window, find_counters()[0]))
    """
    if not seconds >= SHORTEST:
        raise ValueError(f"seconds is {seconds}; energy counters need windows of at least {SHORTEST:g} s")
    with window() as idle:
        time.sleep(seconds)
    calls = 0
    with window() as busy:
        end = time.perf_counter() + seconds
        while not calls or time.perf_counter() < end:
            call()
            calls += 1
    watts = {name: value / idle.seconds for name, value in idle.joules.items()}
    net = {name: (value - watts[name] * busy.seconds) / calls for name, value in busy.joules.items()}
    return Measurement(net, watts, calls, busy.seconds, busy.kind)
