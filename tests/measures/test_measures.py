"""One contract over all measures of pair tables, and the known answers."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pidnet.measures import MEASURES, check_tables, decompose, find_measure
from pidnet.tables import shannon
from tests.known_cases import two_source_gates
from tests.strategies import tables

NAMES = ("redundancy", "unique1", "unique2", "synergy")
every_measure = pytest.mark.parametrize("measure", sorted(MEASURES))
few = settings(max_examples=20)


def close(found, expected, *, atol=0.0):
    """Atoms agree within both gaps and roundoff."""
    allowed = found.gap + expected.gap + atol + 1e-11
    for name in NAMES:
        difference = np.abs(getattr(found, name) - getattr(expected, name))
        assert (difference <= allowed).all(), (name, difference.max(), allowed.min())


@every_measure
@few
@given(p=tables())
def test_atoms_add_up_to_the_informations(measure, p):
    atoms = decompose(p, measure=measure)
    information1, information2, joint = shannon.source_informations(p)
    np.testing.assert_allclose(atoms.redundancy + atoms.unique1, information1, atol=1e-12)
    np.testing.assert_allclose(atoms.redundancy + atoms.unique2, information2, atol=1e-12)
    np.testing.assert_allclose(atoms.total, joint, atol=1e-12)


@every_measure
@few
@given(p=tables())
def test_every_pair_reaches_its_gap(measure, p):
    gap = decompose(p, measure=measure).gap
    assert gap.shape == (len(p),)
    assert (gap >= 0).all()
    assert (gap <= 1e-6).all()


@every_measure
@few
@given(p=tables())
def test_swapping_the_sources_swaps_the_unique_atoms(measure, p):
    atoms, swapped = decompose(p, measure=measure), decompose(p.swapaxes(1, 2), measure=measure)
    for name, mirror in zip(NAMES, ("redundancy", "unique2", "unique1", "synergy"), strict=True):
        difference = np.abs(getattr(atoms, name) - getattr(swapped, mirror))
        assert (difference <= atoms.gap + swapped.gap + 1e-11).all()


@every_measure
@few
@given(p=tables(pairs=40))
def test_a_batch_equals_a_loop(measure, p):
    batch = decompose(p, measure=measure)
    for k in (0, 15, 16, 39):
        single = decompose(p[k], measure=measure)
        for name in (*NAMES, "gap"):
            np.testing.assert_allclose(getattr(batch, name)[k], getattr(single, name)[0], atol=1e-13)


@every_measure
@few
@given(p=tables(), seed=st.integers(0, 2**32 - 1))
def test_the_names_of_levels_and_classes_do_not_matter(measure, p, seed):
    rng = np.random.default_rng(seed)
    renamed = p
    for axis in (1, 2, 3):
        renamed = renamed.take(rng.permutation(p.shape[axis]), axis=axis)
    close(decompose(renamed, measure=measure), decompose(p, measure=measure), atol=1e-9)


@every_measure
@few
@given(p=tables(), axis=st.integers(1, 3))
def test_unused_levels_and_unseen_classes_change_nothing(measure, p, axis):
    unused = np.insert(p, 1, 0.0, axis=axis)
    close(decompose(unused, measure=measure), decompose(p, measure=measure), atol=1e-9)


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"i_ccs"}))  # no theorem for I_ccs
@few
@given(p=tables(max_levels=3), share=st.floats(0.1, 0.9))
def test_splitting_a_level_at_random_changes_nothing(measure, p, share):
    split = np.concatenate([p[:, :1] * share, p[:, :1] * (1 - share), p[:, 1:]], axis=1)
    close(decompose(split, measure=measure), decompose(p, measure=measure), atol=1e-9)


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"i_ccs"}))
@few
@given(p=tables())
def test_redundancy_grows_with_what_a_source_tells(measure, p):
    merged = np.concatenate([p[:, :1] + p[:, 1:2], p[:, 2:]], axis=1)
    coarse, fine = decompose(merged, measure=measure), decompose(p, measure=measure)
    assert (coarse.redundancy <= fine.redundancy + coarse.gap + fine.gap + 1e-11).all()


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"i_ccs"}))
@few
@given(p=tables())
def test_no_atom_is_negative_where_that_is_a_theorem(measure, p):
    atoms = decompose(p, measure=measure)
    for name in NAMES:
        assert (getattr(atoms, name) >= -1e-12).all(), name


@every_measure
@pytest.mark.parametrize("shape", [(1, 3, 2), (3, 1, 2), (2, 2, 1), (1, 1, 1), (5, 2, 3), (2, 6, 3)])
def test_odd_shapes(measure, shape):
    p = np.random.default_rng(1).dirichlet(np.ones(np.prod(shape)), size=4).reshape(4, *shape)
    atoms = decompose(p, measure=measure)
    assert (atoms.gap <= 1e-6).all()
    np.testing.assert_allclose(atoms.total, shannon.source_informations(p)[2], atol=1e-12)


@every_measure
def test_large_tables(measure):
    p = np.random.default_rng(2).dirichlet(np.full(16 * 16 * 20, 0.2), size=2).reshape(2, 16, 16, 20)
    p[1] = np.where(p[1] < 1e-4, 0.0, p[1])
    atoms = decompose(p / p.sum((1, 2, 3), keepdims=True), measure=measure)
    assert (atoms.gap <= 1e-6).all()


@every_measure
def test_no_pairs(measure):
    assert len(decompose(np.zeros((0, 2, 3, 2)), measure=measure)) == 0


@pytest.mark.parametrize(("name", "p", "measure", "expected", "atol"), two_source_gates())
def test_known_answers(name, p, measure, expected, atol):
    atoms = decompose(p, measure=measure)
    found = [getattr(atoms, atom)[0] for atom in NAMES]
    np.testing.assert_allclose(found, expected, atol=atol, err_msg=f"{measure} of {name}")


def test_every_known_answer_is_there():
    assert len(two_source_gates()) == 20 * 3 + 4 + 32


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p * 2, r"a sum other than 1 \(its sum is 2\); divide counts"),
        (lambda p: p - 0.2, "negative values"),
        (lambda p: np.where(p > 0.1, np.nan, p), "values that are not finite"),
        (lambda p: p[0], r"shape \(2, 2\); expected \(x1, x2, y\)"),
        (lambda p: p[:, :0], "has shape"),
    ],
)
def test_bad_tables_are_named(spoil, says):
    p = np.array([[[0.3, 0.1], [0.1, 0.1]], [[0.1, 0.1], [0.1, 0.1]]])
    with pytest.raises(ValueError, match=says):
        decompose(spoil(p), measure="i_min")


def test_the_bad_table_of_a_batch_is_named():
    p = np.full((3, 2, 2, 2), 0.125)
    p[2] *= 3
    with pytest.raises(ValueError, match=r"p\[2\]"):
        check_tables(p)


def test_an_unknown_measure_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown measure 'i_broj'.*i_min, i_mmi, i_broja, i_ccs"):
        find_measure("i_broj")


def test_a_function_is_a_measure():
    p = np.full((2, 2, 2), 0.125)
    np.testing.assert_array_equal(
        decompose(p, measure=MEASURES["i_min"]).total, decompose(p, measure="i_min").total
    )
