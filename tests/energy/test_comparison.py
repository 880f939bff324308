"""The report: pairs, fractions, both modelled ends, and the words that must stand beside joules."""

import json
import sys
from dataclasses import FrozenInstanceError
from functools import partial

import pytest
import torch
from torch import nn

from pidnet.energy import (
    EnergyReport,
    compare_energy,
    count,
    modelled_energy,
    total,
)
from tests.energy.nets import EXAMPLE, mlp


@pytest.fixture
def report():
    return compare_energy(mlp(256), mlp(128), EXAMPLE, accuracy=(0.97, 0.95))


def test_totals_are_those_of_the_two_models(report):
    assert report.macs == (84_480, 64 * 128 + 128 * 128 + 1280)
    assert report.parameters == tuple(sum(p.numel() for p in mlp(w).parameters()) for w in (256, 128))
    assert report.weight_bytes == tuple(4 * n for n in report.parameters)
    for side, width in enumerate((256, 128)):
        joules = total(modelled_energy(count(mlp(width), EXAMPLE)))
        assert [figure.joules[side] for figure in report.energy] == [joules.sram, joules.dram]
    assert [(figure.where, figure.kind) for figure in report.energy] == [
        ("sram", "modelled"),
        ("dram", "modelled"),
    ]


def test_layer_rows_add_up_to_the_totals(report):
    for side in (0, 1):
        assert sum(row.macs[side] for row in report.layers) == report.macs[side]
        assert sum(row.weight_bytes[side] for row in report.layers) == report.weight_bytes[side]
        for figure, name in zip(report.energy, ("sram_joules", "dram_joules"), strict=True):
            assert sum(getattr(row, name)[side] for row in report.layers) == pytest.approx(
                figure.joules[side]
            )


def test_one_row_in_full(report):
    row = report.layers[2]
    assert (row.layer, row.kind, row.macs) == ("2", "linear", (256**2, 128**2))
    assert row.weight_bytes == (4 * 256 * 257, 4 * 128 * 129)
    assert row.activation_bytes == (4 * 512, 4 * 256)


def test_a_layer_that_was_removed_keeps_nothing():
    row = compare_energy(mlp(16), mlp(16, middle=False), EXAMPLE).layers[2]
    assert (row.layer, row.macs, row.weight_bytes) == ("2", (256, 0), (4 * 272, 0))
    assert row.sram_joules[1] == 0
    added = compare_energy(mlp(16, middle=False), mlp(16), EXAMPLE).layers[-2:]
    assert [(row.layer, row.kind, row.macs) for row in added] == [
        ("2", "linear", (0, 256)),
        ("3", "elementwise", (0, 0)),
    ]


def test_a_model_against_itself_keeps_all():
    report = compare_energy(mlp(8), mlp(8), EXAMPLE)
    assert all(figure.kept == 1 for figure in report.energy)


class Recurrent(nn.Module):
    def __init__(self, kind, width):
        super().__init__()
        self.cells, self.head = kind(8, width, batch_first=True), nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def conv_net(width):
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10)]
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 2 * width, 3, padding=1), *pooled
    )


