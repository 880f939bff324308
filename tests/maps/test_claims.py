import numpy as np
import pytest

import pidnet as pn
from pidnet.maps.claims import depth_claims, epoch_claims, holm


def two_layers(seed, samples=400, same=False):
    """A layer of weak units and one of copies, or twice the same."""
    rng = np.random.default_rng(seed)
    target = rng.integers(4, size=samples)
    weak = np.where(rng.random((samples, 8)) < 0.5, target[:, None], rng.integers(4, size=(samples, 8)))
    late = weak if same else weak[:, :1].repeat(8, 1)
    return pn.Codes.of({"early": weak, "late": late}, target, 4)


def test_redundancy_rises_where_units_become_copies():
    codes = two_layers(0)
    claims = depth_claims(pn.layer_maps(codes, "i_mmi"), codes=codes)
    assert claims.holds() == ("redundancy rises from early to late", "synergy falls from early to late")
    assert claims.low[0] > 0
    assert (claims.adjusted >= claims.p_values).all()
    assert "units and samples" in repr(claims)
    assert "p_holm" in repr(claims)


def test_nothing_changes_between_a_layer_and_itself():
    codes = two_layers(0, same=True)
    claims = depth_claims(pn.layer_maps(codes, "i_mmi"), codes=codes)
    assert not claims.holds()
    np.testing.assert_allclose(claims.change, 0)
    assert (claims.low <= 0).all()
    assert (claims.high >= 0).all()


def test_samples_are_paired():
    """What left-out samples change in both layers cancels: of a layer and itself nothing is left."""
    codes = two_layers(0, same=True)
    maps = pn.layer_maps(codes, "i_mmi")
    with_samples, without = depth_claims(maps, codes=codes), depth_claims(maps)
    np.testing.assert_allclose(with_samples.high, without.high)


def test_several_networks_are_their_own_pairs():
    runs = [pn.layer_maps(two_layers(seed), "i_mmi") for seed in range(3)]
    claims = depth_claims(runs, atoms=("redundancy",))
    assert claims.over == "3 networks"
    assert claims.holds(0.01) == ("redundancy rises from early to late",)


def test_noise_alone_makes_few_claims():
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        layers = {name: rng.integers(3, size=(200, 6)) for name in ("a", "b")}
        target = rng.integers(3, size=200)
        informed = {n: np.where(rng.random((200, 6)) < 0.5, target[:, None], v) for n, v in layers.items()}
        codes = pn.Codes.of(informed, target, 3)
        wrong += bool(depth_claims(pn.layer_maps(codes, "i_mmi", null="none"), codes=codes).holds())
    assert wrong <= 3


@pytest.mark.parametrize(
    ("p_values", "expected"), [([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.5, 0.9], [1.0, 1.0])]
)
def test_holm(p_values, expected):
    np.testing.assert_allclose(holm(np.array(p_values)), expected)


def test_bad_input_is_refused():
    codes = two_layers(0)
    maps = pn.layer_maps(codes, "i_mmi", null="none")
    with pytest.raises(ValueError, match="no such atom: 'unique'"):
        depth_claims(maps, atoms=["unique"])
    with pytest.raises(ValueError, match="1 layer; a change needs two"):
        depth_claims({"early": maps["early"]})


def two_epochs(seed, same=False):
    """The layer of two_layers, weak at epoch 1, copies at epoch 9."""
    codes = two_layers(seed, same=same)
    early, late = (pn.Codes.of({"fc": codes.layers[n].values}, codes.target, 4) for n in ("early", "late"))
    return {1: pn.layer_maps(early, "i_mmi"), 9: pn.layer_maps(late, "i_mmi")}


def test_redundancy_rises_over_training():
    said = ("redundancy rises from fc at 1 to fc at 9", "synergy falls from fc at 1 to fc at 9")
    assert epoch_claims(two_epochs(0)).holds() == said
    over = epoch_claims([two_epochs(seed) for seed in range(3)])
    assert (over.holds(), over.over) == (said, "3 networks")


def test_the_units_of_two_epochs_are_paired():
    """What a unit changes in both epochs cancels: of an epoch and itself nothing is left."""
    claims = epoch_claims(two_epochs(0, same=True))
    assert not claims.holds()
    np.testing.assert_allclose(claims.high, 0, atol=1e-12)


def test_odd_epochs_are_refused():
    maps = two_epochs(0)
    with pytest.raises(ValueError, match="at least two epochs"):
        epoch_claims({1: maps[1]})
    with pytest.raises(ValueError, match="one set of"):
        epoch_claims([maps, {1: maps[1], 8: maps[9]}])
    with pytest.raises(ValueError, match="no such atom"):
        epoch_claims(maps, atoms=["unique"])
    fewer = pn.Codes.of({"fc": two_layers(0).layers["late"].values[:, 1:]}, two_layers(0).target, 4)
    with pytest.raises(ValueError, match="fc at 1 and fc at 9: other units"):
        epoch_claims(maps | {9: pn.layer_maps(fewer, "i_mmi")})
