"""What holds for every family of networks: expanded and collapsed alike, cut, repaired, stored, exported."""

import copy
import warnings
from functools import reduce

import pytest
import torch

import pidnet as pn
from pidnet.networks.expanded import collapse, expand
from pidnet.networks.running import scores
from pidnet.pruning.structure.discovery import cuttable, discover
from tests.pruning.families import FAMILIES, make

WHAT_CAN_BE_CUT = {
    "mlp": {"fc1": 8, "fc2": 9},
    "conv": {"conv1": 6, "conv2": 8},
    "lenet": {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84},
    "depthwise": {"wide": 8, "point": 6},
    "resnet": {
        "conv1": 6,
        "stage1.0.conv1": 6,
        "stage2.0.conv1": 12,
        "stage2.0.conv2": 12,
        "stage3.0.conv1": 24,
        "stage3.0.conv2": 24,
    },
    "densenet": {
        "conv1": 8,
        "dense1.0.conv": 4,
        "dense1.1.conv": 4,
        "narrow1": 8,
        "dense2.0.conv": 4,
        "dense2.1.conv": 4,
    },
    "lstm": {"rnn.l0": 6, "rnn.l0_reverse": 6, "rnn.l1": 6, "rnn.l1_reverse": 6},
    "transformer": {
        "blocks.0.attention": 4,
        "blocks.0.ffn1": 12,
        "blocks.1.attention": 4,
        "blocks.1.ffn1": 12,
    },
    "encoder": {
        "encoder.layers.0.self_attn": 4,
        "encoder.layers.0.linear1": 24,
        "encoder.layers.1.self_attn": 4,
        "encoder.layers.1.linear1": 24,
    },
    "bert": {
        "bert.encoder.layer.0.attention.self": 4,
        "bert.encoder.layer.0.intermediate.dense": 48,
        "bert.encoder.layer.1.attention.self": 4,
        "bert.encoder.layer.1.intermediate.dense": 48,
        "bert.pooler.dense": 32,
    },
    "gpt2": {
        "transformer.h.0.attn": 4,
        "transformer.h.0.mlp.c_fc": 128,
        "transformer.h.1.attn": 4,
        "transformer.h.1.mlp.c_fc": 128,
    },
    "cells": {"first": 6, "second": 8},
    "vit": {
        "vit.layers.0.attention": 4,
        "vit.layers.0.mlp.fc1": 48,
        "vit.layers.1.attention": 4,
        "vit.layers.1.mlp.fc1": 48,
    },
}


# The first releases of transformers 5 name the parts of a ViT otherwise.
RENAMED = {"encoder.layer.": "layers.", "attention.attention": "attention", "intermediate.dense": "mlp.fc1"}


def new_name(layer):
    return (
        reduce(lambda name, old: name.replace(old, RENAMED[old]), RENAMED, layer)
        if "vit." in layer
        else layer
    )


