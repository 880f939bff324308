"""Which source can replace which: Blackwell domination, read from the unique information."""

from __future__ import annotations

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.measures.atoms import Atoms


def dominates(atoms: Atoms, *, tolerance: float = 1e-6) -> np.ndarray:
    """Which source of each pair can stand in for the other.

    Parameters
    ----------
    atoms : Atoms
        What a measure gave.
    tolerance : float
        Unique information, in bits, that may be lost.

    Returns
    -------
    ndarray of bool, (pair, 2)
        Column 0: source 1 can replace source 2, since U2 <= tolerance + gap. Column 1: source 2 can replace
        source 1, since U1 <= tolerance + gap. Both hold for sources that carry the same information; a pair
        without an answer (gap inf) has neither.

    Raises
    ------
    ValueError
        For a tolerance that is negative or not a number.

    Notes
    -----
    With I_BROJA and no tolerance this is Blackwell's order about the target: whatever can be decided with the
    replaced source can be decided as well with the other. ``pidnet.replacement_graph`` is the same relation over
    the units of a layer.
    Source: Bertschinger, Rauh, Olbrich, Jost & Ay 2014, Entropy 16, 2161 (arXiv:1311.2852).

    Examples
    --------
    >>> import numpy as np, pidnet as pn
    >>> p = np.zeros((4, 2, 4))  # source 1 is the target, source 2 its last bit
    >>> p[range(4), [0, 1, 0, 1], range(4)] = 0.25
    >>> pn.dominates(pn.decompose(p, "i_broja"))
    array([[ True, False]])
    """
    check_arguments(dominates, locals())
    if not tolerance >= 0:
        raise ValueError(
            f"tolerance is {tolerance}; expected bits of unique information that may be lost, 0 or more"
        )
    lost = np.stack([atoms.unique2, atoms.unique1], axis=1)
    allowed = tolerance + atoms.gap[:, None]
    return (lost <= allowed) & np.isfinite(allowed)
