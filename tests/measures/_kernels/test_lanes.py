"""Vectors in compiled code: their arithmetic is that of NumPy, lane by lane, with and without vector registers."""

import os
import subprocess
import sys

import numpy as np
import pytest

from pidnet.execution.lane_math import exp, larger, log, ratio, smaller, x_ln_x
from pidnet.execution.lanes import LANES, absolute, anywhere, filled, row_at, select, square_root
from tests.kernels import compiled


@compiled
def functions_of(values, out):
    """Each function of this module, of each vector in ``values``, into the rows of ``out``."""
    x = row_at(values, 0)
    for i in range(len(values) // LANES):
        row_at(out[0], 0)[i] = exp(x[i])
        row_at(out[1], 0)[i] = log(absolute(x[i]))
        row_at(out[2], 0)[i] = x_ln_x(x[i])
        row_at(out[3], 0)[i] = square_root(absolute(x[i]))
        row_at(out[4], 0)[i] = ratio(1.0 - x[i], x[i])


def expected_functions(x):
    with np.errstate(invalid="ignore", divide="ignore"):
        x_ln = np.where(x > 1e-300, x * np.log(np.abs(x)), 0.0)
        quotient = np.where(x > 0, (1 - x) / x, 0.0)
        return np.stack([np.exp(x), np.log(np.abs(x)), x_ln, np.sqrt(np.abs(x)), quotient])


def check_functions():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-700, 700, 4000), rng.standard_normal(4000) * 1e-3])
    out = np.zeros((5, len(x)))
    functions_of(x, out)
    expected = expected_functions(x)
    np.testing.assert_allclose(out[0], expected[0], rtol=1e-14)
    np.testing.assert_allclose(out[1:], expected[1:], rtol=5e-16, atol=1e-300)


def test_functions_are_right_to_their_last_places():
    check_functions()


def test_functions_are_right_without_vector_registers():
    """What LLVM makes of the same code on a machine with none: numba is told of a bare x86-64, or the host's kind."""
    code = "from tests.measures._kernels.test_lanes import check_functions; check_functions()"
    bare = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-c", code], env=os.environ | bare, check=True, timeout=600)


@compiled
def choices_of(a, b, out):
    x, y = row_at(a, 0), row_at(b, 0)
    where = (x[0] < y[0]) | ~(y[0] <= 2.0) & (x[0] >= 0.0)
    row_at(out, 0)[0] = select(where, x[0], -1)
    row_at(out, 0)[1] = larger(x[0], y[0])
    row_at(out, 0)[2] = smaller(x[0], y[0])
    row_at(out, 0)[3, 5] = x[0, 6]
    return anywhere(where), anywhere(x[0] > 1e9)


def test_masks_choose_lane_by_lane():
    a, b = np.array([[0, 1, 2, 3, 4, -5, 6, 7], [1, 1, 1, 1, 9, 9, 9, 9]], np.float64)
    out = np.zeros(4 * LANES)
    assert choices_of(a, b, out) == (True, False)
    where = (a < b) | ~(b <= 2) & (a >= 0)
    expected = [np.where(where, a, -1), np.maximum(a, b), np.minimum(a, b), np.eye(1, LANES, 5)[0] * a[6]]
    np.testing.assert_array_equal(out.reshape(4, LANES), expected)


def test_no_comparison_with_nan_is_true():
    nan, one, out = np.full(LANES, np.nan), np.ones(LANES), np.zeros(4 * LANES)
    assert choices_of(nan, one, out) == (False, False)
    np.testing.assert_array_equal(out[:LANES], -1)


@compiled
def mixed(singles, doubles):
    x, y = row_at(singles, 0), row_at(doubles, 0)
    x[1] = x[0] * y[0] + 2
    y[1] = x[0] * y[0] + 2
    x[2] = filled(x, 0.1) + x[0] * 0


def test_a_float32_row_rounds_what_it_is_given():
    singles, doubles = np.zeros(3 * LANES, np.float32), np.zeros(2 * LANES)
    singles[:LANES], doubles[:LANES] = np.arange(LANES) / 3, 1 / 7
    mixed(singles, doubles)
    wide = singles[:LANES].astype(np.float64) / 7 + 2
    np.testing.assert_allclose(doubles[LANES:], wide, rtol=1e-15)
    np.testing.assert_array_equal(singles[LANES : 2 * LANES], doubles[LANES:].astype(np.float32))
    np.testing.assert_array_equal(singles[2 * LANES :], np.float32(0.1))


def test_what_is_no_vector_is_refused():
    @compiled
    def wrong(values):
        return row_at(values, 0)[0] + "a"

    with pytest.raises(Exception, match="No implementation of function"):
        wrong(np.zeros(LANES))
