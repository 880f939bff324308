"""Arrays, scripts and names as text that is safe and small inside a page."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from pidnet.files import plain

STEPS = 65534
NOT_FINITE = 65535


def pack(values: np.ndarray, step: float = 0.0) -> dict[str, Any]:
    """Numbers as 16-bit steps from the least of them: all low bytes, all high bytes, deflated, base64.

    Value = low + code * step, exact to step / 2; the code 65535 marks what is not finite.
    step: the finest that is worth its bytes; it is range / 65534 where that is coarser.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    step = max(step, (high - low) / STEPS) or 1.0
    codes = np.full(len(values), NOT_FINITE, dtype="<u2")
    codes[finite] = np.round((values[finite] - low) / step)
    planes = codes.view(np.uint8).reshape(-1, 2).T.tobytes()
    return {"low": float(low), "step": float(step), "deflated": deflate(planes)}


def pack_logarithm(values: np.ndarray, step: float) -> dict[str, Any]:
    """Numbers from 0 on a logarithmic scale, exact to a factor 10^(step / 2); 0 is what is not finite there."""
    values = np.asarray(values, dtype=np.float64)
    logarithm = np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)
    return pack(logarithm.clip(-12, 12), step)


def deflate(content: bytes) -> str:
    """Bytes as base64 text, which the page inflates."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def script_json(data: Any) -> str:
    """JSON that cannot end the script element it is in, whatever the names in it; nan becomes null."""
    from jinja2.utils import htmlsafe_json_dumps

    return htmlsafe_json_dumps(plain(data), separators=(",", ":"), allow_nan=False)
