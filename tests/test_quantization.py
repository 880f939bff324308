import pytest
import torch
from hypothesis import given, strategies as st

import pidnet as pn
from pidnet.activations import Activations


def activations(values, target=None):
    values = torch.as_tensor(values, dtype=torch.float32)
    target = torch.zeros(len(values), dtype=torch.int64) if target is None else target
    return Activations({"layer": values}, target, {"layer": "none"})


@given(st.integers(2, 9), st.integers(20, 60), st.integers(0, 2**31))
def test_equal_mass_levels_differ_by_at_most_one_sample(levels, samples, seed):
    values = torch.randn(samples, 3, generator=torch.Generator().manual_seed(seed))
    codes = pn.quantize(activations(values), levels).layers["layer"]
    for unit in codes.T:
        counts = torch.bincount(unit, minlength=levels)
        assert counts.max() - counts.min() <= 1


def test_equal_width_cuts_the_range():
    codes = pn.quantize(activations([[0.0], [0.9], [1.1], [2.9], [4.0]]), 4, pn.equal_width)
    assert codes.edges["layer"].tolist() == [[1.0, 2.0, 3.0]]
    assert codes.layers["layer"].flatten().tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("how", [pn.equal_mass, pn.zero_level])
def test_two_levels_of_a_mostly_silent_unit_do_not_collapse(how):
    values = torch.zeros(10, 1)
    values[7:] = torch.tensor([[1.0], [2.0], [3.0]])
    codes = pn.quantize(activations(values), 2, how)
    assert codes.layers["layer"].flatten().tolist() == [0] * 7 + [1] * 3
    assert codes.constant == {"layer": []}


def test_zeros_have_a_level_of_their_own():
    values = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6.0])[:, None]
    codes = pn.quantize(activations(values), 4, pn.zero_level).layers["layer"].flatten()
    assert codes.tolist() == [0] * 6 + [1, 1, 2, 2, 3, 3]


def test_zero_level_is_equal_mass_where_there_is_no_silence():
    values = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pn.zero_level(values, 5), pn.equal_mass(values, 5))


def test_a_dead_unit_is_named():
    values = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    values[:, 1] = 0
    for how in (pn.equal_mass, pn.equal_width, pn.zero_level):
        assert pn.quantize(activations(values), 4, how).constant == {"layer": [1]}


def test_edges_are_reused_on_new_data():
    old = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    codes = pn.quantize(activations(old), 4)
    shifted = pn.quantize(activations(old + 100), 4, edges=codes.edges)
    assert torch.equal(shifted.edges["layer"], codes.edges["layer"])
    assert (shifted.layers["layer"] == 3).all()


def test_bad_input():
    acts = activations(torch.randn(5, 2))
    with pytest.raises(ValueError, match="levels=1; expected 2 to 256"):
        pn.quantize(acts, 1)
    with pytest.raises(ValueError, match="need integer class labels"):
        pn.quantize(activations(torch.randn(5, 2), torch.rand(5)))
    with pytest.raises(ValueError, match="the target has the label -1"):
        pn.quantize(activations(torch.randn(5, 2), torch.tensor([0, 1, -1, 0, 1])))