@pytest.fixture(autouse=True)
def quiet_peers():
    """transformers and torch's own modules warn about themselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", message="enable_nested_tensor")
        warnings.filterwarnings("ignore", message=".*calibration samples are fewer than")
        yield


@pytest.mark.parametrize("family", WHAT_CAN_BE_CUT)
def test_what_can_be_cut(family):
    model, (x, _) = make(family)
    found = cuttable(model, x).groups
    assert {new_name(name): p.units for name, p in found.items()} == WHAT_CAN_BE_CUT[family]


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_expanding_and_collapsing_change_nothing(family):
    model, (x, _) = make(family)
    expected = scores(model, x)
    torch.testing.assert_close(scores(expand(model), x), expected, atol=1e-6, rtol=1e-5)
    again = collapse(expand(model))
    assert str(again) == str(model)
    torch.testing.assert_close(scores(again, x), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_units_that_nobody_reads_can_go_from_every_layer_at_once(family):
    model, (x, _) = make(family)
    dense = cuttable(model, x)
    found = dense.groups
    remove = {name: list(range(1, 1 + p.units // 2)) for name, p in found.items()}
    for name, p in found.items():
        for consumer, columns in p.consumers.items():
            dense.weighted(consumer).weight[:, columns[remove[name]].ravel()] = 0
    small = dense.without(remove).collapsed()
    torch.testing.assert_close(scores(small, x), dense.run(x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_remains_is_what_a_new_look_finds(family):
    model, (x, _) = make(family)
    dense = cuttable(model, x)
    small = dense.without({name: [0, group.units // 2] for name, group in dense.groups.items()})
    left, seen = small.groups, cuttable(small.model, x).groups
    assert left.keys() == seen.keys()
    for name, p in left.items():
        for kind in ("producers", "consumers", "followers"):
            assert {k: v.tolist() for k, v in getattr(p, kind).items()} == {
                k: v.tolist() for k, v in getattr(seen[name], kind).items()
            }, (name, kind)


@pytest.mark.parametrize("family", FAMILIES)
def test_planned_cut_repaired_stored_and_read_back(family, tmp_path):
    model, calibration = make(family)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="obs")
    bare, small = (pn.apply_plan(model, plan, calibration, repair) for repair in ("none", "refit"))
    x = calibration[0]
    path = pn.save_pruned(small, plan, x, tmp_path / "small")
    loaded = pn.load_pruned(copy.deepcopy(model), path)
    with torch.no_grad():
        expected = scores(model, x)
        errors = [float((scores(net, x) - expected).norm()) for net in (bare, small)]
        assert errors[1] < errors[0]
        torch.testing.assert_close(scores(loaded, x), scores(small, x), atol=1e-6, rtol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("family", ["mlp", "resnet", "lstm", "transformer"])
def test_the_information_about_the_output_ranks_every_family(family):
    model, calibration = make(family, samples=60)
    plan = pn.plan_pruning(model, calibration, keep=0.75, criterion="pid")
    assert all(r.scale == "bits" and r.cost >= 0 for rows in plan.removed.values() for r in rows)
    assert min(plan.settings["measured_bits"].values()) >= 0


@pytest.mark.parametrize("family", ["mlp", "conv", "resnet", "lstm", "encoder"])
def test_the_pruned_network_exports_to_torchscript(family, tmp_path):
    model, calibration = make(family)
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="l2")
    small = pn.apply_plan(model, plan, calibration, "fold")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(small, calibration[0][:4])
        torch.testing.assert_close(scripted(calibration[0][:4]), small(calibration[0][:4]))


def test_layers_that_cannot_be_cut_say_why():
    model, (x, _) = make("transformer")
    refused = discover(model, x).refused
    assert refused["embedding"].endswith(
        "changes the output even when they are 0 before their norm and no later layer uses them"
    )
    assert refused["head"] == "its units reach the output without another layer"
    with pytest.raises(ValueError, match=r"'embedding' cannot be cut: removing units of embedding"):
        pn.plan_pruning(model, (x, torch.zeros(len(x)).long()), 0.5, "l2", layers=["embedding"])


def test_layers_of_a_recurrent_module_keep_the_same_number():
    model, calibration = make("lstm")
    plan = pn.plan_pruning(model, calibration, 0.5, "l2", layers=["rnn.l1"])
    assert {len(units) for units in plan.kept.values()} == {3}
    assert len(plan.kept) == 4
    plan.kept["rnn.l0"] = [0]
    with pytest.raises(ValueError, match=r"removes 5 units of 'rnn\.l0' and 3 of 'rnn\.l0_reverse'"):
        pn.apply_plan(model, plan, calibration)


@pytest.mark.parametrize("family", FAMILIES)
def test_energy_of_a_pruned_network_adds_up(family):
    model, data = make(family, samples=130)
    plan = pn.plan_pruning(model, data, keep=0.5, criterion="l1")
    small = pn.apply_plan(model, plan, data, repair="none")
    report = pn.compare_energy(model, small, data[0][:1])
    assert not report.unknown
    for side, network in enumerate((model, small)):
        assert report.parameters[side] == sum(p.numel() for p in network.parameters())
        assert report.macs[side] == sum(row.macs[side] for row in report.layers)
        assert report.weight_bytes[side] == sum(row.weight_bytes[side] for row in report.layers)
        for figure, name in zip(report.energy, ("sram_joules", "dram_joules"), strict=True):
            assert figure.joules[side] == pytest.approx(
                sum(getattr(row, name)[side] for row in report.layers)
            )
    assert 0.2 < report.macs[1] / report.macs[0] < 0.95
    # torch's attention is expanded into layers of its own: those stand in one of the two columns only.
    for row in (row for row in report.layers if all(row.sram_joules)):
        assert row.macs[1] <= row.macs[0]
        assert row.sram_joules[1] <= row.sram_joules[0] < row.dram_joules[0]
