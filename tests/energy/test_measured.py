"""Counters against fake powercap trees, a fake NVML and a fake clock."""

import sys
from functools import partial
from types import SimpleNamespace

import pytest

from pidnet.energy import Counter, counter_window, find_counters, measure, measured
from pidnet.energy.measured import nvml_counters, powercap_counters

WRAP = 1000.0  # joules


def zone(parent, folder, name, joules):
    path = parent / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{int(joules * 1e6)}\n")
    (path / "max_energy_range_uj").write_text(f"{int(WRAP * 1e6)}\n")
    return path


@pytest.fixture
def powercap(tmp_path):
    """Two packages with cores and memory, as the kernel shows them (in full at the top and nested)."""
    for i in (0, 1):
        package = zone(tmp_path, f"intel-rapl:{i}", f"package-{i}", 100 * i)
        zone(tmp_path, f"intel-rapl:{i}:0", "core", 1)
        (package / f"intel-rapl:{i}:0").symlink_to(tmp_path / f"intel-rapl:{i}:0")
        zone(package, f"intel-rapl:{i}:1", "dram", 10 + i)
    zone(tmp_path, "intel-rapl:2", "psys", 5)
    (tmp_path / "intel-rapl").mkdir()
    return tmp_path


def test_packages_and_their_memory_are_found_apart(powercap):
    readings = {counter.name: counter.read() for counter in powercap_counters(powercap)}
    assert readings == {"package-0": 0, "package-0 dram": 10, "package-1": 100, "package-1 dram": 11}
    assert {counter.wraps_at for counter in powercap_counters(powercap)} == {WRAP}


def test_a_counter_that_wraps_goes_on(powercap):
    counter = powercap_counters(powercap)[0]
    (powercap / "intel-rapl:0" / "energy_uj").write_text(f"{int((WRAP - 3) * 1e6)}")
    before = counter.read()
    (powercap / "intel-rapl:0" / "energy_uj").write_text("4000000")
    assert counter.since(before) == pytest.approx(7)


def test_a_counter_that_may_not_be_read_says_how_to_allow_it(powercap, monkeypatch):
    def refuse(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return original(path, *args, **kwargs)

    original = measured.Path.read_text
    monkeypatch.setattr(measured.Path, "read_text", refuse)
    with pytest.raises(PermissionError, match=r"may only be read by root; .* sudo chmod a\+r .*energy_uj"):
        powercap_counters(powercap)
    counters, why = find_counters(powercap)
    assert counters or "sudo chmod" in why  # a machine with a GPU counter has no need of it


class FakeNVML(SimpleNamespace):
    """Two GPUs that have used 2 and 4 kJ."""

    class NVMLError(Exception):
        pass

    def __init__(self, fails=False, gpus=2):
        super().__init__(fails=fails, gpus=gpus)

    def nvmlInit(self):
        if self.fails:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self):
        return self.gpus

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return 2_000_000 * (handle + 1)  # millijoules


def test_every_gpu_has_a_counter_in_joules(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNVML())
    assert {c.name: c.read() for c in nvml_counters()} == {"gpu-0": 2000, "gpu-1": 4000}


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (FakeNVML(fails=True), OSError, "NVML has no energy counter: Driver Not Loaded"),
        (FakeNVML(gpus=0), OSError, "NVML finds no GPU"),
        (None, ImportError, r"pip install 'pidnet\[nvml\]'"),
    ],
)
def test_a_machine_without_nvml_says_why(monkeypatch, module, error, message):
    monkeypatch.setitem(sys.modules, "pynvml", module)
    with pytest.raises(error, match=message):
        nvml_counters()


def test_one_sentence_where_nothing_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    counters, sentence = find_counters(tmp_path)
    assert counters == []
    assert "not measurable here (no RAPL counter" in sentence
    assert sentence.endswith("so what stands here is modelled.")


def test_both_kinds_of_counter_are_found_together(powercap, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNVML())
    counters, sentence = find_counters(powercap)
    assert len(counters) == 6
    assert sentence.startswith("Measurable here: package-0, ")


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleep and the calls move."""
    state = SimpleNamespace(now=0.0)
    state.sleep = lambda seconds: setattr(state, "now", state.now + seconds)
    fake = SimpleNamespace(perf_counter=lambda: state.now, sleep=state.sleep)
    monkeypatch.setattr(measured, "time", fake)
    return state


def test_joules_of_a_call_are_those_above_idle(clock):
    """Idle takes 5 W; a call of half a second takes 3 J more. The counter wraps in the busy window."""
    used = SimpleNamespace(extra=WRAP - 60)

    def call():
        clock.now += 0.5
        used.extra += 3

    counter = Counter("package-0", lambda: (used.extra + 5 * clock.now) % WRAP, WRAP)
    result = measure(call, window=partial(counter_window, [counter]))
    assert (result.calls, result.seconds, result.kind) == (20, 10, "measured")
    assert result.idle_watts["package-0"] == pytest.approx(5)
    assert result.joules["package-0"] == pytest.approx(3)


def test_a_slow_call_is_made_once_and_in_full(clock):
    result = measure(
        lambda: clock.sleep(40), window=partial(counter_window, [Counter("x", lambda: 7 * clock.now)])
    )
    assert result.calls == 1
    assert result.seconds == 40
    assert result.joules["x"] == pytest.approx(0)


@pytest.mark.parametrize("seconds", [9.9, 0, float("nan")])
def test_a_window_that_is_too_short_is_refused(seconds):
    with pytest.raises(ValueError, match="windows of at least 10 s"):
        measure(lambda: None, window=partial(counter_window, []), seconds=seconds)
