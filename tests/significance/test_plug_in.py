"""Plug-in atoms of a layer: by tables, or without them where single units are enough."""

import numpy as np
import pytest

from pidnet.measures import MEASURES, terms_of_units
from pidnet.measures.atoms import Atoms
from pidnet.significance import layer_atoms
from pidnet.tables.discrete import iterate_pair_tables
from tests.planted import planted_layer


@pytest.mark.parametrize("levels", [2, 4, 12])
@pytest.mark.parametrize("name", ["i_min", "i_mmi"])
def test_atoms_without_tables_are_those_of_the_tables(name, levels):
    codes, _ = planted_layer("redundant", 300, np.random.default_rng(0), pairs=3, levels=levels, classes=4)
    measure = MEASURES[name]
    assert terms_of_units(measure) is not None
    found = layer_atoms(codes, "layer", measure)
    expected = Atoms.concatenate([measure(tables) for tables in iterate_pair_tables(codes, "layer")])
    for atom, values in expected.items():
        np.testing.assert_allclose(getattr(found, atom), values, atol=1e-11, err_msg=atom)
    assert (found.gap == 0).all()
    assert found.gap_kind == "exact"


def test_other_measures_get_their_tables():
    assert terms_of_units(MEASURES["i_broja"]) is None
    codes, _ = planted_layer("redundant", 100, np.random.default_rng(0), pairs=1, levels=2, classes=2)
    seen = []

    def own(tables):
        seen.append(len(tables))
        return MEASURES["i_min"](tables)

    layer_atoms(codes, "layer", own)
    assert sum(seen) == len(codes.layer("layer").pairs)
