"""Entropy of codes against counting, known distributions and the literature's formulas."""

import math

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.channels import Discrete
from pidnet.estimators._counts import chao_shen, chao_wang_jost, coverage, plug_in
from pidnet.estimators.codes import row_codes


def signs(units, samples, seed=0):
    """Signs of random directions of 4 Gaussian inputs, uint8 (sample, unit)."""
    rng = np.random.default_rng(seed)
    weights, shift = (
        np.random.default_rng(99).normal(size=(units, 4)),
        np.random.default_rng(98).normal(size=units),
    )
    return (rng.normal(size=(samples, 4)) @ weights.T + shift > 0).astype(np.uint8)


def test_all_patterns_of_12_bits_have_12_bits():
    bits = ((np.arange(4096)[:, None] >> np.arange(12)) & 1).astype(np.uint8)
    found = pn.code_information(bits, bits[:, 0], about="data")
    for quantity, truth in (("H(T)", 12), ("I(X;T)", 12), ("I(X;T|Y)", 11), ("I(T;Y)", 1)):
        assert (
            found[quantity].value
            == found[quantity].low
            == found[quantity].high
            == pytest.approx(truth, abs=1e-12)
        )


def test_rows_are_told_apart_byte_by_byte():
    values = np.random.default_rng(0).integers(0, 3, (500, 4))
    _, truth = np.unique(values, axis=0, return_inverse=True)
    found = row_codes(values)
    assert len(np.unique(found * 1000 + truth.ravel())) == len(np.unique(found)) == len(np.unique(truth))


@pytest.mark.parametrize("samples", [2000, 8000])
def test_at_full_coverage_the_truth_is_in_the_bracket(samples):
    truth = plug_in(np.unique(row_codes(signs(10, 200_000, seed=7)), return_counts=True)[1])
    found = pn.code_information(signs(10, samples))["H(T)"]
    assert found.state == "ok"
    assert abs(found.value - truth) < 0.05 + 2 * found.error
    assert found.low <= truth <= found.high


def test_states_go_by_coverage():
    states = [pn.code_information(signs(units, 2000))["H(T)"].state for units in (10, 16, 64)]
    assert states == ["ok", "undersampled", "saturated"]
    saturated = pn.code_information(signs(64, 2000))["H(T)"]
    assert saturated.high == 64
    assert "not seen yet" in saturated.notes[0]


def test_chao_shen_and_coverage_as_published():
    counts = np.array([4, 3, 1, 1, 1])
    assert coverage(counts) == pytest.approx(0.7)
    p = 0.7 * counts / 10
    assert chao_shen(counts) == pytest.approx(-sum(p * np.log2(p) / (1 - (1 - p) ** 10)))


def test_chao_wang_and_jost_as_published():
    counts = np.array([4, 3, 2, 1, 1, 1])
    n, p = 12, 2 / (11 * 3 + 2)
    seen = sum(c / n * sum(1 / k for k in range(c, n)) for c in counts)
    rest = 3 / n * (1 - p) ** (1 - n) * (-np.log(p) - sum((1 - p) ** r / r for r in range(1, n)))
    assert chao_wang_jost(counts) == pytest.approx((seen + rest) / np.log(2))
    assert chao_wang_jost(np.array([6, 6])) == pytest.approx(sum(1 / k for k in range(6, 12)) / np.log(2))


@pytest.mark.parametrize(
    ("share", "samples"), [(np.full(512, 1 / 512), 4000), (0.7 ** np.arange(60) * 0.3, 300)]
)
def test_brackets_hold_the_truth_of_known_distributions(share, samples):
    """Where all codes are seen often, Chao and Shen are too low; where few are, all are."""
    share = share / share.sum()
    truth = -float((share * np.log2(share)).sum())
    inside = []
    for seed in range(30):
        codes = np.random.default_rng(seed).choice(len(share), samples, p=share)[:, None]
        found = pn.code_information(codes)["H(T)"]
        inside.append(found.state == "ok" and found.low <= truth <= found.high)
    assert sum(inside) >= 28


def test_labels_without_information_have_none_inside_the_bracket():
    labels = np.random.default_rng(5).integers(0, 10, 2000)
    found = pn.code_information(signs(14, 2000), labels)["I(T;Y)"]
    assert found.low == 0 <= found.high
    assert found.state != "ok"
    assert found.settings["null"] > 0.5


def test_a_code_that_is_the_label_has_all_of_it():
    labels = np.arange(1000) % 4
    found = pn.code_information(labels[:, None], labels)["I(T;Y)"]
    assert found.value == pytest.approx(2, abs=1e-6)
    assert found.low > 1.95


def test_values_add_up():
    labels = np.random.default_rng(5).integers(0, 3, 2000)
    found = pn.code_information(signs(8, 2000), labels)
    assert found["I(X;T)"].value == pytest.approx(found["I(X;T|Y)"].value + found["I(T;Y)"].value, abs=1e-12)


def test_a_channel_of_codes_a_tensor_and_quantized_activations_are_taken():
    bits = torch.from_numpy(signs(6, 500))
    truth = pn.code_information(bits)["H(T)"].value
    assert pn.code_information(Discrete(2.5 * bits))["H(T)"].value == truth
    acts = pn.Activations({"fc": bits.float()}, torch.arange(500) % 2, {"fc": "none"})
    assert pn.code_information(pn.quantize(acts, 2, "own_values").layers["fc"])["H(T)"].value == truth


def test_a_constant_layer_has_no_information():
    found = pn.code_information(np.zeros((100, 3)), np.arange(100) % 2)
    assert [f.value for f in found.values()] == pytest.approx([0] * 4, abs=1e-12)


@pytest.mark.parametrize(
    ("codes", "y", "message"),
    [
        (np.zeros((1, 3)), None, "1 sample; expected at least 2"),
        (np.full((10, 3), math.nan), None, "not finite"),
        (np.zeros(10), None, r"expected \(sample, unit\)"),
        (np.zeros((10, 2)), np.zeros(10), "all labels are"),
        (np.zeros((10, 2)), np.arange(10), "10 classes for 10 samples"),
        (np.zeros((10, 2)), np.arange(9) % 2, "one label for each of the 10 samples"),
    ],
)
def test_bad_codes_are_refused_in_words(codes, y, message):
    with pytest.raises(ValueError, match=message):
        pn.code_information(codes, y)
