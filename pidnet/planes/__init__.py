"""Planes: how information and geometry of a layer go together.

``information_plane`` has brackets of I(X;T) and I(T;Y) for each layer, with the ``checks`` that see traps;
``surrogates`` are the binned and noisy numbers of the literature, named as what they are. ``neural_collapse`` measures
the geometry of the classes.
"""

from pidnet.planes import checks, row_checks
from pidnet.planes.collapse import Collapse, neural_collapse
from pidnet.planes.plane import Plane, PlaneRow
from pidnet.planes.row_checks import Finding, check_plane
from pidnet.planes.rows import information_plane
from pidnet.planes.surrogates import binned_information, noisy_information

__all__ = [
    "Collapse",
    "Finding",
    "Plane",
    "PlaneRow",
    "binned_information",
    "check_plane",
    "checks",
    "information_plane",
    "neural_collapse",
    "noisy_information",
    "row_checks",
]
