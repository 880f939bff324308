import pytest
import torch
from hypothesis import given, settings, strategies as st

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes import quantizers


def activations(values, target=None):
    values = torch.as_tensor(values, dtype=torch.float32)
    target = torch.zeros(len(values), dtype=torch.int64) if target is None else target
    return Activations({"layer": values}, target, {"layer": "none"})


@given(st.integers(2, 9), st.integers(20, 60), st.integers(0, 2**31))
def test_equal_mass_levels_differ_by_at_most_one_sample(levels, samples, seed):
    values = torch.randn(samples, 3, generator=torch.Generator().manual_seed(seed))
    codes = pn.quantize(activations(values), levels).layers["layer"].values
    for unit in codes.T:
        counts = torch.bincount(unit, minlength=levels)
        assert counts.max() - counts.min() <= 1


def test_equal_width_cuts_the_range():
    codes = pn.quantize(activations([[0.0], [0.9], [1.1], [2.9], [4.0]]), 4, quantizers.equal_width)
    assert codes.edges["layer"].tolist() == [[1.0, 2.0, 3.0]]
    assert codes.layers["layer"].values.flatten().tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("how", [quantizers.equal_mass, quantizers.zero_level])
def test_two_levels_of_a_mostly_silent_unit_do_not_collapse(how):
    values = torch.zeros(10, 1)
    values[7:] = torch.tensor([[1.0], [2.0], [3.0]])
    codes = pn.quantize(activations(values), 2, how)
    assert codes.layers["layer"].values.flatten().tolist() == [0] * 7 + [1] * 3
    assert codes.layer("layer").constant == []


def test_zeros_have_a_level_of_their_own():
    values = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6.0])[:, None]
    codes = pn.quantize(activations(values), 4, quantizers.zero_level).layers["layer"].values.flatten()
    assert codes.tolist() == [0] * 6 + [1, 1, 2, 2, 3, 3]


def test_zero_level_is_equal_mass_where_there_is_no_silence():
    values = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(quantizers.zero_level(values, 5), quantizers.equal_mass(values, 5))


def test_a_dead_unit_is_named():
    values = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    values[:, 1] = 0
    for how in (quantizers.equal_mass, quantizers.equal_width, quantizers.zero_level):
        assert pn.quantize(activations(values), 4, how).layer("layer").constant == [1]


def test_edges_are_reused_on_new_data():
    old = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    codes = pn.quantize(activations(old), 4)
    shifted = pn.quantize(activations(old + 100), 4, edges=codes.edges)
    assert torch.equal(shifted.edges["layer"], codes.edges["layer"])
    assert (shifted.layers["layer"].values == 3).all()


def test_bad_input():
    acts = activations(torch.randn(5, 2))
    with pytest.raises(ValueError, match="levels=1; expected a whole number, 2 to 256"):
        pn.quantize(acts, 1)
    with pytest.raises(ValueError, match="need integer class labels"):
        pn.quantize(activations(torch.randn(5, 2), torch.rand(5)))
    with pytest.raises(ValueError, match="the target has the label -1"):
        pn.quantize(activations(torch.randn(5, 2), torch.tensor([0, 1, -1, 0, 1])))


QUANTIZERS = [
    quantizers.equal_mass,
    quantizers.equal_width,
    quantizers.zero_level,
    quantizers.deviation_steps,
    quantizers.lloyd,
]


