"""Which axioms each measure keeps, and that a measure that breaks one is found out."""

import numpy as np
import pytest

from pidnet.measures import MEASURES, check_measure
from pidnet.measures.atoms import Atoms, atoms_from_redundancy
from pidnet.tables import shannon

REQUIRED = ["adds up", "symmetry", "batch", "names", "unused levels"]
CHARACTER = {
    "i_min": ["self-redundancy", "monotonicity", "nonnegativity"],
    "i_mmi": ["self-redundancy", "monotonicity", "nonnegativity"],
    "i_broja": ["self-redundancy", "monotonicity", "nonnegativity", "identity", "independent identity"],
    "i_ccs": ["self-redundancy", "independent identity"],
}


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_each_measure_keeps_the_axioms_that_the_literature_gives_it(measure):
    assert check_measure(measure, seed=3).kept == REQUIRED + CHARACTER[measure]


def first_source(tables):
    """Takes the first source for what both share: not symmetric."""
    return atoms_from_redundancy(tables.p, shannon.source_informations(tables.p)[0])


def too_much(tables):
    """Adds .1 bits that no information accounts for."""
    sound = MEASURES["i_mmi"](tables)
    return Atoms(sound.redundancy + 0.1, sound.unique1, sound.unique2, sound.synergy, sound.gap)


def of_the_batch(tables):
    """Lends every pair the mean of the batch."""
    sound = MEASURES["i_mmi"](tables)
    return atoms_from_redundancy(tables.p, np.full(len(tables), sound.redundancy.mean()))


def of_the_first_level(tables):
    """Depends on which level comes first."""
    return atoms_from_redundancy(tables.p, tables.p[:, 0, 0, 0])


def of_the_shape(tables):
    """Depends on how many levels there could be."""
    return atoms_from_redundancy(tables.p, np.full(len(tables), 0.01 * tables.p.shape[1] * tables.p.shape[2]))


def not_a_number(tables):
    """Has no answer."""
    return atoms_from_redundancy(tables.p, np.full(len(tables), np.nan))


@pytest.mark.parametrize(
    ("measure", "broken"),
    [
        (first_source, "symmetry"),
        (too_much, "adds up"),
        (of_the_batch, "batch"),
        (of_the_first_level, "names"),
        (of_the_shape, "unused levels"),
        (not_a_number, "adds up"),
    ],
)
def test_a_broken_measure_is_found_out(measure, broken):
    found = check_measure(measure)
    assert not found.sound
    assert broken not in found.kept
    assert "NOT SOUND" in repr(found)


def test_the_result_fits_a_screen():
    lines = repr(check_measure("i_min")).splitlines()
    assert len(lines) == 12
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"measure": "i_max"}, "i_max"), ({"tables": 1}, "tables=1"), ({"tolerance": 0}, "tolerance=0")],
)
def test_bad_input(wrong, words):
    with pytest.raises(ValueError, match=words):
        check_measure(**{"measure": "i_min", **wrong})
