"""What can be said about groups of any size from entropies alone, whatever the redundancy measure.

All values are plug-in estimates from counts of joint codes. A group with as many joint states as samples
looks as if it carried all information: ``states`` says how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.optional import optional_module
from pidnet.printing import Printed, counted, number, table
from pidnet.tables import shannon

if TYPE_CHECKING:
    import pandas

SHOWN = ("group_information", "redundancy_degree", "vulnerability_degree", "o_information", "target_gradient")


@dataclass(frozen=True, eq=False, repr=False)
class GroupInvariants(Printed):
    """What can be told about groups of k units X1 ... Xk and the target Y from entropies alone.

    Attributes
    ----------
    groups : ndarray
        int (group, k), unit indices.
    group_information : ndarray
        I(Y;X1...Xk) of each group, (group,), bits.
    redundancy_degree : ndarray
        sum_i I(Y;Xi) / group_information, (group,), in 0 ... k: in how many units the average bit is found. nan where the
        group_information is 0.
    vulnerability_degree : ndarray
        sum_i I(Y;Xi|all others) / group_information, (group,), in 0 ... k: how many units the average bit hangs on. nan
        where the group_information is 0.
    o_information : ndarray
        (k - 2) H(X) + sum_i [H(Xi) - H(all others)], (group,), bits; positive where redundancy dominates.
    unit_gradient : ndarray
        The O-information less that of the group without unit i, (group, k), bits.
    target_gradient : ndarray
        The O-information with the target less that without it, (group,), bits.
    states : ndarray
        How many joint codes of each group were seen, int (group,).
    samples : int
        How many samples were counted.

    Notes
    -----
    These are plug-in values: a joint state of k units has levels^k cells, more than any correction of here can fill
    from k = 4 on. Their null is the same call with permuted labels (``codes.with_target``).

    Sources: Gutknecht et al., Shannon invariants, 2025 (the degrees); Rosas et al., Quantifying high-order
    interdependencies, 2019 (O-information); Scagliarini et al., Gradients of O-information, 2023.

    Examples
    --------
    >>> import pidnet as pn
    >>> copies = pn.Codes.of({"layer": [[0, 0, 0], [1, 1, 1]] * 8}, [0, 1] * 8)
    >>> pn.group_invariants(copies, "layer", [[0, 1, 2]])
    GroupInvariants of 1 group of 3 units, 16 samples
                            mean   least    most
    group_information     1.0000  1.0000  1.0000
    redundancy_degree     3.0000  3.0000  3.0000
    vulnerability_degree  0.0000  0.0000  0.0000
    o_information         1.0000  1.0000  1.0000
    target_gradient       1.0000  1.0000  1.0000
    """

    groups: np.ndarray
    group_information: np.ndarray
    redundancy_degree: np.ndarray
    vulnerability_degree: np.ndarray
    o_information: np.ndarray
    unit_gradient: np.ndarray
    target_gradient: np.ndarray
    states: np.ndarray
    samples: int

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table with one row for each group: its units, its values and its joint states."""
        columns = {"units": [tuple(group) for group in self.groups.tolist()]}
        columns |= {name: getattr(self, name) for name in (*SHOWN, "states")}
        return optional_module("pandas").DataFrame(columns)

    def _lines(self) -> list[str]:
        count, size = self.groups.shape
        rows = [_spread(name, getattr(self, name)) for name in SHOWN]
        groups = f"{counted(count, 'group')} of {size} units"
        return [f"GroupInvariants of {groups}, {number(self.samples)} samples", *table(rows)]


def _spread(name: str, values: np.ndarray) -> dict[str, float | str]:
    """Mean and range of the values that are known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"": name, "mean": np.nan, "least": np.nan, "most": np.nan}
    return {"": name, "mean": known.mean(), "least": known.min(), "most": known.max()}


def group_invariants(
    codes: Codes, layer: str, groups: Sequence[Sequence[int]] | np.ndarray
) -> GroupInvariants:
    """Compute the invariants of some groups of equally many units of a layer.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.
    groups : ndarray or sequence of sequences of int
        int (group, k), k at least 2; `random_groups` draws some, ``[range(units)]`` is the whole layer.

    Returns
    -------
    GroupInvariants
        One entry for each group.

    Raises
    ------
    ValueError
        For an unknown layer, units it does not have, or a unit twice in a group.

    Examples
    --------
    >>> import pidnet as pn
    >>> xor = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]] * 5}, [0, 1, 1, 0] * 5)
    >>> pn.group_invariants(xor, "layer", [[0, 1]]).vulnerability_degree
    array([2.])
    """
    check_arguments(group_invariants, locals())
    checked = check_groups(codes, layer, groups)
    units, target = codes.layer(layer).values.numpy().astype(np.int64), codes.target.numpy()
    rows = [_invariants(units[:, group], target) for group in checked]
    return GroupInvariants(
        groups=checked,
        samples=len(target),
        **{name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def random_groups(codes: Codes, layer: str, size: int, count: int, *, seed: int = 0) -> np.ndarray:
    """Draw groups of different units that vary.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.
    size, count : int
        How many units a group has, at least 2, and how many groups are drawn.
    seed : int
        The source of chance.

    Returns
    -------
    ndarray
        int (count, size), the units of each group, ascending.

    Raises
    ------
    ValueError
        For an unknown layer, or when fewer units than ``size`` vary.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1, 0], [1, 0, 1]]}, [0, 1])
    >>> pn.random_groups(codes, "layer", size=3, count=2)
    array([[0, 1, 2],
           [0, 1, 2]])
    """
    check_arguments(random_groups, locals())
    if count < 1:
        raise ValueError(f"count={count}; expected at least one group")
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
    if len(groups) == 0 or any(np.ndim(group) != 1 for group in groups):
        raise ValueError("groups are lists of units, one a group; expected at least one")
    lengths = {len(group) for group in groups}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(f"groups of {sorted(lengths)} units; expected groups of one size, at least 2")
    checked = np.array([list(group) for group in groups])
    if checked.dtype.kind not in "iu":
        raise TypeError(f"groups hold {checked.dtype} values; expected units, which are whole numbers")
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
        "group_information": information,
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
