"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Hand memory that was freed back to the system, where its C library keeps it and can be told (glibc): tensors of some MB lie
    between others there, and a process would stay as large as its largest step made it, and grow from there."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
