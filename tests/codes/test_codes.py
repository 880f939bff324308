"""Codes cannot get out of step: whatever is taken or permuted, samples, units, labels and edges go together."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes.resampling import permute_labels, permute_sources, split


def coded(samples=40, units=5, seed=0):
    """Codes of two layers; unit u of a layer has the edges of unit u of the first codes, in column 0 its own number."""
    generator = torch.Generator().manual_seed(seed)
    layers = {name: torch.randn(samples, units, generator=generator) for name in ("a", "b")}
    layers["a"][:, 1] = 0
    layers["a"][:, 2] = (layers["a"][:, 2] > 0).float()
    target = torch.randint(3, (samples,), generator=generator)
    sample, predicted = torch.arange(samples), torch.randint(3, (samples,), generator=generator)
    acts = Activations(layers, target, {}, {"odd": "no units"}, sample, predicted)
    return pn.quantize(acts, 4)


def check(codes, first):
    """Everything of one length, and every row and unit that of the first codes that it came from."""
    for layer in codes.layers.values():
        assert len(layer.values) == len(codes) == len(codes.sample) == len(codes.predicted)
        assert layer.edges.shape == (layer.values.shape[1], 3)
        for unit in layer.exact:
            assert layer.edges[unit].isinf().any()  # the discrete unit is the only one with unused edges
        assert {*layer.constant, *layer.exact, *layer.collapsed} <= {*layer.units.tolist()}
        assert (layer.values[:, layer.constant] == layer.values[:1, layer.constant]).all()
    assert torch.equal(codes.predicted, first.predicted[codes.sample])
    assert codes.classes == first.classes


@st.composite
def steps(draw):
    return draw(
        st.lists(st.sampled_from(["take", "layer", "units", "labels", "sources", "split"]), max_size=6)
    )


@settings(max_examples=40)
@given(steps(), st.integers(0, 2**31))
def test_any_chain_keeps_everything_in_step(steps, seed):
    first, rng = coded(), np.random.default_rng(seed)
    codes, labels_moved = first, False
    for step in steps:
        if step == "take":
            codes = codes.take(rng.choice(len(codes), max(1, len(codes) // 2), replace=False))
        elif step == "layer":
            codes = codes.take_layer(next(iter(codes.layers)))
        elif step == "units":
            name, layer = next(iter(codes.layers.items()))
            codes = codes.take_layer(name, rng.permutation(layer.units)[: max(1, len(layer.units) - 1)])
        elif step == "labels":
            codes, labels_moved = permute_labels(codes, rng), True
        elif step == "sources":
            codes = permute_sources(codes, rng)
        elif len(codes) >= 4:
            codes = split(codes, 2, rng)[0]
        check(codes, first)
    if not labels_moved:
        assert torch.equal(codes.target, first.target[codes.sample])


def test_taken_units_keep_their_code_their_edges_and_their_names():
    layer = coded().layer("a")
    taken = layer.take_units(np.array([4, 2, 1]))
    assert torch.equal(taken.values, layer.values[:, [4, 2, 1]])
    assert torch.equal(taken.edges, layer.edges[[4, 2, 1]])
    assert (layer.constant, layer.exact, taken.constant, taken.exact) == ([1], [2], [2], [1])
    assert taken.pairs.tolist() == [[0, 1]]


def test_parts_of_different_lengths_do_not_make_codes():
    codes = coded()
    with pytest.raises(ValueError, match="expected the same number of samples everywhere"):
        replace(codes, target=codes.target[:5])


def test_classes_are_the_labels_that_occur_however_large():
    values = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 10**9]).repeat(20)
    codes = pn.quantize(Activations({"l": values}, target, {}), 2)
    assert codes.classes == (0, 1, 10**9)
    assert torch.equal(torch.tensor(codes.classes)[codes.target], target)
    assert pn.pair_tables(codes, "l").p.shape == (3, 2, 2, 3)


def test_an_unknown_layer_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="no such layer: 'c'; the codes hold 'a', 'b'"):
        coded().layer("c")


def test_discrete_units_become_codes_as_they_are():
    codes = pn.Codes.of({"l": np.array([[0, 5], [2, 5], [1, 5]])}, [4, 4, 8])
    assert (codes.levels, codes.classes, codes.target.tolist()) == (6, (4, 8), [0, 0, 1])
    assert (codes.layer("l").exact, codes.layer("l").constant) == ([0], [1])
    for values, levels in (([[0], [300]], None), ([[0], [-1]], None), ([[0], [3]], 3)):
        with pytest.raises(ValueError, match=r"expected 0 ... levels - 1, at most 255"):
            pn.Codes.of({"l": values}, [0, 1], levels)


def test_saving_and_loading_changes_nothing(tmp_path):
    codes = coded()
    path = codes.save(tmp_path / "codes")
    assert path == tmp_path / "codes.npz"
    loaded = pn.Codes.load(path)
    for name, layer in codes.layers.items():
        other = loaded.layer(name)
        assert torch.equal(layer.values, other.values)
        assert torch.equal(layer.edges, other.edges)
        assert (layer.constant, layer.exact, layer.alphabet) == (other.constant, other.exact, other.alphabet)
    for name in ("target", "sample", "predicted"):
        assert torch.equal(getattr(codes, name), getattr(loaded, name))
    assert (loaded.classes, loaded.levels, loaded.skipped) == (codes.classes, 4, {"odd": "no units"})
    given = pn.Codes.of({"l": [[0], [1]]}, [0, 1])
    assert pn.Codes.load(given.save(tmp_path / "given")).layer("l").edges is None


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("values.0", lambda v: v[:5], "values.0 does not fit the rest"),
        ("values.0", lambda v: v.astype(np.int64), "values.0 does not fit the rest"),
        ("values.0", lambda v: v + np.uint8(200), "out of range in a"),
        ("edges.1", lambda v: v[:, :1], "edges.1 does not fit the rest"),
        ("target", lambda v: v + 9, "out of range in target"),
        ("target", lambda v: v.astype(object), "hold.* Python objects"),
        ("values.1", None, "values.1, edges.1 does not fit the rest"),
        ("json", None, "does not hold codes"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, name, change, message):
    path = coded().save(tmp_path / "codes")
    with np.load(path) as stored:
        arrays = dict(stored)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(ValueError, match=message):
        pn.Codes.load(path)


def test_a_named_unit_that_is_not_there_is_refused(tmp_path):
    path = coded().save(tmp_path / "codes")
    with np.load(path) as stored:
        arrays = dict(stored)
    described = json.loads(str(arrays["json"]))
    described["layers"][0]["constant"] = [99]
    arrays["json"] = np.array(json.dumps(described))
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="out of range in a"):
        pn.Codes.load(path)


def test_codes_print_in_a_few_lines():
    lines = repr(coded()).splitlines()
    assert lines[0] == "Codes: 40 samples, 3 classes, 4 levels by equal_mass"
    assert lines[-1] == "skipped: odd"
    assert len(lines) == 5


def test_a_quantizer_goes_by_name_or_function():
    values = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    acts = Activations({"l": values}, torch.arange(60) % 2, {})
    by_name, by_function = (pn.quantize(acts, 4, how) for how in ("lloyd", pn.quantizers.lloyd))
    assert torch.equal(by_name.layer("l").values, by_function.layer("l").values)
    assert by_name.quantizer == by_function.quantizer == "lloyd"
    with pytest.raises(ValueError, match="unknown quantizer 'loyd'; the known ones are equal_mass"):
        pn.quantize(acts, 4, "loyd")