@pytest.mark.parametrize("how", QUANTIZERS)
@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(0, 2**31))
def test_edges_ascend_and_codes_keep_the_order_of_values(how, levels, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.relu(torch.randn(60, 4, generator=generator) + torch.tensor([-1.0, 0, 1, 5]))
    edges = how(values, levels)
    assert edges.shape == (4, levels - 1)
    assert (edges.diff() >= 0).all()
    codes = pn.quantize(activations(values), levels, how)
    assert codes.layers["layer"].values.max() < levels
    for value, code in zip(values.T, codes.layers["layer"].values.T, strict=True):
        assert (code[value.argsort(stable=True)].long().diff() >= 0).all()


def test_deviation_steps_stand_one_deviation_apart():
    values = torch.tensor([[0.0], [2.0], [4.0], [6.0], [8.0]])
    mean, deviation = 4.0, 8**0.5
    expected = [mean - deviation, mean, mean + deviation]
    torch.testing.assert_close(quantizers.deviation_steps(values, 4), torch.tensor([expected]))
    torch.testing.assert_close(
        quantizers.deviation_steps(values, 3)[0], mean + deviation * torch.tensor([-0.5, 0.5])
    )


def spread(values, edges):
    """Sum of squared distances from the mean of each level."""
    codes = torch.bucketize(values, edges)
    return sum(((values[codes == k] - values[codes == k].mean()) ** 2).sum() for k in codes.unique())


@settings(max_examples=50)
@given(st.integers(2, 6), st.integers(0, 2**31))
def test_lloyd_is_a_fixed_point_and_no_worse_than_its_start(levels, seed):
    values = torch.randn(200, 1, generator=torch.Generator().manual_seed(seed)) ** 3
    edges = quantizers.lloyd(values, levels)[0]
    codes = torch.bucketize(values[:, 0], edges)
    centers = torch.stack([values[codes == k].mean() for k in range(levels)])
    torch.testing.assert_close((centers[1:] + centers[:-1]) / 2, edges, rtol=1e-4, atol=1e-4)
    assert spread(values[:, 0], edges) <= spread(values[:, 0], quantizers.equal_mass(values, levels)[0]) * (
        1 + 1e-5
    )


def test_lloyd_finds_clusters_of_unequal_mass():
    values = torch.cat([torch.randn(k) * 0.01 + c for k, c in ((30, 0.0), (40, 1.0), (50, 5.0))])[:, None]
    codes = pn.quantize(activations(values), 3, quantizers.lloyd).layers["layer"].values.flatten()
    assert codes.tolist() == [0] * 30 + [1] * 40 + [2] * 50


def test_binary_units_are_on_above_zero():
    values = torch.tensor([[-1.0], [0.0], [0.5], [2.0], [-0.5]])
    codes = pn.quantize(activations(values), 2, quantizers.binary)
    assert codes.layers["layer"].values.flatten().tolist() == [0, 0, 1, 1, 0]
    with pytest.raises(ValueError, match="levels=4; the binary quantizer has exactly 2"):
        pn.quantize(activations(values), 4, quantizers.binary)


@pytest.mark.parametrize("how", [*QUANTIZERS, quantizers.own_values])
def test_discrete_units_keep_their_own_values(how):
    generator = torch.Generator().manual_seed(0)
    values = torch.stack(
        [
            torch.randint(2, (50,), generator=generator) * 2.0 - 1,
            torch.randint(4, (50,), generator=generator) ** 3 * 1.0,
        ],
        1,
    )
    codes = pn.quantize(activations(values), 4, how)
    assert codes.layer("layer").exact == [0, 1]
    assert codes.layer("layer").collapsed == []
    for unit, expected in enumerate(((values[:, 0] + 1) / 2, values[:, 1] ** (1 / 3))):
        assert torch.equal(codes.layers["layer"].values[:, unit].long(), expected.round().long())
    # New data with rounding noise falls into the same levels.
    noisy = pn.quantize(activations(values * 1.0001 + 1e-4), 4, edges=codes.edges)
    assert torch.equal(noisy.layers["layer"].values, codes.layers["layer"].values)


def test_continuous_units_are_not_called_discrete():
    values = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    assert pn.quantize(activations(values), 4).layer("layer").exact == []
    with pytest.raises(ValueError, match="unit 0 takes 50 distinct values and levels=4"):
        pn.quantize(activations(values), 4, quantizers.own_values)


def test_collapsed_levels_are_named():
    values = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    values[:30, 1], values[:, 2] = 0, 1
    codes = pn.quantize(activations(values), 4)
    assert codes.layer("layer").collapsed == [1]
    assert codes.layer("layer").constant == [2]
    assert pn.quantize(activations(values.relu()), 4, quantizers.zero_level).layer("layer").collapsed == []


def test_stored_edges_must_fit():
    codes = pn.quantize(activations(torch.randn(40, 2)), 4)
    assert pn.quantize(activations(torch.randn(9, 2)), 4, edges=codes.edges).quantizer == "stored edges"
    with pytest.raises(
        ValueError, match=r"edges hold shape \(2, 3\) for layer 'layer'; expected shape \(2, 1\)"
    ):
        pn.quantize(activations(torch.randn(40, 2)), 2, edges=codes.edges)
    with pytest.raises(ValueError, match="edges hold nothing for layer 'layer'"):
        pn.quantize(activations(torch.randn(40, 2)), 4, edges={})


def test_no_samples():
    with pytest.raises(ValueError, match="hold no samples"):
        pn.quantize(activations(torch.randn(0, 2)))


def test_discrete_values_that_share_a_stored_level_are_not_exact():
    values = torch.tensor([[0.0], [1.0]] * 10)
    codes = pn.quantize(activations(values), 4)
    assert pn.quantize(activations(values * 0.1), 4, edges=codes.edges).layer("layer").exact == []
