"""Bars for what takes long; where no terminal shows a bar, a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

# Seconds between two lines in a log file.
QUIET = 30


def shown(steps: Iterable[Any], doing: str) -> tqdm:
    """The steps with a bar that comes after a second and goes when all is done; in a log file with a line every
    ``QUIET`` seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        steps, desc=doing, delay=1 if terminal else QUIET, mininterval=0.1 if terminal else QUIET, leave=False
    )
