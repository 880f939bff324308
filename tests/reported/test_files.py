"""Files that lie: what users of neighboring tools report, with its right answer."""

import numpy as np
import pytest
import torch

import pidnet as pn
from tests.reported.nets import X, Y, net


def test_a_map_that_does_not_fit_itself_is_refused(tmp_path):
    layer_map = pn.layer_maps(pn.quantize(pn.capture(net(8, 6, 4), (X, Y))), "i_mmi")["0"]
    path = layer_map.save(tmp_path / "map.npz")
    good = dict(np.load(path, allow_pickle=False))
    pairs = next(name for name in good if "pairs" in name)
    redundancy = next(name for name in good if name.endswith("redundancy"))
    for name, value, words in (
        (redundancy, good[redundancy][:3], "shape"),
        (pairs, good[pairs] + 10, "unit"),
        (redundancy, good[redundancy] * np.nan, "finite"),
    ):
        np.savez(path, **{**good, name: value})
        with pytest.raises(ValueError, match=words):
            pn.LayerMap.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"map\.npz"):
        pn.LayerMap.load(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = net(8, 6, 4)
    plan = pn.plan_pruning(model, (X, Y), keep=0.5)
    small = pn.apply_plan(model, plan, (X, Y))
    with torch.no_grad():
        small[0].weight[0, 0] = float("nan")
    path = pn.save_pruned(small, plan, X, tmp_path / "small.safetensors")
    with pytest.raises(ValueError, match="finite"):
        pn.load_pruned(model, path)
    path.write_bytes(b"\x10")
    with pytest.raises(ValueError, match="small"):
        pn.load_pruned(model, path)
