import pytest
import torch
from safetensors.torch import save_file

import pidnet as pn


def test_a_pruned_network_comes_back_from_one_file(mlp, calibration, digits, tmp_path):
    plan = pn.plan_pruning(mlp, calibration, keep=0.3, criterion="l1")
    small = pn.apply_plan(mlp, plan, calibration)
    path = pn.save_pruned(small, plan, digits.x_test, tmp_path / "small")
    loaded = pn.load_pruned(pn.zoo.mlp(64, (48, 32), 10), path)
    assert path.name == "small.safetensors"
    assert torch.equal(loaded(digits.x_test), small(digits.x_test))


def test_bad_input(mlp, calibration, digits, tmp_path):
    plan = pn.plan_pruning(mlp, calibration, keep=0.3, criterion="l1")
    path = pn.save_pruned(pn.apply_plan(mlp, plan, calibration), plan, digits.x_test, tmp_path / "small")
    with pytest.raises(ValueError, match="does not fit this Sequential"):
        pn.load_pruned(pn.zoo.mlp(64, (48, 32), 9), path)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="holds no pruning plan"):
        pn.load_pruned(mlp, tmp_path / "other.safetensors")
