"""Which source can replace which."""

import numpy as np
import pytest
from hypothesis import given, settings

from pidnet.measures import decompose
from pidnet.measures.atoms import Atoms
from pidnet.measures.blackwell import dominates
from tests.strategies import tables


def coarse_copies(seed=0):
    """Tables in which source 2 is a noisy function of source 1."""
    rng = np.random.default_rng(seed)
    p_ay = rng.dirichlet(np.ones(12), size=30).reshape(30, 3, 4)
    return np.einsum("pay,pab->paby", p_ay, rng.dirichlet(np.ones(2), size=(30, 3)))


def test_a_source_replaces_its_noisy_copy_and_not_the_other_way():
    relation = dominates(decompose(coarse_copies()))
    assert relation[:, 0].all()
    assert not relation[:, 1].any()


def test_the_relation_turns_with_the_sources():
    relation = dominates(decompose(coarse_copies().swapaxes(1, 2)))
    assert relation[:, 1].all()
    assert not relation[:, 0].any()


@settings(max_examples=20)
@given(p=tables())
def test_a_source_that_can_be_replaced_tells_no_more(p):
    atoms = decompose(p)
    first, second = dominates(atoms, tolerance=0.0).T
    assert (atoms.information1 >= atoms.information2 - 2e-6)[first].all()
    assert (atoms.information2 >= atoms.information1 - 2e-6)[second].all()


def test_the_tolerance_is_in_bits_and_the_gap_is_added():
    bits = np.array([0.01, 0.01, 0.01])
    atoms = Atoms(
        bits, np.array([0.0, 0.2, 0.2]), np.array([0.1, 0.1, 0.1]), bits, np.array([0.0, 0.05, np.inf])
    )
    assert dominates(atoms, tolerance=0.15).tolist() == [[True, True], [True, True], [False, False]]
    assert dominates(atoms, tolerance=0.14).tolist() == [[True, True], [True, False], [False, False]]


@pytest.mark.parametrize("tolerance", [-1e-9, float("nan")])
def test_a_negative_tolerance_is_refused(tolerance):
    with pytest.raises((ValueError, TypeError), match=r"bits of unique information|=nan; expected a number"):
        dominates(decompose(np.full((2, 2, 2), 0.125)), tolerance=tolerance)
