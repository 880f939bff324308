import numpy as np
import pytest

import pidnet as pn
from pidnet.measures.atoms import NAMES, Atoms, complete_lattice, weakest
from pidnet.measures.gaussian import GAUSSIAN_MEASURES


def atoms(pairs, kind="exact"):
    values = np.arange(4.0 * pairs).reshape(4, pairs)
    return Atoms(*values, gap=np.zeros(pairs), gap_kind=kind)


@pytest.mark.parametrize(
    ("measure", "kind"),
    [("i_min", "exact"), ("i_mmi", "exact"), ("i_broja", "proven"), ("i_ccs", "estimated")],
)
def test_each_measure_says_what_its_gap_claims(measure, kind):
    assert pn.decompose(np.full((2, 2, 2), 1 / 8), measure).gap_kind == kind


@pytest.mark.parametrize("measure", sorted(GAUSSIAN_MEASURES))
def test_each_gaussian_measure_says_what_its_gap_claims(measure):
    cov = np.array([[1, 0.2, 0.5], [0.2, 1, 0.4], [0.5, 0.4, 1]])
    expected = {"gaussian_i_delta": "proven", "gaussian_i_ccs": "estimated"}.get(measure, "exact")
    assert pn.decompose_gaussian(cov, measure=measure).gap_kind == expected


def test_a_gap_of_ones_own_is_an_estimate_until_it_is_said_to_be_more():
    bits = np.ones(2)
    assert complete_lattice((bits, bits, bits), bits).gap_kind == "exact"
    assert complete_lattice((bits, bits, bits), bits, bits).gap_kind == "estimated"
    with pytest.raises(ValueError, match="gap_kind='sure'; expected one of exact, proven"):
        atoms(2, "sure")


def test_items_are_the_four_atoms():
    assert [name for name, _ in atoms(2).items()] == list(NAMES)


def test_blocks_together_claim_what_the_weakest_claims():
    whole = Atoms.concatenate([atoms(2, "proven"), atoms(3, "estimated")])
    assert (len(whole), whole.gap_kind) == (5, "estimated")
    assert weakest(["exact", "unknown", "proven"]) == "unknown"
    assert whole[1:3].gap_kind == "estimated"
    np.testing.assert_array_equal(whole[1:3].synergy, [7, 9])


def test_few_pairs_are_shown_and_many_are_summed_up():
    assert len(repr(atoms(2)).splitlines()) == 4
    lines = repr(atoms(500)).splitlines()
    assert lines[0] == "Atoms of 500 pairs, bits (gap exact)"
    assert len(lines) == 8
    assert repr(atoms(0)) == "Atoms of 0 pairs, bits (gap exact)"


def test_a_table_has_the_atoms_their_total_and_the_gap():
    pytest.importorskip("pandas")
    assert list(atoms(3).to_pandas().columns) == [*NAMES, "total", "gap"]
