import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import false_discovery_control

import pidnet as pn


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.01, 0.5))
def test_it_keeps_what_scipy_keeps(p_values, level):
    adjusted = false_discovery_control(p_values)
    if np.abs(adjusted - level).min() > 1e-9:
        np.testing.assert_array_equal(pn.benjamini_hochberg(np.array(p_values), level), adjusted <= level)


def test_a_later_pass_keeps_the_earlier_failures():
    assert pn.benjamini_hochberg(np.array([0.04, 0.03, 0.045]), 0.05).all()
    assert not pn.benjamini_hochberg(np.array([0.04, 0.03, 0.9]), 0.05).any()


def test_no_test_keeps_nothing():
    assert pn.benjamini_hochberg(np.array([])).shape == (0,)


def test_bad_input():
    with pytest.raises(ValueError, match=r"level=5; expected a share"):
        pn.benjamini_hochberg(np.array([0.1]), 5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        pn.benjamini_hochberg(np.array([np.nan]))
