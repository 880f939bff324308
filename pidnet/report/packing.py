"""Arrays and names as text that is safe and small inside a page."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

import numpy as np

STEPS = 65534
NOT_FINITE = 65535


def pack(values: np.ndarray) -> dict[str, Any]:
    """Numbers as 16-bit steps between their least and largest, deflated, base64; exact to range / 65534.

    Value = low + code * step; the code 65535 stands for what is not finite.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    step = (high - low) / STEPS or 1.0
    codes = np.full(len(values), NOT_FINITE, dtype="<u2")
    codes[finite] = np.round((values[finite] - low) / step)
    text = base64.b64encode(zlib.compress(codes.tobytes(), 6)).decode()
    return {"low": float(low), "step": float(step), "deflated": text}


def script_json(data: Any) -> str:
    """JSON that cannot end the script element it stands in, whatever the names in it; nan becomes null."""
    text = json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {str(name): _finite(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
    return value