FAMILIES = {
    "mlp": (mlp, (64,), lambda w: 64 * w + w * w + 10 * w),
    "conv": (conv_net, (1, 8, 8), lambda w: 64 * 9 * w + 64 * 9 * w * 2 * w + 20 * w),
    "lstm": (partial(Recurrent, nn.LSTM), (6, 8), lambda w: 6 * 4 * w * (8 + w) + 10 * w),
    "gru": (partial(Recurrent, nn.GRU), (6, 8), lambda w: 6 * 3 * w * (8 + w) + 10 * w),
    "transformer": (
        lambda w: nn.TransformerEncoderLayer(16, 4, w, batch_first=True),
        (6, 16),
        lambda w: 6 * 4 * 256 + 2 * 36 * 16 + 6 * 2 * 16 * w,
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [1, 5, 16, 31])
def test_every_family_gives_consistent_numbers(family, width):
    make, shape, macs = FAMILIES[family]
    report = compare_energy(make(32), make(width), torch.zeros(2, *shape))
    assert report.macs == (macs(32), macs(width))
    assert all(0 < figure.kept < 1 for figure in report.energy)
    for row in report.layers:
        pairs = (row.macs, row.weight_bytes, row.activation_bytes, row.sram_joules, row.dram_joules)
        assert all(0 <= small <= dense for dense, small in pairs)
        assert row.sram_joules[0] <= row.dram_joules[0]
    assert report.unknown == {}


def test_activations_shrink_less_than_macs():
    def net(width):
        layers = [nn.Conv2d(1, width, 3), nn.Conv2d(width, width, 3), nn.Conv2d(width, width, 3)]
        return nn.Sequential(*layers)

    report = compare_energy(net(32), net(16), torch.zeros(1, 1, 12, 12))
    sram, dram = (figure.kept for figure in report.energy)
    assert report.macs[1] / report.macs[0] < sram < dram < 0.5


def test_text_puts_the_kept_fraction_first_and_names_every_energy_as_modelled(report):
    text = str(report).replace("\n  ", " ")  # sentences on one line
    lines = text.splitlines()
    assert lines[1].split() == ["MACs", "0.3061", "84,480", "25,856", "counted"]
    assert any(line.startswith("accuracy") and "0.9700" in line and "0.9500" in line for line in lines)
    assert "not measurable here" in text or "Measurable here" in text
    for line in lines:
        if "energy" in line.lower():
            assert "modelled" in line.lower()


def test_text_names_what_is_not_counted_and_a_missing_accuracy():
    odd = nn.Sequential(nn.Linear(64, 4), nn.Bilinear(4, 4, 2))
    odd.forward = lambda x: odd[1](odd[0](x), odd[0](x))
    text = str(compare_energy(odd, mlp(4), EXAMPLE))
    assert "Not counted in full: dense: 1: Bilinear calls" in text
    assert "not given (accuracy=" in text


def test_estimated_figures_are_tagged():
    report = compare_energy(mlp(8), mlp(4), EXAMPLE, dtype={"2": "binary"})
    assert [figure.kind for figure in report.energy] == ["estimated", "estimated"]
    assert [row.energy_kind for row in report.layers if row.kind == "linear"] == [
        "modelled",
        "estimated",
        "modelled",
    ]


def test_a_dtype_for_a_layer_that_only_one_model_has():
    report = compare_energy(mlp(8), mlp(8, middle=False), EXAMPLE, dtype={"2": "int8"})
    assert (
        report.energy[0].joules[1]
        == compare_energy(mlp(8, middle=False), mlp(8), EXAMPLE).energy[0].joules[0]
    )
    with pytest.raises(ValueError, match="no such layer: 'fc9'"):
        compare_energy(mlp(8), mlp(4), EXAMPLE, dtype={"fc9": "int8"})


def test_json_holds_the_whole_report(report):
    data = json.loads(report.to_json())
    assert tuple(data["macs"]) == report.macs
    assert {figure["kind"] for figure in data["energy"]} == {"modelled"}
    assert [row["layer"] for row in data["layers"]] == [row.layer for row in report.layers]
    assert data["table"] == "horowitz_2014"
    assert data["torch"] == torch.__version__


def test_json_comes_back_as_the_same_report(report):
    again = EnergyReport.from_json(report.to_json())
    assert again == report
    assert str(again) == str(report)


@pytest.mark.parametrize("text", ["{}", "[]", '{"pidnet": 1, "torch": 1, "energy": [{}], "layers": []}'])
def test_other_json_is_no_report(text):
    with pytest.raises(ValueError, match="not an energy report"):
        EnergyReport.from_json(text)


def test_pandas_has_a_row_a_layer(report):
    frame = report.to_pandas()
    assert frame.loc["2", "macs_dense"] == 256 * 256
    assert frame.loc["2", "macs_small"] == 128 * 128
    assert frame["dram_joules_small"].sum() == pytest.approx(report.energy[1].joules[1])
    assert set(frame["energy_kind"]) == {"modelled"}


def test_without_pandas_the_remedy_is_named(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        report.to_pandas()


def test_the_report_cannot_be_changed(report):
    with pytest.raises(FrozenInstanceError):
        report.macs = (1, 1)


@pytest.mark.parametrize(
    ("accuracy", "error", "words"),
    [
        ((97, 95), ValueError, "accuracy is"),
        ((0.9,), TypeError, r"accuracy=\(0.9,\); expected 2 numbers"),
        ((0.9, float("nan")), TypeError, r"accuracy=\(0.9, nan\); expected 2 numbers"),
    ],
)
def test_impossible_accuracies_are_refused(accuracy, error, words):
    with pytest.raises(error, match=words):
        compare_energy(mlp(4), mlp(2), EXAMPLE, accuracy=accuracy)


def test_labels_give_what_guessing_reaches():
    labels = torch.tensor([0, 2, 2, 1])
    found = compare_energy(mlp(4), mlp(2), EXAMPLE, accuracy=(0.9, 0.8), labels=labels)
    assert (found.guessing, found.tested) == (0.5, 4)
    assert EnergyReport.from_json(found.to_json()) == found
    with pytest.raises(ValueError, match="labels is empty"):
        compare_energy(mlp(4), mlp(2), EXAMPLE, labels=labels[:0])
    with pytest.raises(ValueError, match="labels are not all numbers"):
        compare_energy(mlp(4), mlp(2), EXAMPLE, labels=labels * float("nan"))


def test_an_input_that_one_model_cannot_take_is_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 64\): RuntimeError"):
        compare_energy(mlp(4), nn.Linear(63, 2), EXAMPLE)
