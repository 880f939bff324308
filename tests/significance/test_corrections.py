import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from pidnet.codes import Codes
from pidnet.measures import MEASURES
from pidnet.measures.sampling_bias import miller_madow_bias
from pidnet.significance import CORRECTIONS, layer_atoms
from pidnet.tables import shannon
from pidnet.tables.discrete import pair_tables
from tests.planted import is_planted, planted_layer

ATOMS = ("redundancy", "unique1", "unique2", "synergy")


def correct(name, codes, measure, rng):
    plug_in = layer_atoms(codes, "layer", measure)
    return CORRECTIONS[name](plug_in, codes, "layer", measure, rng)


def stack(atoms):
    return np.stack([getattr(atoms, name) for name in ATOMS])


@pytest.mark.parametrize("name", CORRECTIONS)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), family=st.sampled_from(["random", "redundant", "unique"]))
def test_identities_hold_and_a_unit_knows_the_same_in_every_pair(name, seed, family):
    rng = np.random.default_rng(seed)
    codes, truth = planted_layer(family, 80, rng, pairs=2, levels=3, classes=3)
    atoms = correct(name, codes, MEASURES["i_min"], rng)
    np.testing.assert_allclose(atoms.total, stack(atoms).sum(0), atol=1e-12)
    for unit in range(4):
        first, second = (truth.pairs == unit).T
        known = np.concatenate([atoms.information1[first], atoms.information2[second]])
        np.testing.assert_allclose(known, known[0], atol=1e-12)


@pytest.mark.parametrize("name", ["miller_madow", "mixture", "shuffle_sources", "quadratic_extrapolation"])
def test_all_measures_agree_on_the_informations(name):
    """Only the redundancy is a matter of the measure."""
    known = []
    for measure in MEASURES.values():
        codes, _ = planted_layer("random", 400, np.random.default_rng(0), pairs=2)
        atoms = correct(name, codes, measure, np.random.default_rng(1))
        known.append(np.stack([atoms.information1, atoms.information2, atoms.total]))
    for other in known[1:]:
        np.testing.assert_allclose(other, known[0], atol=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("levels", "bound"), [(4, (0.005, 0.005, 0.005, 0.01)), (8, (0.01, 0.01, 0.01, 0.05))]
)
def test_independent_units_come_out_near_zero(measure, levels, bound):
    rng = np.random.default_rng(2)
    codes, _ = planted_layer("independent", 1000, rng, pairs=8, levels=levels)
    mean = stack(correct("mixture", codes, MEASURES[measure], rng)).mean(1)
    assert (np.abs(mean) < bound).all(), mean
    plug_in = stack(layer_atoms(codes, "layer", MEASURES[measure])).mean(1)
    assert plug_in[3] > 0.06


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("samples", [500, 2000])
@pytest.mark.parametrize(
    "name", ["mixture", "shuffle_sources", "miller_madow", "shuffle_labels", "quadratic_extrapolation"]
)
def test_corrected_atoms_are_closer_to_the_truth(name, samples, measure):
    errors = {"none": 0.0, name: 0.0}
    for seed, family in enumerate(("random", "redundant", "synergistic", "informed")):
        rng = np.random.default_rng(seed)
        codes, truth = planted_layer(family, samples, rng)
        true = stack(MEASURES[measure](truth))
        for correction in errors:
            off = np.abs(stack(correct(correction, codes, MEASURES[measure], rng)) - true)
            errors[correction] += off[:, is_planted(truth.pairs)].mean()
    assert errors[name] < 0.85 * errors["none"]


def test_the_default_has_little_bias_where_sources_share_their_noise():
    """Permuted labels take away far too much here: the tables of copies fill few of the cells."""
    off = {}
    for name in ("mixture", "shuffle_labels"):
        rng = np.random.default_rng(0)
        codes, truth = planted_layer("redundant", 1000, rng, pairs=12, levels=8)
        atoms, true = correct(name, codes, MEASURES["i_mmi"], rng), MEASURES["i_mmi"](truth)
        off[name] = (atoms.synergy - true.synergy)[is_planted(truth.pairs)].mean()
    assert abs(off["mixture"]) < abs(off["shuffle_labels"])


def test_an_uninformed_unit_takes_the_redundancy_with_it():
    codes, truth = planted_layer("unique", 500, np.random.default_rng(0), pairs=8)
    planted = is_planted(truth.pairs)
    plug_in = layer_atoms(codes, "layer", MEASURES["i_min"]).redundancy[planted]
    atoms = correct("mixture", codes, MEASURES["i_min"], np.random.default_rng(0))
    assert plug_in.mean() > 0.03
    assert abs(atoms.redundancy[planted].mean()) < 0.01


def test_informed_units_keep_their_redundancy():
    """In proportion to the information, I_BROJA would lose redundancy that has no bias."""
    off = []
    for seed in range(4):
        codes, truth = planted_layer("informed", 500, np.random.default_rng(seed), pairs=6)
        atoms = correct("mixture", codes, MEASURES["i_broja"], np.random.default_rng(seed))
        off.append((atoms.redundancy - MEASURES["i_broja"](truth).redundancy)[is_planted(truth.pairs)])
    assert abs(np.mean(off)) < 0.012


