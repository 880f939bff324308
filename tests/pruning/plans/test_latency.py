"""Budgets in measured time: what the table says, and that plans follow it. Nothing here is timed: clocks are replaced."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning import gather
from pidnet.pruning.plans import _latency
from pidnet.pruning.plans._latency import Grid, LatencyTable


def seconds(call):
    """A machine whose layers take 1 s and 1 s for each pair of an input and an output of a weight; the whole network takes 1,000 s."""
    weight = getattr(getattr(call, "func", None), "weight", None)
    return 1000.0 if weight is None else 1.0 + (weight.shape[0] * weight.shape[1] if weight.ndim > 1 else 0.0)


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setattr(_latency, "_times", lambda calls, _=0: [[seconds(call)] * 3 for call in calls])


def chain(widths=(8, 8), samples=80):
    torch.manual_seed(0)
    sizes = (5, *widths, 3)
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
    model, x = nn.Sequential(*layers[:-1]).eval(), torch.randn(samples, 5)
    with torch.no_grad():
        return model, (x, model(x).argmax(1))


def test_a_width_between_what_was_measured_costs_what_the_next_larger_one_does():
    grid = Grid(np.array([1, 4]), np.array([2, 8]), np.array([[1.0, 4.0], [4.0, 16.0]]))
    assert [grid.at(1, 2), grid.at(4, 8), grid.at(1, 5), grid.at(2, 2), grid.at(1, 1)] == [1, 16, 4, 4, 1]
    assert grid.at(0, 8) == grid.at(4, 0) == 0


def test_layers_of_one_form_are_timed_once(monkeypatch):
    timed = []
    monkeypatch.setattr(
        _latency, "_times", lambda calls, _=0: timed.append(len(calls)) or [[1.0]] * len(calls)
    )
    model, data = chain((8, 8, 8))
    table = LatencyTable.of(gather(model, data).network, data[0])
    # Outputs and inputs of 8 x 5, of 8 x 8 once and of 3 x 8, between runs of the whole, then that beside its half.
    assert timed == [1, 40, 64, 24, 1, 2]
    assert table.grids["2"] is table.grids["4"]


def test_the_table_is_what_layers_take(machine):
    model, data = chain()
    table = LatencyTable.of(gather(model, data).network, data[0])
    assert table.whole == 1000
    assert set(table.grids) == {"0", "2", "4"}
    assert table.grids["2"].at(4, 8) == 33
    full = {"0": 8, "2": 8}
    assert table.seconds(full) == 1000
    assert table.seconds(full | {"2": 7}) == 1000 - 8 - 3


def test_what_layers_do_not_account_for_shrinks_as_they_do(monkeypatch):
    def times(calls, _=0):
        wholes = [[1000.0], [400.0]]  # the dense network, and that at the widths asked for
        return wholes if len(calls) == 2 else [[seconds(call)] for call in calls]

    monkeypatch.setattr(_latency, "_times", times)
    model, data = chain()
    table = LatencyTable.of(gather(model, data).network, data[0])
    saved = 4 * 5 + (8 * 8 - 4 * 4) + 3 * 4
    assert table.saved({"0": 4, "2": 4}) == saved
    assert table.seconds({"0": 4, "2": 4}) == pytest.approx(400)
    assert table.seconds({"0": 8, "2": 4}) == pytest.approx(1000 - (8 * 4 + 3 * 4) * 600 / saved)
    table.fit({"0": 8, "2": 4})
    assert table.seconds({"0": 8, "2": 4}) == pytest.approx(400)


def test_channels_of_convolutions_and_norms_are_counted(machine):
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)),
    ).eval()
    x = torch.randn(40, 2, 5, 5)
    table = LatencyTable.of(gather(net, (x, torch.arange(40) % 3)).network, x)
    assert table.grids["1"].seconds.shape[1] == 1
    full = {"0": 8, "3": 4}
    saved = [table.whole - table.seconds(full | less) for less in ({"0": 7}, {"3": 3})]
    assert saved == [
        2 + 4,
        8 + 27,
    ]  # rows of the one, columns of the other; BatchNorm takes 1 s whatever its width


@pytest.mark.parametrize("allocation", ["uniform", "measured"])
def test_a_plan_keeps_its_promise_by_the_table(machine, monkeypatch, allocation):
    monkeypatch.setattr(
        _latency, "time_both", lambda *_, **__: pn.energy.Latency(32, *[pn.energy.Compared(2.0, 1.0)] * 3)
    )
    model, data = chain((12, 12))
    plan = pn.plan_pruning(model, data, latency=0.8, criterion="obs", allocation=allocation)
    found = plan.settings["latency"]
    assert found["by_table"] <= 0.8
    assert found["measured"] == 0.5
    assert "takes 0.50 of the dense 2e+03 ms (measured" in plan.explain()
    assert pn.PruningPlan.from_json(plan.to_json()) == plan


def test_it_runs_on_a_real_clock():
    model, data = chain((256, 256), samples=300)  # wide enough for its widths to take time
    plan = pn.plan_pruning(model, data, latency=0.95, criterion="l2")
    assert 0 < plan.settings["latency"]["dense_ms"] < 1e4
    with pytest.raises(ValueError, match=r"latency=1\.5 is not a share above 0"):
        pn.plan_pruning(model, data, latency=1.5)
