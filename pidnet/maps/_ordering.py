"""An order of units in which redundant ones stand side by side."""

from __future__ import annotations

import numpy as np

BEST_ORDER_UP_TO = 128


def similar_units(redundancy: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Units in the order of the leaves of average linkage on their redundancy.

    Parameters
    ----------
    redundancy : ndarray of float, (unit, unit)
        Redundancy of each pair, bits; nan counts as none.
    units : ndarray of int, (n,)
        The units to order.

    Returns
    -------
    ndarray of int, (n,)
        The same units; pairs with much redundancy are close together.

    Examples
    --------
    >>> import numpy as np
    >>> redundancy = np.array([[0, 0, 1.0], [0, 0, 0], [1.0, 0, 0]])
    >>> similar_units(redundancy, np.arange(3)).tolist()
    [1, 2, 0]
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(units) < 3:
        return units
    shared = np.nan_to_num(redundancy[np.ix_(units, units)])
    np.fill_diagonal(shared, 0)
    distance = shared.max() - shared
    np.fill_diagonal(distance, 0)
    near = squareform(distance, checks=False)
    # The best order of the leaves takes a minute for 1,024 units and shows only where units can be told apart.
    tree = linkage(near, "average", optimal_ordering=len(units) <= BEST_ORDER_UP_TO)
    return units[leaves_list(tree)]
