"""The covariances of a pair's redundancy and informations against their twin."""

import numpy as np

from pidnet.measures import i_ccs_derivative
from pidnet.significance import _twins
from pidnet.significance.delta_method import covariances
from pidnet.tables.discrete import PairTables


def test_the_kernel_agrees_with_its_twin():
    p = np.random.default_rng(0).dirichlet(np.ones(36), size=5).reshape(5, 3, 3, 4)
    tables = PairTables(np.full((5, 2), -1), p, 1000)
    derivative = i_ccs_derivative(tables)
    found = covariances(tables, derivative)
    for k, one in enumerate(p):
        redundancy = (
            derivative.first[k][:, None] + derivative.second[k][None] + derivative.both[k][:, :, None]
        )
        p_y = one.sum((0, 1))
        local = [
            np.log2(m / (m.sum(2, keepdims=True) * p_y)) + 0 * one
            for m in (one.sum(1, keepdims=True), one.sum(0, keepdims=True), one)
        ]
        expected = _twins.covariance(one, np.stack([redundancy, *local])) / 1000
        np.testing.assert_allclose(found[k], expected, rtol=1e-10, atol=1e-15)
