import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from pidnet.report._encoding import pack, pack_logarithm, script_json


def unpack_logarithm(packed):
    """As the page does it."""
    return np.nan_to_num(10 ** unpack(packed), nan=0.0)


def unpack(packed):
    """As the page does it."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["deflated"])), np.uint8)
    codes = planes.reshape(2, -1).T @ [1, 256]
    return np.where(codes == 65535, np.nan, packed["low"] + codes * packed["step"])


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-4, 4)))
def test_numbers_come_back_to_half_a_step(values):
    half = (values.max() - values.min()) / 65534 / 2
    np.testing.assert_allclose(unpack(pack(values)), values, rtol=0, atol=half * 1.001 + 1e-12)


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 2)), st.sampled_from([0.001, 0.5]))
def test_a_coarser_step_is_kept(values, step):
    packed = pack(values, step)
    assert packed["step"] >= step
    np.testing.assert_allclose(unpack(packed), values, rtol=0, atol=step / 2 * 1.001)


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-9, 1) | st.just(0.0)))
def test_a_logarithmic_scale_keeps_small_numbers_and_0(values):
    found = unpack_logarithm(pack_logarithm(values, 0.01))
    np.testing.assert_allclose(found, values, rtol=0.012, atol=0)


@pytest.mark.parametrize("values", [[0.5, np.inf, np.nan, 1.0], [np.nan], [0.0, 0.0]])
def test_what_is_not_finite_is_marked(values):
    found = unpack(pack(np.array(values)))
    np.testing.assert_array_equal(np.isnan(found), ~np.isfinite(values))
    assert np.allclose(found[np.isfinite(values)], np.array(values)[np.isfinite(values)])


@given(st.text())
def test_json_cannot_end_its_script(name):
    text = script_json({"names": [f"{name}</script><!--"]})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"names": [f"{name}</script><!--"]}


def test_numbers_that_json_lacks_are_null():
    assert json.loads(script_json([float("nan"), (float("inf"), 1.5), {2: True}])) == [
        None,
        [None, 1.5],
        {"2": True},
    ]
