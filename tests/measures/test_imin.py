"""I_min against its definition written out, and what it is known for."""

import numpy as np
import pytest

from pidnet.measures import decompose


def specific_information(p, y, axis):
    """I(Y=y; X) of one source from its definition, bits."""
    p_xy = p.sum(1 - axis)
    p_x_given_y, p_y_given_x = p_xy[:, y] / p_xy[:, y].sum(), p_xy[:, y] / p_xy.sum(1)
    return (p_x_given_y * np.log2(p_y_given_x / p_xy[:, y].sum())).sum()


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 4, 5), (4, 4, 10)])
def test_i_min_is_the_expected_minimum(shape):
    p = np.random.default_rng(0).dirichlet(np.ones(np.prod(shape))).reshape(shape)
    expected = sum(
        p[..., y].sum() * min(specific_information(p, y, axis) for axis in (0, 1)) for y in range(shape[2])
    )
    assert decompose(p, measure="i_min").redundancy[0] == pytest.approx(expected, abs=1e-13)


def test_i_min_calls_equal_amounts_redundant_and_i_broja_does_not():
    p = np.zeros((2, 2, 4))
    p[[0, 0, 1, 1], [0, 1, 0, 1], range(4)] = 0.25
    assert decompose(p, measure="i_min").redundancy[0] == pytest.approx(1)
    assert decompose(p, measure="i_broja").redundancy[0] == pytest.approx(0, abs=1e-6)
    assert decompose(p, measure="i_broja").unique1[0] == pytest.approx(1, abs=1e-6)
