"""Many edges are tested at once: the share of false ones among those kept is what must stay small."""

from __future__ import annotations

import numpy as np


def benjamini_hochberg(p_values: np.ndarray, level: float = 0.05) -> np.ndarray:
    """Which of the tests are kept so that at most a share ``level`` of them is expected to be false, bool.

    Keeps the k smallest p-values, k the largest rank with p_(k) <= level k / n. Holds for independent tests
    and for tests that depend positively on each other.
    Source: Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289.
    Raises ValueError for a level outside (0, 1) or p-values outside [0, 1].
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    if not 0 < level < 1:
        raise ValueError(f"level={level}; expected a share between 0 and 1, such as 0.05")
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    ordered = np.sort(p_values)
    passed = np.flatnonzero(ordered <= level * np.arange(1, len(ordered) + 1) / max(len(ordered), 1))
    return p_values <= ordered[passed[-1]] if len(passed) else np.zeros(len(ordered), bool)
