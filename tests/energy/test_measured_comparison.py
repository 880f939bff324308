"""Measured joules beside the modelled ones."""

import math
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pidnet.energy import (
    EnergyFigure,
    Window,
    add_measured,
    compare_energy,
    comparison,
    measured,
)
from tests.energy.nets import EXAMPLE, mlp


@pytest.fixture
def report():
    return compare_energy(mlp(256), mlp(128), EXAMPLE)


class Costly(nn.Module):
    """Moves a fake clock and a fake counter by so much a call."""

    def __init__(self, state, seconds, joules):
        super().__init__()
        self.state, self.seconds, self.joules = state, seconds, joules

    def forward(self, x):
        assert torch.is_inference_mode_enabled()
        assert not self.training
        self.state.now += self.seconds
        self.state.used += self.joules
        return x


@pytest.fixture
def meter(monkeypatch):
    """A fake clock, and windows of a fake counter that idles at 2 W."""
    state = SimpleNamespace(now=0.0, used=0.0)
    sleep = lambda seconds: setattr(state, "now", state.now + seconds)  # noqa: E731
    monkeypatch.setattr(measured, "time", SimpleNamespace(perf_counter=lambda: state.now, sleep=sleep))

    @contextmanager
    def window():
        open_window, start, used = Window(), state.now, state.used
        yield open_window
        open_window.seconds = state.now - start
        open_window.joules = {"package-0": 2 * open_window.seconds + state.used - used}

    state.window = window
    return state


def test_measured_joules_stand_beside_the_modelled_ones_per_sample(report, meter):
    models = Costly(meter, 0.5, 8.0), Costly(meter, 0.25, 2.0)
    result = add_measured(report, models, EXAMPLE, window=meter.window, rounds=1)
    assert result.energy[:2] == report.energy
    assert result.energy[2] == EnergyFigure("package-0", pytest.approx((4.0, 1.0)), "measured")
    assert result.energy[2].kept == pytest.approx(0.25)
    line = next(line for line in str(result).splitlines() if "package-0" in line)
    assert line.split()[-1] == "measured"


def test_figures_that_are_not_above_idle_are_said_to_be_no_evidence(report, meter):
    models = Costly(meter, 0.5, 8.0), Costly(meter, 0.25, -0.1)
    result = add_measured(report, models, EXAMPLE, window=meter.window, rounds=1)
    assert "no evidence either way: package-0" in result.measured_note
    assert math.isnan(result.energy[2].kept)


def test_a_meter_without_counters_measures_nothing_and_says_so(report, meter):
    @contextmanager
    def window():
        yield Window(seconds=10.0)

    result = add_measured(report, [Costly(meter, 10.0, 1.0)] * 2, EXAMPLE, window=window, rounds=1)
    assert result.energy == report.energy
    assert "no counter here" in result.measured_note


def test_the_median_round_stands(report, meter):
    dense = Costly(meter, 10.0, 8.0)
    turns = iter([8.0, 800.0, 10.0])
    dense.register_forward_pre_hook(lambda module, args: setattr(module, "joules", next(turns)))
    result = add_measured(report, (dense, Costly(meter, 10.0, 2.0)), EXAMPLE, window=meter.window, rounds=3)
    assert result.energy[2].joules == pytest.approx((5.0, 1.0))


def test_where_nothing_can_be_measured_the_report_says_so(report, monkeypatch):
    monkeypatch.setattr(comparison, "find_counters", lambda: ([], "not measurable here (no counter)"))
    result = add_measured(report, (mlp(4), mlp(2)), EXAMPLE)
    assert result.energy == report.energy
    assert "not measurable here (no counter)" in str(result)


def test_no_round_is_refused(report):
    with pytest.raises(ValueError, match="rounds is 0"):
        add_measured(report, (mlp(4), mlp(2)), EXAMPLE, rounds=0)
