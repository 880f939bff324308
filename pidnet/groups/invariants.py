"""What can be said about groups of any size from entropies alone, whatever the redundancy measure.

All values are plug-in estimates from counts of joint codes. A group with as many joint states as samples
looks as if it knew everything: ``states`` says how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pidnet.codes import Codes
from pidnet.tables import shannon


@dataclass(frozen=True, eq=False)
class GroupInvariants:
    """One entry a group of k units X1 ... Xk with the target Y; bits, degrees without unit.

    groups: int (group, k). information: I(Y;X1...Xk). states: joint codes seen. samples: rows counted.
    redundancy_degree: sum_i I(Y;Xi) / information, in 0 ... k: in how many units the average bit is found.
    vulnerability_degree: sum_i I(Y;Xi|all others) / information, in 0 ... k: how many units the average bit
    hangs on. Both are nan where the information is 0.
    o_information: (k - 2) H(X) + sum_i [H(Xi) - H(all others)], positive where redundancy dominates.
    unit_gradient: (group, k), the O-information less that of the group without unit i.
    target_gradient: the O-information with the target less that without it.

    Sources: Gutknecht et al., Shannon invariants, 2025 (the degrees); Rosas et al., Quantifying high-order
    interdependencies, 2019 (O-information); Scagliarini et al., Gradients of O-information, 2023.
    """

    groups: np.ndarray
    information: np.ndarray
    redundancy_degree: np.ndarray
    vulnerability_degree: np.ndarray
    o_information: np.ndarray
    unit_gradient: np.ndarray
    target_gradient: np.ndarray
    states: np.ndarray
    samples: int


def group_invariants(
    codes: Codes, layer: str, groups: Sequence[Sequence[int]] | np.ndarray
) -> GroupInvariants:
    """The invariants of some groups of equally many units of a layer.

    groups: int (group, k), k at least 2; ``random_groups`` draws some, ``[range(units)]`` is the whole layer.
    Raises ValueError for an unknown layer, units it does not have, or a unit twice in a group.
    """
    checked = check_groups(codes, layer, groups)
    units, target = codes.layer(layer).values.numpy().astype(np.int64), codes.target.numpy()
    rows = [_invariants(units[:, group], target) for group in checked]
    return GroupInvariants(
        groups=checked,
        samples=len(target),
        **{name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def random_groups(codes: Codes, layer: str, size: int, count: int, *, seed: int = 0) -> np.ndarray:
    """``count`` groups of ``size`` different units that vary, int (count, size), drawn by ``seed``.

    Raises ValueError when fewer units than ``size`` vary.
    """
    varying = codes.layer(layer).varying
    if not 2 <= size <= len(varying):
        raise ValueError(
            f"size={size}; layer {layer!r} has {len(varying)} units that vary, groups need 2 or more"
        )
    rng = np.random.default_rng(seed)
    return np.stack([np.sort(rng.choice(varying, size, replace=False)) for _ in range(count)])


def check_groups(codes: Codes, layer: str, groups: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    """Groups as int (group, k), or ValueError."""
    units = len(codes.layer(layer).units)
    lengths = {len(group) for group in groups}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(f"groups of {sorted(lengths)} units; expected groups of one size, at least 2")
    checked = np.array([list(group) for group in groups], dtype=np.int64)
    if checked.min() < 0 or checked.max() >= units:
        raise ValueError(f"groups name units {checked.min()} to {checked.max()}; layer {layer!r} has {units}")
    if any(len(set(group)) < len(group) for group in checked.tolist()):
        raise ValueError("a group names a unit twice")
    return checked


def joint_states(columns: np.ndarray) -> np.ndarray:
    """One number for each different row, int (sample,), whatever the number of columns (sample, column)."""
    states, size = np.zeros(len(columns), dtype=np.int64), 1
    for column in columns.T:
        radix = int(column.max()) + 1
        states = states * radix + column
        size *= radix
        if size > 4 * len(columns):  # keep the numbers small enough to count
            seen, states = np.unique(states, return_inverse=True)
            size = len(seen)
    return states


def _entropy(*columns: np.ndarray) -> float:
    """Plug-in entropy of some columns (sample,) or (sample, column) together, bits."""
    counts = np.bincount(joint_states(np.column_stack(columns))).astype(float)
    return float(shannon.entropy(counts / counts.sum()))


def _invariants(units: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray | float | int]:
    """All values of one group: units (sample, k), target (sample,)."""
    size = units.shape[1]
    others = [np.delete(units, i, axis=1) for i in range(size)]
    information = _about(units, target)
    alone = sum(_about(units[:, [i]], target) for i in range(size))
    lost = sum(information - _about(other, target) for other in others)
    known = information > 1e-12
    whole = _o_information(units)
    return {
        "information": information,
        "redundancy_degree": alone / information if known else np.nan,
        "vulnerability_degree": lost / information if known else np.nan,
        "o_information": whole,
        "unit_gradient": np.array([whole - _o_information(other) for other in others]),
        "target_gradient": _o_information(np.column_stack([units, target])) - whole,
        "states": len(np.unique(joint_states(units))),
    }


def _about(units: np.ndarray, target: np.ndarray) -> float:
    return _entropy(units) + _entropy(target) - _entropy(units, target)


def _o_information(units: np.ndarray) -> float:
    """(n - 2) H(X) + sum_i [H(Xi) - H(all others)]; 0 for fewer than three variables."""
    size = units.shape[1]
    if size < 3:
        return 0.0
    singles = sum(_entropy(units[:, i]) - _entropy(np.delete(units, i, axis=1)) for i in range(size))
    return (size - 2) * _entropy(units) + singles
