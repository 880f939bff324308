import numpy as np
import pytest

from pidnet.maps import LayerMap
from pidnet.measures.atoms import Atoms


@pytest.fixture
def layer_map():
    """Units 0 and 1 say the same, 1 and 2 speak only together, 0 and 2 share nothing."""
    atoms = Atoms(
        redundancy=np.array([0.5, 0.0, 0.0]),
        unique1=np.array([0.1, 0.0, 0.0]),
        unique2=np.array([0.0, 0.0, 0.0]),
        synergy=np.array([0.4, 0.0, 1.0]),
        gap=np.zeros(3),
    )
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    return LayerMap("fc1", np.arange(3), pairs, atoms, "i_min", 100, np.array([0.6, 0.5, 0.0]))