@given(st.integers(0, 2**31))
def test_miller_madow_bias_counts_cells_that_occur(seed):
    rng = np.random.default_rng(seed)
    count = rng.multinomial(50, rng.dirichlet(np.full(12, 0.3))).reshape(3, 4)
    count[1], count[:, 2] = 0, 0
    if not count.sum():
        return
    rows, columns, cells = (count.sum(1) > 0).sum(), (count.sum(0) > 0).sum(), (count > 0).sum()
    entropies = cells - 1 - (rows - 1) - (columns - 1)
    expected = entropies / (2 * 50 * np.log(2))
    assert miller_madow_bias(count / count.sum(), 50) == pytest.approx(expected)


def test_miller_madow_of_the_pair_is_that_of_its_joint_table():
    codes, _ = planted_layer("random", 300, np.random.default_rng(0), pairs=2)
    atoms = correct("miller_madow", codes, MEASURES["i_min"], np.random.default_rng(0))
    p = pair_tables(codes, "layer").p.reshape(6, 16, 10)
    np.testing.assert_allclose(
        atoms.total, shannon.mutual_information(p) - miller_madow_bias(p, 300), atol=1e-12
    )


def test_quadratic_extrapolation_removes_both_orders():
    """A measure with redundancy 5 + 3/N + 7/N^2 is extrapolated to 5."""

    def measure(tables):
        atoms = MEASURES["i_mmi"](tables)
        n = tables.samples
        return type(atoms)(*(np.full(len(tables), 5 + 3 / n + 7 / n**2) for _ in range(5)))

    codes, _ = planted_layer("random", 400, np.random.default_rng(0), pairs=2, classes=1)
    atoms = correct("quadratic_extrapolation", codes, measure, np.random.default_rng(0))
    np.testing.assert_allclose(atoms.redundancy, 5, atol=1e-10)


def test_no_redundancy_stays_none_where_counts_are_balanced():
    """The plug-in informations are exactly 0 here, and their bias is not."""
    codes, _ = planted_layer("independent", 80, np.random.default_rng(0), pairs=1, levels=2, classes=2)
    bits = torch.arange(80)
    codes.layers["layer"].values[:] = torch.stack([bits // 2 % 2, bits // 4 % 2], 1)
    codes.target[:] = bits % 2
    for name in ("miller_madow", "mixture", "shuffle_sources"):
        atoms = correct(name, codes, MEASURES["i_min"], np.random.default_rng(0))
        np.testing.assert_allclose(atoms.redundancy, 0, atol=1e-12)
        np.testing.assert_allclose(atoms.unique1, -1 / (2 * 80 * np.log(2)), rtol=0.05)


def test_a_pair_that_knows_nothing_at_all_gets_no_redundancy():
    codes, _ = planted_layer("independent", 60, np.random.default_rng(0), pairs=2, levels=2, classes=2)
    codes.target[:] = 0
    for name in CORRECTIONS:
        atoms = correct(name, codes, MEASURES["i_min"], np.random.default_rng(0))
        assert np.isfinite(stack(atoms)).all()
        np.testing.assert_allclose(atoms.redundancy, 0, atol=1e-12)


def test_the_same_seed_gives_the_same_atoms():
    codes, _ = planted_layer("random", 200, np.random.default_rng(0), pairs=2)
    first, again, other = (
        stack(correct("mixture", codes, MEASURES["i_ccs"], np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_default_takes_nothing_from_copies_and_no_synergy_from_a_sum(measure):
    """Shuffling takes .39 and .29 bits of synergy here."""
    rng = np.random.default_rng(0)
    copied = rng.integers(8, size=(1000, 1)).repeat(2, 1)
    codes = Codes.of({"layer": copied}, (copied[:, 0] + rng.integers(4, size=1000)) % 10, 8)
    assert abs(correct("mixture", codes, MEASURES[measure], rng).synergy[0]) < 0.01
    drawn = rng.integers(8, size=(1000, 2))
    codes = Codes.of({"layer": drawn}, drawn.sum(1) % 10, 8)
    off = correct("mixture", codes, MEASURES[measure], rng).total - np.log2(10)
    assert abs(off[0]) < 0.05


@pytest.mark.parametrize("measure", [name for name, measure in MEASURES.items() if measure.margins_only])
def test_units_that_carry_the_same_have_no_unique_information(measure):
    """A conjunction of two equal sources: noise makes .05 bits unique, at N = 1,000."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(4, size=(1000, 60))
    unique = []
    for pair in range(30):
        sources = drawn[:, 2 * pair : 2 * pair + 2]
        target = (sources >= 2).all(1) * 5 + rng.integers(5, size=1000)
        atoms = correct("mixture", Codes.of({"layer": sources}, target, 4), MEASURES[measure], rng)
        unique.append([atoms.unique1[0], atoms.unique2[0]])
    assert abs(np.mean(unique)) < 0.006
