"""Columns of the rows of ``collapse_plane``, and rank correlations of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

Rows = list[dict[str, Any]]


def column(rows: Rows, split: str, name: str) -> np.ndarray:
    """One number of all networks."""
    return np.array([row[split][name] for row in rows])


def rank_correlation(a: np.ndarray, b: np.ndarray, controls: Sequence[np.ndarray] = ()) -> float:
    """Spearman's; with controls, of what of the ranks is not linear in the ranks of the controls."""
    if not controls:
        return float(spearmanr(a, b)[0])
    known = np.column_stack([np.ones(len(a)), *map(rankdata, controls)])
    left = [r - known @ np.linalg.lstsq(known, r, rcond=None)[0] for r in map(rankdata, (a, b))]
    return float(np.corrcoef(left)[0, 1])


def settings_mean(rows: Rows, values: np.ndarray, name: Callable[[dict[str, Any]], str]) -> np.ndarray:
    """Mean over the seeds of each setting."""
    settings = np.array([name(row["cell"]) for row in rows])
    return np.array([values[settings == one].mean() for one in np.unique(settings)])


def resampled(a: np.ndarray, b: np.ndarray, controls: Sequence[np.ndarray] = (), draws: int = 200) -> str:
    """The rank correlation and its standard deviation over resampled networks."""
    rng = np.random.default_rng(0)
    picks = [rng.integers(len(a), size=len(a)) for _ in range(draws)]
    drawn = [rank_correlation(a[k], b[k], [c[k] for c in controls]) for k in picks]
    return f"{rank_correlation(a, b, controls):+.2f} ({np.nanstd(drawn):.2f})"


def spread(values: np.ndarray) -> str:
    """Mean over the networks; ± the standard deviation where it is more than 10 %."""
    finite = len(values) > 1 and np.isfinite(values).all()
    mean, std = values.mean(), values.std(ddof=1) if finite else 0.0
    return f"{mean:.3g} ± {std:.2g}" if std > 0.1 * abs(mean) else f"{mean:.3g}"
