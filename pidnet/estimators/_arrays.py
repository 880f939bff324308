"""Samples as arrays, checked at the door."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor


def array(values: Any, name: str) -> np.ndarray:
    """Numbers or labels as an array; ValueError where there are none, or rows of different lengths."""
    if isinstance(values, Tensor):
        if values.is_meta:
            raise ValueError(
                f"{name} is a tensor on the meta device, without values; move the data to a real one"
            )
        return values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is no array: its rows have different lengths") from error


def matrix(values: Any, name: str) -> np.ndarray:
    """float64 (sample, unit), a vector as one unit; ValueError for what is not finite or has no samples."""
    found = array(values, name)
    if found.ndim == 0 or 0 in found.shape or found.dtype.kind not in "iufb":
        raise ValueError(
            f"{name} has shape {found.shape} and type {found.dtype}; expected (sample, unit), real"
        )
    found = found.reshape(len(found), -1).astype(float)
    if not np.isfinite(found).all():
        row, unit = np.argwhere(~np.isfinite(found))[0]
        raise ValueError(f"{name} is not finite in unit {unit} at sample {row}; check weights and inputs")
    return found
