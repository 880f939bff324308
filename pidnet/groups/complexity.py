"""How many units must be read together: the representational complexity of small groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from lattices.lattices import free_distributive_lattice

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.groups.invariants import check_groups, joint_states

Antichain = frozenset[frozenset[int]]


def representational_complexity(
    codes: Codes, layer: str, groups: Sequence[Sequence[int]] | np.ndarray
) -> np.ndarray:
    """Compute how many units must be read together: the representational complexity of groups.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.
    groups : ndarray or sequence of sequences of int
        int (group, k), 2 to 4 units each.

    Returns
    -------
    ndarray
        C of each group, (group,), between 1 and k; nan where the group carries no information.

    Raises
    ------
    ValueError
        For groups of more than 4 units, an unknown layer, or units it does not have.

    Notes
    -----
    C = sum over atoms of (degree * atom) / I(Y;group). The degree of an atom is the size of the smallest set of
    units that carries it: 1 for what single units carry, alone or redundantly, k for what only all k carry together.
    Atoms are those of I_min on the full lattice (4, 18, 166 atoms for 2, 3, 4 units). Source: Ehrlich et al., A
    measure of the complexity of neural representations based on partial information decomposition, 2023 (there with
    another redundancy).

    Examples
    --------
    >>> import pidnet as pn
    >>> xor = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]] * 5}, [0, 1, 1, 0] * 5)
    >>> pn.representational_complexity(xor, "layer", [[0, 1]])
    array([2.])
    """
    check_arguments(representational_complexity, locals())
    checked = check_groups(codes, layer, groups)
    if checked.shape[1] > 4:
        raise ValueError(f"groups of {checked.shape[1]} units; the lattice is read for 2 to 4 units")
    units, target = codes.layer(layer).values.numpy().astype(np.int64), codes.target.numpy()
    return np.array([_complexity(units[:, group], target) for group in checked])


def _complexity(units: np.ndarray, target: np.ndarray) -> float:
    size = units.shape[1]
    specific = {
        members: _specific_information(units[:, sorted(members)], target) for members in _subsets(size)
    }
    share = np.bincount(target) / len(target)
    atoms: dict[Antichain, float] = {}
    for node in lattice(size):
        redundancy = float(share @ np.minimum.reduce([specific[members] for members in node]))
        atoms[node] = redundancy - sum(value for below, value in atoms.items() if _below(below, node))
    total = sum(atoms.values())
    if total < 1e-12:
        return np.nan
    return sum(min(map(len, node)) * value for node, value in atoms.items()) / total


@lru_cache
def lattice(size: int) -> tuple[Antichain, ...]:
    """The antichains of sets of sources, each after all that lie below it (Williams & Beer 2010)."""
    found = list(free_distributive_lattice(range(size)))
    return tuple(sorted(found, key=lambda node: sum(_below(other, node) for other in found)))


def _subsets(size: int) -> list[frozenset[int]]:
    return [frozenset(c) for k in range(1, size + 1) for c in combinations(range(size), k)]


def _below(low: Antichain, high: Antichain) -> bool:
    """Every set of the higher antichain contains one of the lower; false for one and the same."""
    return low != high and all(any(small <= large for small in low) for large in high)


def _specific_information(units: np.ndarray, target: np.ndarray) -> np.ndarray:
    """I(Y=y;X) = sum_x p(x|y) log2(p(y|x) / p(y)), (class,), bits; 0 for a class that does not occur."""
    states = joint_states(units)
    classes = int(target.max()) + 1
    p_XY = np.bincount(states * classes + target).astype(float)
    p_XY = np.pad(p_XY, (0, -len(p_XY) % classes)).reshape(-1, classes) / len(target)
    p_X, p_Y = p_XY.sum(1, keepdims=True), p_XY.sum(0)
    seen = p_XY > 0
    ratio = np.ones_like(p_XY)
    np.divide(p_XY, p_X * p_Y, out=ratio, where=seen)
    weight = np.divide(p_XY, p_Y, out=np.zeros_like(p_XY), where=seen)
    return (weight * np.log2(ratio)).sum(0)
