"""The report: pairs, fractions, both modelled ends, and the words that must stand beside joules."""

import json

import pytest
import torch
from torch import nn

from pidnet.energy import compare_energy


def mlp(width):
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


@pytest.fixture
def report():
    return compare_energy(mlp(256), mlp(128), torch.randn(2, 64), accuracy=(0.97, 0.95))


def test_totals_are_those_of_the_two_models(report):
    assert report.macs == (84_480, 64 * 128 + 128 * 128 + 1280)
    assert report.parameters == tuple(sum(p.numel() for p in mlp(w).parameters()) for w in (256, 128))
    assert report.weight_bytes == tuple(4 * n for n in report.parameters)


def test_layer_rows_add_up_to_the_totals(report):
    for side in (0, 1):
        assert sum(row.macs[side] for row in report.layers) == report.macs[side]
        assert sum(row.sram_joules[side] for row in report.layers) == pytest.approx(
            report.energy[0].joules[side]
        )


def test_text_names_every_energy_as_modelled(report):
    text = str(report)
    assert "84,480" in text
    assert "0.950" in text
    for line in text.splitlines():
        if "energy" in line.lower():
            assert "modelled" in line.lower()


def test_json_holds_the_whole_report(report):
    data = json.loads(report.to_json())
    assert tuple(data["macs"]) == report.macs
    assert {figure["kind"] for figure in data["energy"]} == {"modelled"}
    assert len(data["layers"]) == len(report.layers)


def test_pandas_has_a_row_a_layer(report):
    frame = report.to_pandas()
    assert frame.loc["2", "macs_dense"] == 256 * 256
    assert frame.loc["2", "macs_small"] == 128 * 128


def test_accuracy_outside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match="accuracy is"):
        compare_energy(mlp(4), mlp(2), torch.randn(1, 64), accuracy=(97, 95))
