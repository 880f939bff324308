import numpy as np
import pytest
from hypothesis import given

from pidnet.tables import shannon
from tests.strategies import tables


def test_known_values():
    assert shannon.entropy(np.array([0.5, 0.25, 0.25])) == pytest.approx(1.5)
    assert shannon.entropy(np.array([1.0, 0.0])) == 0
    assert shannon.mutual_information(np.eye(4) / 4) == pytest.approx(2)
    assert shannon.mutual_information(np.full((3, 5), 1 / 15)) == pytest.approx(0, abs=1e-12)


@given(tables())
def test_source_informations_are_sums_over_cells(p):
    first, second, joint = shannon.source_informations(p)
    for k, table in enumerate(p):
        x, y, cells = table.sum((1, 2)), table.sum((0, 1)), table > 0
        expected = (
            table * np.log2(np.where(cells, table, 1) / np.where(cells, table.sum(2)[..., None] * y, 1))
        ).sum()
        assert joint[k] == pytest.approx(expected, abs=1e-10)
        one = table.sum(1)
        ratio = np.where(one > 0, one, 1) / np.where(one > 0, np.outer(x, y), 1)
        assert first[k] == pytest.approx((one * np.log2(ratio)).sum(), abs=1e-10)
    np.testing.assert_allclose(shannon.source_informations(p.swapaxes(1, 2))[0], second, atol=1e-12)
