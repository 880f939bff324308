"""Planes: how information and geometry of a layer go together.

``neural_collapse`` measures the geometry of the classes.
"""

from pidnet.planes.collapse import Collapse, neural_collapse

__all__ = ["Collapse", "neural_collapse"]
