"""The energy model against sums by hand, and its table against the published figures."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
import torch
from torch import nn

from pidnet.energy import Joules, count, modelled_energy, read_table, total
from pidnet.energy.modelled import horowitz_2014

TABLE = files("pidnet.energy") / "tables/horowitz_2014.json"
WORDS = (4 * (64 * 32 + 32) + 4 * 64 + 4 * 32) / 8  # of a linear layer 64 -> 32, in 64-bit words


@pytest.fixture
def linear():
    return count(nn.Linear(64, 32), torch.randn(1, 64))


def test_table_holds_the_published_picojoules():
    table = horowitz_2014()
    assert table.mac == pytest.approx(
        {"fp32": 3.7 + 0.9, "fp16": 1.1 + 0.4, "bf16": 1.1 + 0.4, "int8": 0.2 + 0.1, "binary": 0.03 / 4}
    )
    assert table.word["sram"] == 10
    assert 1300 <= table.word["dram"] <= 2600
    assert {name for name, kind in table.kind.items() if kind == "estimated"} == {"bf16", "binary"}


def test_a_linear_layer_by_hand(linear):
    joules = modelled_energy(linear)[""]
    assert joules.sram == pytest.approx(1e-12 * (64 * 32 * 4.6 + WORDS * 10))
    assert joules.dram == pytest.approx(1e-12 * (64 * 32 * 4.6 + WORDS * 1950))
    assert joules.kind == "modelled"


@pytest.mark.parametrize(
    ("dtype", "pj", "bits", "kind"),
    [
        ("fp32", 4.6, 32, "modelled"),
        ("fp16", 1.5, 16, "modelled"),
        ("bf16", 1.5, 16, "estimated"),
        ("int8", 0.3, 8, "modelled"),
        ("binary", 0.0075, 1, "estimated"),
    ],
)
def test_a_narrower_dtype_multiplies_and_moves_for_less(linear, dtype, pj, bits, kind):
    joules = modelled_energy(linear, dtype=dtype)[""]
    assert joules.sram == pytest.approx(1e-12 * (64 * 32 * pj + WORDS * bits / 32 * 10))
    assert joules.kind == kind


def test_the_dtype_of_the_tensors_is_used_unless_told_otherwise():
    half = count(nn.Linear(64, 32).to(torch.bfloat16), torch.randn(1, 64, dtype=torch.bfloat16))
    assert modelled_energy(half)[""] == modelled_energy(half, dtype="bf16")[""]
    assert modelled_energy(half, dtype="fp32")[""].sram == pytest.approx(
        modelled_energy(count(nn.Linear(64, 32), torch.randn(1, 64)))[""].sram
    )


def test_one_layer_may_run_in_another_dtype():
    counts = count(nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 8)), torch.randn(1, 64))
    mixed = modelled_energy(counts, dtype={"1": "binary"})
    assert mixed["0"] == modelled_energy(counts)["0"]
    assert mixed["1"] == modelled_energy(counts, dtype="binary")["1"]
    assert total(mixed) == mixed["0"] + mixed["1"]
    assert total(mixed).kind == "estimated"


def test_norms_move_weights_embeddings_rows_and_activations_nothing():
    net = nn.Sequential(nn.Embedding(1000, 16), nn.LayerNorm(16), nn.ReLU())
    joules = modelled_energy(count(net, torch.zeros(1, 5, dtype=torch.int64)))
    row_words = 2 * 5 * 16 * 4 / 8
    assert joules["0"].sram == pytest.approx(1e-12 * row_words * 10)
    assert joules["1"].sram == pytest.approx(1e-12 * 2 * 16 * 4 / 8 * 10)
    assert joules["2"] == Joules(0.0, 0.0, "modelled")


def test_a_table_of_ones_counts_what_it_prices(linear, tmp_path):
    data = json.loads(TABLE.read_text())
    data["mac"] = {"fp32": {"bits": 32, "multiply_pj": 1, "add_pj": 0, "kind": "modelled"}}
    data["access_64_bit"] = {"sram": {"pj": 0}, "dram": {"pj": 1}}
    (tmp_path / "mine.json").write_text(json.dumps(data))
    joules = modelled_energy(linear, table=read_table(tmp_path / "mine.json"))[""]
    assert joules.sram == pytest.approx(1e-12 * 64 * 32)
    assert joules.dram - joules.sram == pytest.approx(1e-12 * WORDS)


def test_unknown_dtypes_and_layers_are_refused(linear):
    with pytest.raises(ValueError, match="unknown dtype 'fp8'; table 'horowitz_2014' has fp32, fp16"):
        modelled_energy(linear, dtype="fp8")
    with pytest.raises(ValueError, match="no such layer: 'fc9'; the model has ''"):
        modelled_energy(linear, dtype={"fc9": "fp16"})
    with pytest.raises(ValueError, match="unknown dtype 'fp64'"):
        modelled_energy(replace(linear, layers={"": replace(linear.layers[""], dtype="fp64")}))


@pytest.mark.parametrize(
    "text", ["not json", "[]", '{"name": "x"}', '{"name": "x", "source": "y", "mac": 3}']
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ValueError, match=r"bad\.json is no energy table"):
        read_table(tmp_path / "bad.json")


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_table_with_an_impossible_figure_is_refused(tmp_path, value):
    data = json.loads(TABLE.read_text())
    data["mac"]["fp16"]["multiply_pj"] = value
    (tmp_path / "bad.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"fp16 has .* expected a number of at least 0"):
        read_table(tmp_path / "bad.json")
