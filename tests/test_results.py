"""What every public result prints: a few short lines in a REPL, and the same, escaped, in a notebook."""

import html
import pkgutil
from importlib import import_module

import dit
import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.printing import MOST_LINES, WIDTH, Printed
from pidnet.runs.carried_out import carry_out

# Names as users have them: long, and hostile where they come from a file.
NAMES = [f"encoder.layers.{k}.<b>feed_forward" for k in range(16)]


def activations(layers):
    """Layers of four units about a label, the last constant."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(300) % 3
    values = {
        name: torch.randn(300, 4, generator=generator) + y[:, None] * torch.tensor([1, 0.5, 0, 0])
        for name in layers
    }
    for layer in values.values():
        layer[:, 3] = 0
    return pn.Activations(
        values, y, dict.fromkeys(layers, "none"), dict.fromkeys("abcdefgh", "no weights " * 20)
    )


def pruned():
    """A network of a hidden layer, its plan and what it becomes."""
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    net, data = pn.zoo.mlp(8, (6, 5), 3), (x, torch.arange(200) % 3)
    return (
        net,
        data,
        carry_out(net, pn.plan_pruning(net, data, keep=0.5, criterion="l1"), data, repair="none"),
    )


@pytest.fixture(scope="module")
def results():
    acts = activations(NAMES)
    codes = pn.quantize(acts, 3)
    maps = pn.layer_maps(codes, "i_min")
    first = maps[NAMES[0]]
    tables = pn.pair_tables(codes, NAMES[0])
    net, data, run = pruned()
    found = [
        acts,
        codes,
        codes.layer(NAMES[0]),
        maps,
        first,
        tables,
        first.atoms,
        pn.profile(maps),
        run,
        run.plan,
    ]
    found += [
        run.report,
        pn.redundancy_graph(first),
        pn.replacement_graph(first),
        pn.energy.count(net, data[0]),
    ]
    found += [pn.MEASURES["i_min"], pn.CRITERIA["pid"], pn.datasets.load("digits")]
    found += [pn.pair_covariances(acts, NAMES[0]), pn.decompose_dit(dit.example_dists.Xor(), "PID_WB")]
    found += [pn.group_invariants(codes, NAMES[0], pn.random_groups(codes, NAMES[0], size=2, count=2))]
    found += [pn.sensitivity(activations(NAMES[:2]), "i_min", levels=(2, 3), shares=())]
    found += [pn.CRITERIA, pn.MEASURES, pn.quantizers.QUANTIZERS, pn.training.PENALTIES, pn.Recorder(data)]
    found += [pn.code_information(codes.layer(NAMES[0]), codes.target), pn.training.Foldable(net)]
    layer, work = (
        pn.energy.count(net, data[0]).layers["fc1"],
        pn.energy.modelled_energy(pn.energy.count(net, data[0])),
    )
    found += [
        run.plan.removed["fc1"][0],
        layer,
        work,
        work["fc1"],
        run.report.layers[0],
        run.report.energy[0],
    ]
    found += [pn.pruning.plan_overlap(run.plan, run.plan), pn.measures.check_measure("i_min").axioms[0]]
    return found


def test_every_result_prints_a_few_short_lines_and_is_escaped_in_a_notebook(results):
    for result in results:
        lines = repr(result).splitlines()
        assert 1 <= len(lines) <= MOST_LINES, type(result)
        assert max(map(len, lines)) <= WIDTH, (type(result), lines)
        assert "<b>" not in result._repr_html_()
        assert html.unescape(result._repr_html_()) == f"<pre>{result!r}</pre>"


def test_nothing_in_the_lines_of_a_result_is_cut(results):
    """Results word what they print so that it fits; cutting is for names of any length."""
    for result in results:
        assert not [line for line in repr(result).splitlines() if line.endswith(" ...")], result


def test_no_result_goes_its_own_way():
    for module in pkgutil.walk_packages(pn.__path__, "pidnet."):
        if "._kernels" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    classes, found = [Printed], []
    while classes:
        classes += classes.pop().__subclasses__()
        found += classes[-1:]
    assert len(found) > 25
    assert not [one for one in found if one.__module__.startswith("pidnet") if "__repr__" in vars(one)]


def test_activations_go_to_xarray():
    acts = activations(["fc1", "fc2"])
    data = acts.to_xarray()
    np.testing.assert_array_equal(data["fc1"], acts.layers["fc1"])
    assert data["fc2"].dims == ("row", "fc2 unit")
    assert data["fc1"].sel(row=data.target == 1).sizes == {"row": 100, "fc1 unit": 4}
    assert data.attrs["reduction"] == '{"fc1": "none", "fc2": "none"}'


def test_what_was_saved_is_loaded_by_the_name_it_got(tmp_path):
    codes = pn.quantize(activations(["fc1"]), 3)
    layer_map = pn.layer_maps(codes, "i_mmi", correction="none")["fc1"]
    profile = pn.profile({"fc1": layer_map})
    net, data, run = pruned()
    for result in (codes, layer_map, profile):
        written = result.save(tmp_path / type(result).__name__)
        again = type(result).load(tmp_path / type(result).__name__)
        assert repr(again) == repr(result) == repr(type(result).load(written))
    pn.save_pruned(run.model, run.plan, data[0], tmp_path / "small")
    assert pn.load_pruned(net, tmp_path / "small").fc1.out_features == 3
