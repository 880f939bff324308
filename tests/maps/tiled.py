"""A layer of several small tiles, and whether two maps are the same."""

import numpy as np
import torch

from pidnet import Codes


def some_codes(units=10, samples=60, seed=0, constant=(4, 5, 6, 7, 9)):
    """Three blocks of units: of the second all are constant, of the third all but one."""
    draw = torch.Generator().manual_seed(seed)
    layer = torch.randint(3, (samples, units), generator=draw)
    layer[:, [unit for unit in constant if unit < units]] = 1
    return Codes.of({"fc1": layer}, (layer[:, 0] + layer[:, 1]) % 3, 3)


def same(found, expected, **tolerance):
    tolerance = tolerance or {"atol": 2e-7}
    for name in ("redundancy", "unique1", "unique2", "synergy", "total"):
        np.testing.assert_allclose(found.matrix(name), expected.matrix(name), **tolerance)
    np.testing.assert_array_equal(found.pairs, expected.pairs)
    np.testing.assert_allclose(found.unit_information, expected.unit_information, **tolerance)
    assert (found.atoms.gap >= expected.atoms.gap).all()
    assert found.atoms.gap_kind == expected.atoms.gap_kind
    assert (found.settings, found.notes) == (expected.settings, expected.notes)
    assert found.noise_floor == expected.noise_floor
    for group in ("p_values", "intervals"):
        assert getattr(found, group).keys() == getattr(expected, group).keys()
        for name, values in getattr(expected, group).items():
            np.testing.assert_allclose(getattr(found, group)[name], values, **tolerance)
