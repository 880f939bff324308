"""A small run, with a layer whose name is an attack."""

from collections import OrderedDict
from dataclasses import replace
from functools import partial

import torch
from torch import nn

import pidnet as pn
from pidnet.runs import carry_out, write_maps, write_pruned, write_sections, write_settings

EVIL = "</script><script>hacked=1</script><b>&amp;"


def write_small_run(folder, digits):
    """Two measures of two layers, two budgets."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [(EVIL, nn.Linear(64, 8)), ("on", nn.ReLU()), ("fc2", nn.Linear(8, 6)), ("on2", nn.ReLU())]
        model = nn.Sequential(OrderedDict([*parts, ("head", nn.Linear(6, 10))])).eval()
    calibration, test = (digits.x_train[:300], digits.y_train[:300]), (digits.x_test, digits.y_test)
    codes = pn.quantize(pn.capture(model, calibration, [EVIL, "fc2"]), 3)
    maps = [
        layer_map
        for name in ("i_min", "i_mmi")
        for layer_map in pn.layer_maps(codes, name, intervals=name == "i_min").values()
    ]
    plans = [pn.plan_pruning(model, calibration, keep, "l1") for keep in (0.5, 0.25)]
    plans[1] = replace(plans[1], curves={EVIL: [(8, 0.0), (2, 0.5)], "fc2": [(6, 0.0), (3, 0.1), (2, 0.3)]})
    write_settings(folder, "map", {"seed": 0, "model": "<img src=x onerror=hacked=1>"})
    write_maps(folder, maps)
    noisy = pn.zoo.mlp(64, (6,), 10, variant="stochastic").eval()
    recorder = pn.Recorder(calibration, ["fc1"], every=2, maps=partial(pn.layer_maps, measure="i_min"))
    for step in (2, 4):
        recorder(noisy, step)
    features = pn.capture(noisy, calibration, ["fc1"]).layers["fc1"]
    write_sections(
        folder,
        "map",
        codes=codes,
        plane=_renamed(pn.information_plane(noisy, calibration)),
        plane_of=f"a noisy {EVIL}",
        collapse={EVIL: pn.neural_collapse(features, calibration[1])},
        training=recorder,
    )
    write_pruned(
        folder, [carry_out(model, p, calibration, test, repair="fold") for p in plans], calibration[0]
    )


def _renamed(plane):
    """The same plane, its first layer with the name that is an attack."""
    return replace(
        plane, rows=tuple(replace(row, layer={"fc1": EVIL}.get(row.layer, row.layer)) for row in plane.rows)
    )
