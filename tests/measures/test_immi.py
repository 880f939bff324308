"""I_mmi against its definition."""

import numpy as np

from pidnet.measures import decompose
from pidnet.tables import shannon


def test_i_mmi_is_the_smaller_information():
    p = np.random.default_rng(1).dirichlet(np.ones(36), size=20).reshape(20, 3, 4, 3)
    information1, information2, _ = shannon.source_informations(p)
    atoms = decompose(p, measure="i_mmi")
    np.testing.assert_allclose(atoms.redundancy, np.minimum(information1, information2), atol=1e-13)
    np.testing.assert_allclose(np.minimum(atoms.unique1, atoms.unique2), 0, atol=1e-13)
