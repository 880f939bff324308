"""The timing protocol: what is run, in which mode and order, and what is said about a busy machine."""

import time
from itertools import pairwise

import pytest
import torch
from torch import nn

from pidnet.energy import Compared, Latency, compare_latency, latency


class Recorder(nn.Module):
    """Notes every call: its batch, and whether gradients and training are off."""

    def __init__(self, name, calls):
        super().__init__()
        self.name, self.calls = name, calls

    def forward(self, x):
        self.calls.append((self.name, len(x), torch.is_inference_mode_enabled(), self.training))
        return x


def test_models_take_turns_in_eval_and_inference_mode():
    calls = []
    models = Recorder("dense", calls).train(), Recorder("small", calls)
    report = compare_latency(*models, torch.ones(3, 2), block_seconds=1e-4)
    assert {call[2:] for call in calls} == {(True, False)}
    assert {call[1] for call in calls} == {1, 3}
    for batch in (1, 3):
        names = [name for name, size, *_ in calls if size == batch]
        turns = sum(a != b for a, b in pairwise(names))
        assert turns >= 2 * report.rounds - 1
    assert models[0].training


def test_the_slower_model_takes_longer_by_both_clocks():
    slow = nn.Sequential(*[nn.Linear(200, 200) for _ in range(20)])
    report = compare_latency(slow, nn.Linear(200, 200), torch.randn(8, 200), block_seconds=0.01)
    one, many = report.latencies
    assert (one.batch, many.batch) == (1, 8)
    for timing in report.latencies:
        assert timing.wall[0] > 2 * timing.wall[1] > 0
        assert timing.cpu[0] > 2 * timing.cpu[1] > 0
    assert "measured" in str(report)


class Sleeper(nn.Module):
    def forward(self, x):
        time.sleep(0.005)
        return x


def test_waiting_is_wall_time_and_no_cpu_time():
    timing = compare_latency(Sleeper(), Sleeper(), torch.ones(1, 2), block_seconds=1e-4).latencies[0]
    assert min(timing.wall) >= 0.005
    assert max(timing.cpu) < 0.0025


def test_an_example_of_one_sample_is_timed_once():
    assert [
        t.batch for t in compare_latency(*[nn.Identity()] * 2, torch.ones(1, 2), block_seconds=1e-4).latencies
    ] == [1]


def test_throughput_and_fractions():
    timing = Latency(
        batch=10, wall=Compared(0.002, 0.001), iqr=Compared(0.0, 0.0), cpu=Compared(0.004, 0.001)
    )
    assert timing.samples_per_second == (5000, 10000)
    assert "wall kept 0.500, CPU kept 0.250" in str(timing)


@pytest.mark.parametrize(("load", "warned"), [(0.3, False), (1.7, True)])
def test_a_busy_machine_is_said_to_be_busy(monkeypatch, load, warned):
    monkeypatch.setattr(latency.os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(latency.os, "cpu_count", lambda: 2)
    report = compare_latency(*[nn.Identity()] * 2, torch.ones(1, 2), block_seconds=1e-4)
    assert ("Warning: load 1.7 on 2 processors" in str(report)) == warned


def test_too_few_rounds_and_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="rounds is 4"):
        compare_latency(nn.Identity(), nn.Identity(), torch.ones(1, 2), rounds=4)
    with pytest.raises(ValueError, match="the model does not run on inputs of shape"):
        compare_latency(nn.Linear(3, 2), nn.Linear(3, 2), torch.ones(1, 2))


def test_a_machine_that_does_not_count_its_load_is_not_busy(monkeypatch):
    """Fault F12: Windows has no such figure."""
    monkeypatch.delattr(latency.os, "getloadavg")
    assert latency.busy_machine() is None
