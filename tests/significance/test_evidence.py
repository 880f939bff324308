"""One pass over the counts: by bits it finds what it finds from tables, and what the older kernels and twins find."""

import numpy as np
import pytest

from pidnet.measures.derivatives import log2_ratio
from pidnet.measures.sampling_bias import difference_error
from pidnet.significance.evidence import evidence_of_codes, evidence_of_tables
from pidnet.tables import shannon
from pidnet.tables.discrete import coded_units, pair_tables, unit_tables
from tests.planted import planted_layer


def counted_by_bits(codes, pairs):
    coded = coded_units(codes, "layer")
    return evidence_of_codes(coded, pairs, log2_ratio(unit_tables(codes, "layer")))


@pytest.mark.parametrize("levels", [2, 4, 5, 8])
def test_counted_by_bits_or_from_tables_it_is_the_same(levels):
    codes, _ = planted_layer("redundant", 700, np.random.default_rng(0), pairs=5, levels=levels, classes=4)
    tables = pair_tables(codes, "layer")
    joint, found = counted_by_bits(codes, tables.pairs)
    np.testing.assert_allclose(joint, shannon.source_informations(tables.p)[2], atol=1e-12)
    for name, values in evidence_of_tables(tables)._asdict().items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-5, atol=1e-7, err_msg=name)


def test_errors_of_differences_are_those_of_the_tables():
    codes, _ = planted_layer("redundant", 700, np.random.default_rng(0), pairs=5)
    tables = pair_tables(codes, "layer")
    found = evidence_of_tables(tables)
    np.testing.assert_allclose(found.difference_error(), difference_error(tables), atol=1e-6)
    expected = difference_error(tables, by_class=True)
    np.testing.assert_allclose(found.difference_errors(), expected, atol=1e-6)


def test_copies_differ_by_nothing_without_error():
    codes, _ = planted_layer("redundant", 400, np.random.default_rng(0), pairs=1)
    _, found = counted_by_bits(codes, np.array([[0, 0], [1, 1]]))
    assert (found.difference_errors() == 0).all()
    assert (found.statistic == 0).all()
