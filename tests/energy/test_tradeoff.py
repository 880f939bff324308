"""Pareto fronts against all pairs; paybacks and grams by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from pidnet.energy import (
    accuracy_energy,
    co2_grams,
    compare_energy,
    inferences_to_pay_back,
    modelled_payback,
    pareto_front,
)


@pytest.fixture
def report():
    return compare_energy(nn.Linear(64, 32), nn.Linear(64, 16), torch.randn(1, 64))


def test_front_of_five_points():
    points = [(3, 0.9), (1, 0.5), (2, 0.5), (2, 0.8), (4, 0.9)]
    assert pareto_front(points).tolist() == [1, 3, 0]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_front_is_what_no_other_point_beats(points):
    front = pareto_front(np.array(points, dtype=float).reshape(-1, 2))
    beaten = [
        any((c <= cost and a >= gain) and (c < cost or a > gain) for c, a in points) for cost, gain in points
    ]
    assert {points[i] for i in front} == {p for p, worse in zip(points, beaten, strict=True) if not worse}
    assert len({points[i] for i in front}) == len(front)
    assert np.all(np.diff([points[i][0] for i in front]) > 0)


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[np.nan, 0.5]]])
def test_points_of_another_shape_are_refused(points):
    with pytest.raises(ValueError, match=r"expected \(point, 2\) as \(cost, accuracy\)"):
        pareto_front(points)


def test_points_of_a_curve_are_the_dense_network_and_each_small_one():
    widths, accuracies = (16, 8), (0.8, 0.7)
    reports = [
        compare_energy(nn.Linear(64, 32), nn.Linear(64, width), torch.zeros(1, 64), accuracy=(0.9, accuracy))
        for width, accuracy in zip(widths, accuracies, strict=True)
    ]
    points = accuracy_energy(reports, "sram")
    assert points[:, 1].tolist() == [0.9, 0.8, 0.7]
    assert points[:, 0].tolist() == [
        reports[0].energy[0].joules[0],
        *(r.energy[0].joules[1] for r in reports),
    ]
    assert pareto_front(points).tolist() == [2, 1, 0]
    with pytest.raises(ValueError, match="no energy figure 'gpu-0'; it has sram, dram"):
        accuracy_energy(reports, "gpu-0")


def test_a_curve_without_accuracies_is_refused(report):
    for reports in ([], [report]):
        with pytest.raises(ValueError, match="every report needs its accuracy"):
            accuracy_energy(reports)


def test_payback_by_hand():
    assert inferences_to_pay_back(10.0, (3.0, 1.0)) == 5
    assert inferences_to_pay_back(11.0, (3.0, 1.0)) == 6
    assert inferences_to_pay_back(0.0, (3.0, 1.0)) == 0
    assert inferences_to_pay_back(10.0, (1.0, 1.0)) == math.inf


def test_modelled_payback_counts_calibration_and_pruning(report):
    plain = modelled_payback(report, calibration_samples=100)
    for figure in report.energy:
        dense, small = figure.joules
        assert plain[figure.where] == math.ceil(100 * dense / (dense - small))
    more = modelled_payback(report, calibration_samples=100, passes=3, pruning_macs=10**6)
    dense, small = report.energy[0].joules
    assert more["sram"] == math.ceil((300 * dense + 4.6e-6) / (dense - small))


def test_grams_only_with_a_grid(report):
    grams = co2_grams(report, grid_intensity=360)
    assert grams["dram"][0] == pytest.approx(report.energy[1].joules[0] * 1e-4)
    assert "CO2" not in str(report)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_inputs_are_refused(report, value):
    with pytest.raises(ValueError, match="grid_intensity is"):
        co2_grams(report, value)
    with pytest.raises(ValueError, match="invested is"):
        inferences_to_pay_back(value, (2.0, 1.0))


def test_a_negative_calibration_is_refused(report):
    with pytest.raises(ValueError, match="expected numbers of at least 0"):
        modelled_payback(report, calibration_samples=-1)
