"""Stage 1: model + data -> activations.

A unit is read after its nonlinearity and named by the layer that produces it. Forward hooks mark the
output of a layer (``tracking``); its positions, steps or tokens become one value per sample (``positions``);
``recording`` does so batch by batch, so that memory grows only with what is kept.
"""

from pidnet.activations.activations import Activations
from pidnet.activations.positions import DEFAULT_REDUCTION
from pidnet.activations.recording import capture, record

__all__ = ["DEFAULT_REDUCTION", "Activations", "capture", "record"]
