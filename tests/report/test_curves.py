from dataclasses import replace

import numpy as np
import pytest

from pidnet.report._curves import accuracy_curve, energy_by_layer, layer_profile
from pidnet.runs import read_run


@pytest.fixture
def run(run_folder):
    return read_run(run_folder)


def test_the_profile_has_the_shares_of_each_layer(run):
    maps = run.maps[:2]
    made = layer_profile(maps)
    assert (made["measure"], list(made["layers"])) == ("i_min", [layer_map.layer for layer_map in maps])
    for k, layer_map in enumerate(maps):
        total = layer_map.atoms.total.mean()
        atom = made["atoms"]["redundancy"]
        assert atom["share"][k] == pytest.approx(layer_map.atoms.redundancy.mean() / total)
        assert atom["low"][k] < atom["share"][k] < atom["high"][k]
        assert atom["noise_floor"][k] == pytest.approx(layer_map.noise_floor["redundancy"] / total)
        assert made["atoms"]["unique_sum"]["noise_floor"][k] == pytest.approx(
            2 * layer_map.noise_floor["unique1"] / total
        )


def test_a_map_without_a_floor_has_none(run):
    made = layer_profile([replace(layer_map, noise_floor={}) for layer_map in run.maps[:2]])
    assert made["atoms"]["synergy"]["noise_floor"] == [None, None]


def test_the_curve_starts_at_the_dense_network(run):
    sram, dram = accuracy_curve(run.budgets)
    assert sram["names"] == ["dense", "0.5", "0.25"]
    assert (sram["where"], dram["where"]) == ("sram", "dram")
    assert sram["nanojoules"][0] > sram["nanojoules"][1] > sram["nanojoules"][2]
    assert dram["nanojoules"][0] > sram["nanojoules"][0]
    assert sram["accuracy"][2] == run.budgets[1].report.accuracy[1]
    assert sram["front"][2]


def test_no_curve_without_accuracy(run):
    blind = [replace(one, report=replace(one.report, accuracy=None)) for one in run.budgets]
    assert accuracy_curve(blind) == accuracy_curve([]) == []


def test_energy_by_layer_adds_up_to_the_total(run):
    networks = energy_by_layer(run.budgets)
    assert [network["name"] for network in networks] == ["dense", "0.5", "0.25"]
    figures = run.budgets[1].report.figure("dram").joules
    for network, joules in zip((networks[0], networks[2]), figures, strict=True):
        assert np.sum(network["dram"]) == pytest.approx(joules * 1e9)
    assert energy_by_layer([]) == []
