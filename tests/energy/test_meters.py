"""Zeus and CodeCarbon against fakes with their call order and units."""

import sys
from types import SimpleNamespace

import pytest

from pidnet.energy import codecarbon_window, zeus_window


class FakeZeus:
    def __init__(self):
        self.open = []

    def begin_window(self, name):
        self.open.append(name)

    def end_window(self, name):
        self.open.remove(name)
        return SimpleNamespace(time=12.0, gpu_energy={0: 30.0}, cpu_energy={0: 5.0, 1: 6.0}, dram_energy=None)


class FakeTracker:
    def __init__(self, **options):
        self.options = options

    def start(self):
        self.started = True

    def stop(self):
        assert self.started
        self.final_emissions_data = SimpleNamespace(cpu_energy=1e-6, gpu_energy=0.0, ram_energy=2e-6)


def test_zeus_joules_by_device_are_measured():
    monitor = FakeZeus()
    with zeus_window(monitor) as window:
        assert monitor.open == ["pidnet"]
    assert monitor.open == []
    assert window.joules == {"gpu-0": 30.0, "cpu-0": 5.0, "cpu-1": 6.0}
    assert (window.seconds, window.kind) == (12.0, "measured")


def test_codecarbon_kilowatt_hours_become_joules_and_are_estimated():
    with codecarbon_window(FakeTracker()) as window:
        pass
    assert window.joules == pytest.approx({"cpu": 3.6, "gpu": 0.0, "ram": 7.2})
    assert window.kind == "estimated"


def test_a_meter_is_imported_when_a_window_opens(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeus.monitor", SimpleNamespace(ZeusMonitor=FakeZeus))
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=FakeTracker))
    with zeus_window() as zeus, codecarbon_window() as carbon:
        pass
    assert zeus.joules["gpu-0"] == 30.0
    assert carbon.joules["cpu"] == pytest.approx(3.6)


@pytest.mark.parametrize("open_window", [zeus_window, codecarbon_window])
def test_a_missing_meter_is_named_with_its_remedy(monkeypatch, open_window):
    monkeypatch.setitem(sys.modules, "zeus.monitor", None)
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with (
        pytest.raises(ImportError, match=r"cannot be imported .* pip install (zeus|codecarbon)"),
        open_window(),
    ):
        pass


def test_an_error_inside_closes_the_window():
    monitor = FakeZeus()
    with pytest.raises(RuntimeError, match="not today"), zeus_window(monitor):
        raise RuntimeError("not today")
    assert monitor.open == []
